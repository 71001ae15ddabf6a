//! Keys of a desk file that are read and checked but lead to nothing yet: each is a warning, so that
//! no configured rule is silently ignored. A key leaves this list with the code that obeys it.

use super::desk_tables::{ClockStartWord, DeskFile};
use super::document::Reader;
use crate::domain::desk::CustomerNotice;

/// Warns of every key without effect.
pub fn warn(reader: &mut Reader<'_>, file: &DeskFile) {
    let notices = file.notices.as_deref().unwrap_or_default();
    let progress = notices.iter().position(|notice| *notice == CustomerNotice::Progress);
    let progress = progress.map(|number| format!("notices/{number}"));
    let pages = &file.after_hours;
    let keys: [(bool, &str, &str); 7] = [
        (
            file.clock_start == Some(ClockStartWord::Acknowledged),
            "clock_start",
            "all clocks start with the arrival of the mail",
        ),
        (
            file.submitters.is_some(),
            "submitters",
            "mail of others is not held; it opens a ticket that is marked `not_registered`",
        ),
        (!file.eta.is_empty(), "eta", "an answer without an estimate goes out"),
        (!file.answer.is_empty(), "answer", "agents answer these tickets like any other"),
        (
            !file.escalation.warn_at.is_empty(),
            "escalation/warn_at",
            "agents are told when a target is missed",
        ),
        (!pages.on_call.is_empty(), "after_hours/on_call", "nobody is paged; the agents are told by mail"),
        (pages.pages_per_hour.is_some(), "after_hours/pages_per_hour", "nobody is paged"),
    ];
    let progress = progress.iter().map(|path| (path.as_str(), "agents are told when an update is due"));
    let keys = keys.into_iter().filter(|(set, ..)| *set).map(|(_, path, instead)| (path, instead));
    for (path, instead) in keys.chain(progress) {
        let name = if path.starts_with("notices/") { "progress".to_owned() } else { path.replace('/', ".") };
        reader.warn(
            path,
            "not_yet_in_effect",
            format!("`{name}` has no effect yet"),
            format!("until then {instead}"),
        );
    }
}
