//! The machine-readable part of a delivery report (RFC 3464 2): groups of fields, one group a
//! recipient. Takes the part's octets, since the parser leaves them be.

use mail_parser::{MimeHeaders as _, PartType};

use super::status;
use crate::domain::address::EmailAddress;
use crate::domain::message::FailedRecipient;
use crate::intake::limits;
use crate::intake::parse::Mail;

/// What the groups say.
pub struct Standard {
    /// Recipients that failed or wait.
    pub recipients: Vec<FailedRecipient>,
    /// Every recipient was reached: no bounce.
    pub only_good: bool,
}

/// Reads the delivery-status part; `None` where there is none.
pub fn read(mail: &Mail<'_>) -> Option<Standard> {
    let text = machine_part(mail).or_else(|| told_in_text(mail))?;
    let mut good = 0_usize;
    let mut recipients: Vec<FailedRecipient> = Vec::new();
    for group in groups(&text) {
        match recipient(&group) {
            Outcome::Failed(failed) => {
                let written_to =
                    original(&group).map(|address| FailedRecipient { address, ..failed.clone() });
                for failed in std::iter::once(failed).chain(written_to) {
                    let known =
                        |other: &FailedRecipient| other.address.identity() == failed.address.identity();
                    if !recipients.iter().any(known) && recipients.len() < limits::FAILED_RECIPIENTS {
                        recipients.push(failed);
                    }
                }
            }
            Outcome::Good => good += 1,
            Outcome::Nothing => {}
        }
    }
    let only_good = recipients.is_empty() && good > 0;
    Some(Standard { recipients, only_good })
}

fn machine_part(mail: &Mail<'_>) -> Option<String> {
    let head =
        |octets: &[u8]| String::from_utf8_lossy(octets.get(..limits::REPORT).unwrap_or(octets)).into_owned();
    mail.message.parts.iter().find_map(|part| {
        let status = part.is_content_type("message", "delivery-status")
            || part.is_content_type("message", "global-delivery-status");
        match &part.body {
            PartType::Text(text) if status => Some(head(text.as_bytes())),
            PartType::Binary(octets) | PartType::InlineBinary(octets) if status => Some(head(octets)),
            // Fields that look like a header make the parser take the part for a mail.
            PartType::Message(nested) if status => Some(head(&nested.raw_message)),
            _ => None,
        }
    })
}

/// The same fields within the text: gateways drop the parts of a report, or lose their types.
fn told_in_text(mail: &Mail<'_>) -> Option<String> {
    let text = mail.text.get(..limits::NOTICE).unwrap_or(&mail.text);
    let is_field =
        |line: &str, name: &str| line.get(..name.len()).is_some_and(|f| f.eq_ignore_ascii_case(name));
    let told = text.lines().any(|line| is_field(line, "final-recipient:"))
        && text.lines().any(|line| is_field(line, "action:"));
    told.then(|| text.to_owned())
}

enum Outcome {
    Failed(FailedRecipient),
    Good,
    Nothing,
}

type Fields = Vec<(String, String)>;

fn groups(text: &str) -> Vec<Fields> {
    let mut groups: Vec<Fields> = vec![Vec::new()];
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            groups.push(Vec::new());
            continue;
        }
        let Some(group) = groups.last_mut() else { break };
        if let Some((_, value)) = group.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            value.push(' ');
            value.push_str(line.trim_start());
            continue;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        if name == "final-recipient" && has(group, "final-recipient") {
            groups.push(vec![(name, value)]);
        } else {
            group.push((name, value));
        }
    }
    rejoined(groups)
}

fn has(group: &Fields, name: &str) -> bool {
    group.iter().any(|(known, _)| known == name)
}

/// Some programs leave a blank line between a recipient and what became of it.
fn rejoined(groups: Vec<Fields>) -> Vec<Fields> {
    let mut out: Vec<Fields> = Vec::new();
    for group in groups {
        let orphan = !has(&group, "final-recipient") && (has(&group, "action") || has(&group, "status"));
        match out.last_mut().filter(|last| orphan && has(last, "final-recipient") && !has(last, "action")) {
            Some(last) => last.extend(group),
            None => out.push(group),
        }
    }
    out
}

