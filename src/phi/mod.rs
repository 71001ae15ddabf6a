//! Redaction of likely PHI. Takes text as a person wrote it, gives text fit for agents and clear
//! columns, with a finding (place, kind, rule) for each stretch that was replaced. The only folder
//! that makes [`crate::domain::text::RedactedText`]. It never logs, never keeps text beyond the
//! call, never fails: what it cannot judge the caller withholds with [`withheld`].

mod addresses;
mod callback;
#[cfg(test)]
mod cases;
mod chains;
pub mod checks;
mod chunks;
mod clinical;
mod contacts;
mod dates;
mod explain;
pub mod finding;
mod hl7;
mod html;
mod identifiers;
mod lexicon;
mod likely;
pub mod model;
mod names;
mod page;
pub mod placeholders;
pub mod redact;
mod sender;
mod settle;
mod zones;

pub use explain::Reason;
pub use finding::{Finding, Kind, Span};
pub use placeholders::{Issued, Placeholders, TicketNumbers};
pub use redact::{Context, Lists, LocalFormat, Redaction, Redactor, no_customer_text, withheld};
