//! The governor: may this automatic mail be sent? One function for acknowledgment, notice,
//! reminder and closing notice alike (L14, L16). It stops the response, never the storage (L8).

use crate::domain::facts::{GovernorCounts, MessageFacts};
use crate::domain::message::{Grade, InboundMessage, MessageClass, RobotSign};
use crate::domain::outgoing::Suppression;
use crate::domain::policy::Governor;

use super::scene::{Incoming, Scene};

/// May a mail that came in be answered automatically?
///
/// # Errors
/// The reason that stands in the suppressed row; the first of the fixed order wins.
pub fn may_acknowledge(
    mail: &InboundMessage,
    counts: GovernorCounts,
    caps: &Governor,
    place: Place,
) -> Result<(), Suppression> {
    if place.history {
        return Err(Suppression::History);
    }
    if !place.folder_responds {
        return Err(Suppression::Folder);
    }
    if mail.from.is_none() {
        return Err(Suppression::NoAddress);
    }
    if let Some(sign) = mail.robot.first() {
        return Err(Suppression::Robot(*sign));
    }
    if place.ours {
        return Err(Suppression::Robot(RobotSign::Loop));
    }
    if let Some(sign) = from_robot(mail) {
        return Err(Suppression::Robot(sign));
    }
    if mail.authentication.grade == Grade::Fail {
        return Err(Suppression::DmarcFail);
    }
    within_caps(counts, caps)
}

/// The same of a mail in hand.
///
/// # Errors
/// As [`may_acknowledge`].
pub fn to_mail(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>) -> Result<(), Suppression> {
    let place = Place {
        history: facts.history,
        folder_responds: facts.folder_responds,
        ours: incoming.mail.from.as_ref().is_some_and(|m| scene.policy.is_ours(&m.address)),
    };
    may_acknowledge(incoming.mail, facts.counts, &scene.policy.governor, place)
}

/// Where the mail lay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// It was there before the folder was first seen (L15).
    pub history: bool,
    /// The folder is one that is answered.
    pub folder_responds: bool,
    /// The author's address is one of ours: we minted it, or it is forged.
    pub ours: bool,
}

/// The sign of a mail whose class alone says that no person wrote it (a vacation notice known by its
/// words only carries no header that says so).
pub fn from_robot(mail: &InboundMessage) -> Option<RobotSign> {
    match mail.class? {
        MessageClass::Human | MessageClass::Encrypted => None,
        MessageClass::Autoreply | MessageClass::Challenge | MessageClass::Calendar => {
            Some(RobotSign::AutoSubmitted)
        }
        MessageClass::Receipt | MessageClass::Bounce | MessageClass::Feedback => Some(RobotSign::Report),
        MessageClass::Bulk => Some(RobotSign::Precedence),
        MessageClass::Spam => Some(RobotSign::Spam),
    }
}

/// Are the caps kept? 0 is no cap.
///
/// # Errors
/// [`Suppression::Cap`].
pub fn within_caps(counts: GovernorCounts, caps: &Governor) -> Result<(), Suppression> {
    let full = |count: u32, cap: u32| cap != 0 && count >= cap;
    if full(counts.address_hour, caps.per_address_hour)
        || full(counts.address_day, caps.per_address_day)
        || full(counts.mailbox_hour, caps.per_mailbox_hour)
    {
        Err(Suppression::Cap)
    } else {
        Ok(())
    }
}

/// Notices that follow an agent's act (reminder, closing notice) have a cap of their own: the
/// mailbox breaker only, so that a busy customer's ticket still ends with a word.
///
/// # Errors
/// The reason for which the ticket was never to be answered automatically, or
/// [`Suppression::Cap`].
pub const fn may_notify(
    never: Option<Suppression>,
    counts: GovernorCounts,
    caps: &Governor,
) -> Result<(), Suppression> {
    if let Some(reason) = never {
        return Err(reason);
    }
    if caps.per_mailbox_hour != 0 && counts.mailbox_hour >= caps.per_mailbox_hour {
        return Err(Suppression::Cap);
    }
    Ok(())
}

/// Reads the reason of a suppressed acknowledgment back: reasons that lie in the sender stay, a
/// reached cap does not.
pub fn never(stored: Option<&str>) -> Option<Suppression> {
    use RobotSign as Sign;
    let lasting = [
        Suppression::DmarcFail,
        Suppression::History,
        Suppression::NoAddress,
        Suppression::Folder,
        Suppression::Robot(Sign::NullPath),
        Suppression::Robot(Sign::AutoSubmitted),
        Suppression::Robot(Sign::SuppressHeader),
        Suppression::Robot(Sign::Precedence),
        Suppression::Robot(Sign::List),
        Suppression::Robot(Sign::Report),
        Suppression::Robot(Sign::Loop),
        Suppression::Robot(Sign::NoReply),
        Suppression::Robot(Sign::Spam),
    ];
    lasting.into_iter().find(|s| stored == Some(s.as_str()))
}