fn recipient(group: &Fields) -> Outcome {
    let field = |name: &str| group.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let action = field("action").map(str::to_ascii_lowercase).unwrap_or_default();
    let diagnostic = field("diagnostic-code").unwrap_or_default();
    let code = field("status").and_then(status::enhanced).or_else(|| status::enhanced(diagnostic));
    if ["delivered", "relayed", "expanded"].iter().any(|good| action.starts_with(good)) {
        return Outcome::Good;
    }
    // Final-Recipient is where it failed; Original-Recipient whom we wrote to (2.3.1).
    let names = ["final-recipient", "original-recipient", "x-actual-recipient"];
    let Some(address) = names.iter().find_map(|name| address(field(name)?)) else { return Outcome::Nothing };
    if code.as_deref().is_some_and(|code| code.starts_with('2')) && !action.starts_with("fail") {
        return Outcome::Good;
    }
    let code = code.or_else(|| status::of(diagnostic, None));
    let permanent = match action.as_str() {
        action if action.starts_with("delayed") => false,
        _ => code.as_deref().map_or_else(|| action.starts_with("fail"), |code| code.starts_with('5')),
    };
    Outcome::Failed(FailedRecipient { address, status: code, permanent })
}

/// The address the mail was written to, where it failed at another.
fn original(group: &Fields) -> Option<EmailAddress> {
    let value = group.iter().find(|(name, _)| name == "original-recipient").map(|(_, value)| value)?;
    address(value)
}

/// `rfc822; a@b.example`, with or without the type, brackets, or a comment.
fn address(value: &str) -> Option<EmailAddress> {
    let value = value.split_once(';').map_or(value, |(_, address)| address).trim();
    // A source route (RFC 5321 4.1.1.3) names relays before the address.
    let value = if value.starts_with('@') { value.rsplit(':').next().unwrap_or_default() } else { value };
    crate::intake::headers::addresses(value).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3464_groups_that_programs_broke_are_read_too() {
        let run_together = "Final-Recipient: rfc822;a@b.example\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822;c@d.example\nAction: delayed\nStatus: 4.4.7\n";
        let torn = "Final-Recipient: rfc822;a@b.example\n\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822;c@d.example\n\nAction: delayed\nStatus: 4.4.7\n";
        for text in [run_together, torn] {
            let found: Vec<(String, bool)> = groups(text)
                .iter()
                .filter_map(|group| match recipient(group) {
                    Outcome::Failed(f) => Some((f.address.expose().to_owned(), f.permanent)),
                    _ => None,
                })
                .collect();
            assert_eq!(
                found,
                [("a@b.example".to_owned(), true), ("c@d.example".to_owned(), false)],
                "{text}"
            );
        }
    }

    #[test]
    fn rfc3464_groups_are_read_as_written() {
        let text = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: RFC822; <a@b.example>\nAction: failed\nStatus: 5.1.1 (bad address)\nDiagnostic-Code: smtp; 550\n no such user\n\nFinal-Recipient: rfc822;c@d.example\nAction: delayed\nStatus: 4.4.1\n\nFinal-Recipient: rfc822;e@f.example\nAction: relayed\nStatus: 2.0.0\n";
        let got: Vec<(String, Option<String>, bool)> = groups(text)
            .iter()
            .filter_map(|group| match recipient(group) {
                Outcome::Failed(f) => Some((f.address.expose().to_owned(), f.status, f.permanent)),
                _ => None,
            })
            .collect();
        assert_eq!(
            got,
            [
                ("a@b.example".to_owned(), Some("5.1.1".to_owned()), true),
                ("c@d.example".to_owned(), Some("4.4.1".to_owned()), false)
            ]
        );
    }
}
