//! intake

use crate::domain::address::EmailAddress;
use crate::domain::message::InboundMessage;

/// Every recipient, envelope first.
pub fn recipients(mail: &InboundMessage) -> impl Iterator<Item = &EmailAddress> + Clone {
    mail.envelope_to.iter().chain(mail.to.iter().chain(&mail.cc).map(|m| &m.address))
}
