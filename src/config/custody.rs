//! The tables `[attachments]`, `[reveal]` and `[retention]` of a desk file -> [`Custody`], with what can
//! be checked without the relay.

use super::desk_tables::{AttachmentsTable, AttachmentsWord, DeskFile};
use super::document::Reader;
use super::people::People;
use crate::domain::account::Transport;
use crate::domain::custody::{AttachmentRule, Custody, Retention, RevealRule};
use crate::domain::desk::Desk;

/// Reads them.
pub fn read(reader: &mut Reader<'_>, file: &DeskFile, desk: &Desk, people: &People) -> Custody {
    let reveal = RevealRule {
        minutes: file.reveal.minutes.unwrap_or(RevealRule::default().minutes),
        consent: file.reveal.consent,
        never: file.reveal.never.clone(),
    };
    if !(1..=10_080).contains(&reveal.minutes) {
        reader.fail(
            "reveal/minutes",
            "out_of_range",
            "an opening lasts 1 minute to 7 days",
            "for example 60",
        );
    }
    let retention = Retention {
        originals_days: days(reader, "retention/originals_days", file.retention.originals_days),
        tickets_days: days(reader, "retention/tickets_days", file.retention.tickets_days),
    };
    let attachments = attachments(reader, &file.attachments);
    if let AttachmentRule::Originals(domains) = &attachments {
        let inside = |name| {
            let agent = people.directory.agents.get(name);
            agent.is_some_and(|agent| domains.iter().any(|domain| domain == agent.address.domain()))
        };
        if !desk.agents.iter().any(inside) {
            let help = "agents outside these domains get the names only";
            reader.warn("attachments/domains", "no_agent", "no agent of the desk has such an address", help);
        }
    }
    Custody { attachments, reveal, retention }
}

fn days(reader: &mut Reader<'_>, path: &str, days: Option<u32>) -> Option<u32> {
    if days.is_some_and(|days| !(1..=36_500).contains(&days)) {
        reader.fail(
            path,
            "out_of_range",
            "something is kept for 1 to 36500 days",
            "leave the key out for ever",
        );
    }
    days
}

fn attachments(reader: &mut Reader<'_>, table: &AttachmentsTable) -> AttachmentRule {
    let originals = table.mail == Some(AttachmentsWord::Originals);
    if originals == table.domains.is_empty() {
        let message = "`domains` and `mail = \"originals\"` go together";
        let help = "originals go only to agents inside named domains";
        reader.fail("attachments", "contradiction", message, help);
    }
    match table.mail {
        None | Some(AttachmentsWord::Withhold) => AttachmentRule::Withhold,
        Some(AttachmentsWord::PassClean) => AttachmentRule::PassClean,
        Some(AttachmentsWord::Originals) => {
            AttachmentRule::Originals(table.domains.iter().map(|domain| domain.to_lowercase()).collect())
        }
    }
}

/// Originals leave only over TLS with a verified name: known when both desk and relay are.
pub fn check_transport<'d>(
    reader: &mut Reader<'_>,
    desks: impl Iterator<Item = &'d Desk>,
    transport: &Transport,
) {
    let verified = transport.is_verified();
    for desk in desks.filter(|desk| matches!(desk.custody.attachments, AttachmentRule::Originals(_))) {
        if !verified {
            let message =
                format!("`{}` mails original attachments, and the relay has no verified TLS", desk.name);
            let help =
                "set `tls = \"tls\"` or `\"starttls\"` under [smtp], or `mail = \"withhold\"` at the desk";
            reader.fail("smtp", "no_tls", message, help);
        }
    }
}
