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
/// it lasts. Exim, qmail, sendmail, Postfix, Courier, Exchange, Notes, GroupWise, MDaemon, IMail,
/// CommuniGate, large providers; in English, Spanish, Portuguese, Italian, French, German.
const MEANINGS: [(&str, &str, char); 8] = [
    (
        r"(?i)(?:mailbox|inbox|account|quota|user|casilla|buz[oó]n|caixa|casella|boîte|postfach)[^.\n]{0,60}(?:is |are )?(?:full|exceed|over ?quota|agotad|llen[oa]|chei[ao]|lotad|pien[ao]|plein|voll)|quota (?:usage )?exceed|exceeded (?:its |the |his |their )?(?:mail|storage|disk|quota|mailbox)|exceeds allowed size|over (?:the )?(?:maximum )?(?:allowed )?quota|excede?(?:u|d)? (?:a |la )?(?:cota|quota|cuota)|insufficient (?:disk |system )?storage|not enough (?:storage|space)|out of (?:disk )?space|disk quota",
        "2.2",
        '5',
    ),
    (
        r"(?i)(?:users?|recipients?|mailbox|account|address(?:es)?|addressee|alias|local part|usuario|usu[aá]rio|destinat[aá]rio|utente|utilisateur|adresse|empf[aä]nger|benutzer)(?-u:\b)[^.\n]{0,60}(?:unknown|not (?:be )?(?:found|exist|listed|known|recognized|recognised|valid|available)|(?:couldn't|could not|wasn't) (?:be )?found|does(?:n't| not) (?:exist|have an?)|invalid|no such|rejected|unavailable|no longer|unreachable|inexist|no existe|n[aã]o (?:foi encontrado|existe)|non (?:esiste|trovat)|n'existe pas|introuvable|desconocid|desconhecid|sconosciut|inconnu|unbekannt|nicht gefunden|existiert nicht|не существует|не найден)|unknown (?:user|recipient|address|local|account|mailbox)|no such (?:user|person|recipient|mailbox|address|account)|(?:no|not a valid|isn't a valid|bad) (?:mailbox|recipient|destination mailbox)|no mailbox here|no valid recipient|invalid (?:recipient|mailbox|user|address)|unrouteable address|not listed in (?:the )?(?:domino|public)|mailbox not found|not a known user|bad destination|did not reach the following|不存在|見つかりません|未找到",
        "1.1",
        '5',
    ),
    (
        r"(?i)(?:account|mailbox|user|cuenta|conta|compte|konto)(?-u:\b)[^.\n]{0,40}(?:disabled|inactive|suspended|deactivated|closed|discontinued|expired|blocked|inativ|inactiv|deshabilitad|desativad|suspendid|suspens|désactiv|gesperrt|deaktiviert)",
        "2.1",
        '5',
    ),
    (
        r"(?i)(?:host|domain|mx|server)(?-u:\b)[^.\n]{0,40}(?:unknown|not found|lookup fail|does(?:n't| not) exist|couldn't be found|nxdomain|can't be found)|(?:unknown|no such) (?:host|domain)|no mx|name service error|dns (?:error|failure)|find any host|domain isn't in|bad (?:host|domain)|dominio (?:no existe|inexistente)|dom[ií]nio (?:não|inexist)",
        "1.2",
        '5',
    ),
    (
        r"(?i)(?:spam|blacklist|black ?list|blocked|blocklist|listed (?:in|at|by)|rejected for policy|polic(?:y|ies) (?:reasons|violation|restriction)|content (?:rejected|filter)|not authori[sz]ed|relay(?:ing)? (?:access )?(?:denied|not (?:permitted|allowed))|unable to relay|access denied|administrative prohibition|permission denied|unsolicited|virus)",
        "7.1",
        '5',
    ),
    (
        r"(?i)(?:message|mail|size|mensaje|mensagem)[^.\n]{0,30}(?:too (?:large|big|long)|exceeds? (?:the )?(?:maximum|size|fixed|limit)|demasiado grande|muito grande)",
        "3.4",
        '5',
    ),
    (
        r"(?i)(?:timed? ?out|connection (?:refused|reset|failed|lost|dropped)|could not connect|unable to connect|no route|did not (?:respond|accept)|network (?:is )?(?:unreachable|error)|time-?out (?:while|connect))",
        "4.1",
        '4',
    ),
    (
        r"(?i)(?:retry (?:time|timeout)|has been (?:delayed|in the queue|queued)|hours on the queue|(?:too long|been) in (?:the )?queue|message expired|delivery time expired|too (?:long|many)|undelivered after|not yet been delivered|still being retried|will (?:be )?(?:retr|try|keep)|verz[oö]gert|retrasad|atrasad|ritardat|retard)",
        "4.7",
        '4',
    ),
];

