//! A relay's reply, reduced to what may be kept: its codes, the queue id, and where in the
//! conversation it came. The text itself is read once for the classes of L29 and dropped.

use std::fmt;

/// Where in the conversation something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// TCP, TLS, greeting, EHLO, STARTTLS.
    Connect,
    /// AUTH.
    Login,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Recipient,
    /// DATA and the mail itself.
    Content,
    /// No relay at all: the local disk.
    File,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Login => "login",
            Self::Mail => "mail",
            Self::Recipient => "rcpt",
            Self::Content => "data",
            Self::File => "file",
        }
    }
}

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enhanced(pub u16, pub u16, pub u16);

impl Enhanced {
    /// Reads the first word of a reply (RFC 2034 4).
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.split_whitespace().next()?;
        let mut parts = word.split('.');
        let mut number = |max: usize| {
            let part = parts.next()?;
            (part.len() <= max && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let code = Self(number(1)?, number(3)?, number(3)?);
        (parts.next().is_none() && matches!(code.0, 2 | 4 | 5)).then_some(code)
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why a mail was not taken: shows itself as `rcpt 550 5.1.1` or `connect refused`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Where.
    pub stage: Stage,
    /// The reply code (RFC 5321 4.2), where there was a reply.
    pub code: Option<u16>,
    /// The enhanced code, where the reply had one.
    pub enhanced: Option<Enhanced>,
    /// A fixed word for what had no reply.
    pub word: Option<&'static str>,
}

impl Cause {
    /// A reply with its codes.
    pub const fn reply(stage: Stage, code: u16, enhanced: Option<Enhanced>) -> Self {
        Self { stage, code: Some(code), enhanced, word: None }
    }
    /// Something that is no reply.
    pub const fn word(stage: Stage, word: &'static str) -> Self {
        Self { stage, code: None, enhanced: None, word: Some(word) }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stage.as_str())?;
        if let Some(code) = self.code {
            write!(f, " {code}")?;
        }
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        if let Some(word) = self.word {
            write!(f, " {word}")?;
        }
        Ok(())
    }
}

/// What is kept of an acceptance: codes and the queue id, by which the relay's own log can be
/// searched and, with SES and outlook.com, the Message-ID be known (L36).
pub(super) fn acceptance(code: u16, text: &str) -> String {
    let mut kept = code.to_string();
    if let Some(enhanced) = Enhanced::parse(text) {
        kept = format!("{kept} {enhanced}");
    }
    if let Some(id) = queue_id(text) {
        kept = format!("{kept} {id}");
    }
    kept
}

/// Postfix `Ok: queued as X`, Exim `OK id=X`, Google `OK n X - gsmtp`, Exchange `<X> [...] Queued`,
/// sendmail `X Message accepted`, SES `Ok X`: the first word that looks like an identifier.
fn queue_id(text: &str) -> Option<&str> {
    let rest = text.split_once("queued as ").map_or(text, |(_, rest)| rest);
    let rest = rest.split_once("id=").map_or(rest, |(_, rest)| rest);
    rest.split_whitespace().find(|word| {
        let identifier = |c: char| c.is_ascii_alphanumeric() || "<>@.-_=+$".contains(c);
        (6..=200).contains(&word.len())
            && word.chars().all(identifier)
            && word.chars().any(|c| c.is_ascii_digit())
            && word.contains('@') == word.starts_with('<')
            && Enhanced::parse(word).is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes() {
        let cases = [
            ("5.1.1 no such user", Some(Enhanced(5, 1, 1))),
            ("4.7.500 Server busy", Some(Enhanced(4, 7, 500))),
            ("5.7.1", Some(Enhanced(5, 7, 1))),
            ("3.1.1 what", None),
            ("5.1 short", None),
            ("5.1.1.1 long", None),
            ("5.1111.1", None),
            ("10.1.1.5 is not a status", None),
            ("", None),
        ];
        for (text, code) in cases {
            assert_eq!(Enhanced::parse(text), code, "{text}");
        }
    }

    #[test]
    fn l36_of_an_acceptance_only_codes_and_queue_id_are_kept() {
        let cases = [
            ("2.0.0 Ok: queued as 4F1A2B3C4D", "250 2.0.0 4F1A2B3C4D"),
            ("OK id=1rXyZ1-000abc-2D", "250 1rXyZ1-000abc-2D"),
            ("2.0.0 OK  1732290000 af79cd13be357-7b5bd2sm42 - gsmtp", "250 2.0.0 1732290000"),
            ("2.6.0 <A1B2@X.example.com> [InternalId=9] Queued mail", "250 2.6.0 <A1B2@X.example.com>"),
            ("Ok 0102019abcdef-000000", "250 0102019abcdef-000000"),
            ("2.0.0 4AMHx123 Message accepted for delivery", "250 2.0.0 4AMHx123"),
            ("2.1.5 jane.doe1961@example.org ok", "250 2.1.5"),
            ("Thanks, Jane", "250"),
        ];
        for (text, kept) in cases {
            assert_eq!(acceptance(250, text), kept, "{text}");
        }
    }
}
