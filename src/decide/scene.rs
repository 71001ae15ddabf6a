//! What every decision is given besides facts.

use crate::domain::desk::Desk;
use crate::domain::effect::LedgerState;
use crate::domain::ids::LedgerId;
use crate::domain::message::{InboundMessage, Instant, RedactedMail};
use crate::domain::policy::Policy;

/// A message in hand.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Understood.
    pub mail: &'a InboundMessage,
    /// Redacted.
    pub redacted: &'a RedactedMail,
    /// Its ledger row.
    pub ledger: LedgerId,
    /// INTERNALDATE, never later than now; clocks start here.
    pub arrived: Instant,
    /// A person released it: neither marks of spam nor a missing proof hold it again.
    pub released: bool,
    /// A breach desk has the same mail, whoever of the recipients is named (it may have come as Bcc).
    pub breach_copy: bool,
}

/// Where and when it is decided.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The receiving desk.
    pub desk: &'a Desk,
    /// Everything else that is configured.
    pub policy: &'a Policy,
    /// The instant of the decision.
    pub now: Instant,
}

impl Incoming<'_> {
    /// The ledger state of a mail that stands in a ticket.
    pub const fn in_ticket(oversize: bool) -> LedgerState {
        if oversize { LedgerState::Oversize } else { LedgerState::Committed }
    }
}
