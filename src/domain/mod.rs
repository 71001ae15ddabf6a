//! The words of the trade as types. Plain data and its invariants; imports nothing of ours, knows
//! no clock, no socket, no file.

pub mod account;
pub mod address;
pub mod agent_mail;
pub mod calendar;
pub mod command;
pub mod custody;
pub mod desk;
pub mod directory;
pub mod effect;
pub mod facts;
pub mod ids;
pub mod message;
pub mod outgoing;
pub mod policy;
pub mod priority_rules;
pub mod report;
pub mod sla;
pub mod span;
pub mod text;
pub mod ticket;
pub mod token;
