//! What a decision about a mail may know, read inside its transaction.

use crate::domain::address::EmailAddress;
use crate::domain::ids::{AccountName, DeskName, LedgerId, LookupKey, MessageId};
use crate::domain::message::{Instant, ThreadHints};
use crate::domain::policy::Governor;

/// What to read for one mail.
#[derive(Debug, Clone, Copy)]
pub struct FactsQuery<'a> {
    /// The mail's own row, which is not its own duplicate.
    pub ledger: LedgerId,
    /// The receiving desk: only its tickets are candidates.
    pub desk: &'a DeskName,
    /// The account: duplicates are looked for within it.
    pub account: &'a AccountName,
    /// Keys by which it may belong to a ticket; the newest 64 identifiers are looked at.
    pub hints: &'a ThreadHints,
    /// Its Message-ID.
    pub message_id: Option<&'a MessageId>,
    /// Its author.
    pub from: Option<&'a EmailAddress>,
    /// The keyed hash of its content (L6).
    pub content_key: LookupKey,
    /// For the governor's counts.
    pub now: Instant,
    /// The Message-ID of the mail that a bounce speaks of.
    pub bounce_original: Option<&'a MessageId>,
    /// Caps: the counts go as far as the caps and no further; without a cap nothing is counted.
    pub caps: &'a Governor,
    /// From history; handed on.
    pub history: bool,
    /// Its folder is answered; handed on.
    pub folder_responds: bool,
    /// Only its head is known; handed on.
    pub oversize: bool,
}
