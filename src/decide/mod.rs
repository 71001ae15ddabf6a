//! What happens: plain functions from facts, ticket, policy and now to a decision. No async, no
//! pool, no clock, no log; nothing here changes anything.

pub mod agent_mail;
pub mod answer;
pub mod bounce;
pub mod clocks;
pub mod escalate;
pub mod held;
pub mod hours;
pub mod join;
pub mod merge;
pub mod notify;
pub mod on_command;
pub mod on_message;
pub mod on_tick;
pub mod open;
pub mod opening;
pub mod orders;
pub mod page;
pub mod priority;
pub mod respond;
pub mod scene;
pub mod shown;
pub mod similar;
pub mod status;
pub mod thread;
pub mod warn;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