/// The detail of SMTP replies that say enough by themselves (RFC 5321 4.2.3, RFC 3463 3).
const REPLIES: [(&str, &str); 8] = [
    ("421", "4.3.2"),
    ("450", "4.2.0"),
    ("451", "4.3.0"),
    ("452", "4.3.1"),
    ("551", "5.1.6"),
    ("552", "5.2.2"),
    ("553", "5.1.3"),
    ("556", "5.1.10"),
];

/// The status a text means: its code, else its words with the class of its SMTP reply; without a
/// reply the class is that of the notice, `lasting`, where it is known.
pub fn of(text: &str, lasting: Option<bool>) -> Option<String> {
    if let Some(code) = enhanced(text) {
        return Some(code);
    }
    let reply = SMTP.captures(text).map(|found| {
        let digits = (1..=3).filter_map(|n| found.get(n)).map(|m| m.as_str());
        digits.collect::<String>()
    });
    let words =
        COMPILED.iter().zip(MEANINGS).find(|(pattern, _)| pattern.is_match(text)).map(|(_, meaning)| meaning);
    let told = lasting.map(|lasting| if lasting { '5' } else { '4' });
    match (words, reply) {
        (Some((_, detail, usual)), reply) => {
            let class = reply.as_deref().and_then(|reply| reply.chars().next()).or(told).unwrap_or(usual);
            Some(format!("{class}.{detail}"))
        }
        (None, Some(reply)) => {
            let known =
                REPLIES.iter().find(|(code, _)| *code == reply).map(|(_, status)| (*status).to_owned());
            known.or_else(|| Some(format!("{}.0.0", reply.chars().next()?)))
        }
        (None, None) => None,
    }
}

static COMPILED: LazyLock<Vec<Pattern>> =
    LazyLock::new(|| MEANINGS.iter().map(|(source, _, _)| Pattern::new(source)).collect());

pattern!(
    /// Words of a warning that is followed by more attempts, whatever else the notice says.
    WARNING,
    r"(?i)(?:non-?fatal|warning (?:message )?only|(?:this is|only) (?:just |only )?a warning|no action is required|not yet been delivered|still (?:be(?:ing)? )?(?:try|retri|queued|undelivered)|will (?:continue|keep|be retried|be attempted again|try again|retry)|(?:attempts|try(?:ing)?) (?:to deliver it )?(?:will|to) (?:continue|be made)|do not need to re-?send|(?:has been|was|is|being) (?:delayed|temporarily deferred)|delivery (?:is )?delayed|temporary (?:failure|problem|error)|wird weiterhin versucht|se seguir[aá] intentando|continuar[aá] tentando)"
);
pattern!(DELAY, r"(?i)(?:delay|warning: |temporar|transient|verz[oö]ger|retrasad|atrasad|ritard)");
pattern!(
    LASTING,
    r"(?i)(?:permanent|(?:[^-n]|^)fatal error|giving up|given up|gave up|returned to (?:the )?sender|undeliverable|could not be delivered|cannot be delivered|failed permanently|will not (?:be )?(?:retr|try)|no further attempts)"
);

/// Does a notice speak of a lasting failure? `None` where it says neither.
pub fn is_permanent(text: &str) -> Option<bool> {
    let given_up = || GIVEN_UP.is_match(text);
    if WARNING.is_match(text) && !given_up() {
        return Some(false);
    }
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
    (lasting || of(text, None).is_some_and(|code| code.starts_with('5'))).then_some(true)
}

pattern!(
    GIVEN_UP,
    r"(?i)(?:giving up|given up|gave up|permanent (?:error|failure|fatal)|failed permanently|(?:returned|removed) (?:to sender|from the (?:mail )?queue)|will not (?:be )?(?:retr|try)|no further attempts|could not be delivered for|5\.\d\.\d)"
);

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
            assert_eq!(of(text, is_permanent(text)).as_deref(), code, "{text}");
            assert_eq!(is_permanent(text), lasting, "{text}");
        }
        assert!(COMPILED.iter().all(Pattern::is_sound));
        for pattern in [&WARNING, &DELAY, &LASTING, &GIVEN_UP, &ENHANCED, &SMTP] {
            assert!(pattern.is_sound());
        }
    }
}
