//! Enhanced status codes (RFC 3463) out of prose: the code itself, else what an SMTP reply code or
//! the words of the notice mean. Takes text, gives `c.s.d`.

use std::sync::LazyLock;

use crate::intake::pattern::{Pattern, pattern};

pattern!(ENHANCED, r"(?:^|[^\d.])([245])\.(\d{1,3})\.(\d{1,3})(?:[^\d.]|\.(?:\D|$)|$)");
pattern!(SMTP, r"(?m)(?:^|[\s:;(<#-])([45])([0-5])(\d)(?:[\s\-:,.)>]|$)");

/// The first enhanced status in a text.
pub fn enhanced(text: &str) -> Option<String> {
    let found = ENHANCED.captures(text)?;
    let piece = |n| found.get(n).map_or("", |m| m.as_str());
    Some(format!("{}.{}.{}", piece(1), piece(2), piece(3)))
}

/// Words of notices and what they mean, class left open: the reply code or the notice says whether
/// it lasts. Exim, qmail, sendmail, Postfix, Exchange, Notes, Groupwise, large providers.
const MEANINGS: [(&str, &str, char); 7] = [
    (
        r"(?i)(?:mailbox|inbox|account|quota|user|casilla|caixa|boîte)[^.\n]{0,40}(?:is |are )?(?:full|exceed|over ?quota|agotad|plein|chei)|quota (?:usage )?exceed|over (?:the )?(?:maximum )?(?:allowed )?quota|exceeded storage|insufficient (?:disk |system )?storage|not enough storage|out of (?:disk )?space",
        "2.2",
        '5',
    ),
    (
        r"(?i)(?:user|recipient|mailbox|account|address|addressee|alias|local part|usuario|usuário|destinat[aá]rio|destinatario|empf[aä]nger)[^.\n]{0,40}(?:unknown|not (?:found|exist|listed|known|recognized|valid)|does(?:n't| not) exist|invalid|no such|rejected|unavailable|inexist|no existe|n[aã]o existe|desconocid|unbekannt)|unknown (?:user|recipient|address|local)|no such (?:user|person|recipient|mailbox|address)|(?:no|not a valid|isn't a valid) mailbox|no mailbox here|invalid (?:recipient|mailbox|user|address)|unrouteable address|not listed in (?:the )?(?:domino|public)|address(?:es)? (?:couldn't be found|wasn't found|rejected)|did not reach the following",
        "1.1",
        '5',
    ),
    (
        r"(?i)(?:account|mailbox|user)[^.\n]{0,40}(?:disabled|inactive|suspended|deactivated|closed|discontinued|expired|blocked)",
        "2.1",
        '5',
    ),
    (
        r"(?i)(?:host|domain|mx)[^.\n]{0,40}(?:unknown|not found|lookup fail|does(?:n't| not) exist|couldn't be found|nxdomain)|unknown (?:host|domain)|no mx|name service error|dns (?:error|failure)|host or domain name not found|couldn't find any host",
        "1.2",
        '5',
    ),
    (
        r"(?i)(?:spam|blacklist|black ?list|blocked|blocklist|rejected for policy|policy (?:reasons|violation|restriction)|content (?:rejected|filter)|not authori[sz]ed|relay(?:ing)? (?:access )?(?:denied|not permitted)|unable to relay|access denied|administrative prohibition)",
        "7.1",
        '5',
    ),
    (
        r"(?i)(?:message|mail|size)[^.\n]{0,30}(?:too (?:large|big|long)|exceeds? (?:the )?(?:maximum|size|fixed))",
        "3.4",
        '5',
    ),
    (
        r"(?i)(?:timed? ?out|time-?out|connection (?:refused|reset|failed)|could not connect|unable to connect|did not (?:respond|accept)|retry (?:time|timeout)|has been (?:delayed|in the queue|queued)|too (?:long|many)|undelivered after|still being retried|will (?:be )?(?:retr|try|keep))",
        "4.1",
        '4',
    ),
];

/// The status a text means: its code, else its words with the class of its SMTP reply.
pub fn of(text: &str) -> Option<String> {
    if let Some(code) = enhanced(text) {
        return Some(code);
    }
    let reply = SMTP.captures(text).and_then(|found| found.get(1)).map(|m| m.as_str().to_owned());
    let words =
        COMPILED.iter().zip(MEANINGS).find(|(pattern, _)| pattern.is_match(text)).map(|(_, meaning)| meaning);
    match (words, reply) {
        (Some((_, detail, _)), Some(class)) => Some(format!("{class}.{detail}")),
        (Some((_, detail, class)), None) => Some(format!("{class}.{detail}")),
        (None, Some(class)) => Some(format!("{class}.0.0")),
        (None, None) => None,
    }
}

static COMPILED: LazyLock<Vec<Pattern>> =
    LazyLock::new(|| MEANINGS.iter().map(|(source, _, _)| Pattern::new(source)).collect());

pattern!(
    DELAY,
    r"(?i)(?:delay|this is (?:just )?a warning|warning: |no action is required|not yet been delivered|still (?:be(?:ing)? )?(?:try|retri|queued|undelivered)|will (?:continue|keep|be retried|try)|temporar|transient|do not need to resend)"
);
pattern!(
    LASTING,
    r"(?i)(?:permanent|fatal error|giving up|given up|i've given up|returned to sender|undeliverable|could not be delivered|failed permanently)"
);

/// Does a notice speak of a lasting failure? `None` where it says neither.
pub fn is_permanent(text: &str) -> Option<bool> {
    if let Some(code) = enhanced(text) {
        return Some(code.starts_with('5'));
    }
    if let Some(found) = SMTP.captures(text) {
        return found.get(1).map(|class| class.as_str() == "5");
    }
    let lasting = LASTING.is_match(text);
    if DELAY.is_match(text) && !lasting {
        return Some(false);
    }
    (lasting || of(text).is_some_and(|code| code.starts_with('5'))).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3463_codes_out_of_prose() {
        let cases = [
            ("550 5.1.1 <a@b.example>: user unknown", Some("5.1.1"), Some(true)),
            ("(#5.1.1)", Some("5.1.1"), Some(true)),
            ("host 10.5.1.1 said: 550 no such user", Some("5.1.1"), Some(true)),
            ("host 5.1.1.9 said: 452 mailbox full", Some("4.2.2"), Some(false)),
            ("Sorry, no mailbox here by that name.", Some("5.1.1"), Some(true)),
            ("Mailbox quota usage exceeded", Some("5.2.2"), Some(true)),
            ("This is a warning: it was delayed, connection timed out", Some("4.4.1"), Some(false)),
            ("hello", None, None),
        ];
        for (text, code, lasting) in cases {
            assert_eq!(of(text).as_deref(), code, "{text}");
            assert_eq!(is_permanent(text), lasting, "{text}");
        }
        assert!(COMPILED.iter().all(Pattern::is_sound));
    }
}
