//! Which reply means what (L29). A table of rules in order; the first that fits decides. What blames
//! the sender, the login or the quota pauses the transport; what blames the recipient or this mail
//! ends the row; everything that is not surely final is tried again.

use std::time::Duration;

use super::SendOutcome;
use super::reply::{Cause, Enhanced, Stage};

/// Without a suggestion a throttled transport waits so long.
const PAUSE: Duration = Duration::from_mins(1);
/// No relay is believed further than this.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Row,
    Throttled,
    Transient,
    Paused,
}

/// A refusal with its code, at its stage.
pub(super) fn classify(stage: Stage, code: u16, text: &str) -> SendOutcome {
    let enhanced = Enhanced::parse(text);
    let cause = Cause::reply(stage, code, enhanced);
    match class(stage, code, enhanced, &text.to_ascii_lowercase()) {
        Class::Row => SendOutcome::RowPermanent(cause),
        Class::Transient => SendOutcome::Transient(cause),
        Class::Paused => SendOutcome::TransportPaused(cause),
        Class::Throttled => SendOutcome::Throttled { cause, wait: suggested_wait(text).unwrap_or(PAUSE) },
    }
}

fn class(stage: Stage, code: u16, enhanced: Option<Enhanced>, text: &str) -> Class {
    match code {
        421 => Class::Throttled,
        400..=499 => temporary(stage, enhanced, text),
        500..=599 => permanent(stage, code, enhanced, text),
        _ => Class::Transient,
    }
}

fn temporary(stage: Stage, enhanced: Option<Enhanced>, text: &str) -> Class {
    // Greylisting speaks of this recipient's server, and 4.2.x of this mailbox.
    if stage == Stage::Recipient && (text.contains("greylist") || text.contains("graylist")) {
        return Class::Transient;
    }
    match enhanced {
        // 4.7.0 at AUTH: the directory behind the login is away, not a rate.
        Some(Enhanced(_, 7, _)) if stage == Stage::Login => Class::Transient,
        // Rate and reputation limits (Google 4.7.28, Microsoft 4.7.500-699), 432 4.3.2 concurrency.
        Some(Enhanced(_, 7, _) | Enhanced(_, 3, 2) | Enhanced(_, 4, 5)) => Class::Throttled,
        _ if text.contains("rate limit") || text.contains("too many") => Class::Throttled,
        _ => Class::Transient,
    }
}

fn permanent(stage: Stage, code: u16, enhanced: Option<Enhanced>, text: &str) -> Class {
    // Whatever is refused before a mail is named concerns every mail.
    if matches!(stage, Stage::Connect | Stage::Login) || matches!(code, 530 | 534 | 535 | 538) {
        return Class::Paused;
    }
    if let Some(enhanced) = enhanced
        && blames_us(enhanced)
    {
        return Class::Paused;
    }
    if ["relay", "sendasdenied", "quota exceeded", "limit exceeded", "authenticat"]
        .iter()
        .any(|w| text.contains(w))
        && enhanced.is_none_or(|Enhanced(_, subject, _)| subject == 7 || subject == 4)
        && stage != Stage::Content
    {
        return Class::Paused;
    }
    match (stage, enhanced) {
        // Too large, or not convertible: this mail's own fault, also when MAIL is the place to say so.
        (Stage::Mail, Some(Enhanced(_, 3, 4) | Enhanced(_, 6, _))) => Class::Row,
        (Stage::Mail, _) if code == 552 => Class::Row,
        // Any other refusal of our own reverse-path: send-as, SES's `501 Invalid MAIL FROM` (L35).
        (Stage::Mail, _) => Class::Paused,
        // A server that lost the thread of the conversation.
        (_, None) if matches!(code, 500 | 502 | 503 | 504) => Class::Transient,
        (_, Some(Enhanced(_, 5, 1 | 2))) if matches!(code, 500 | 502 | 503 | 504) => Class::Transient,
        _ => Class::Row,
    }
}

/// Enhanced codes by which providers blame sender, tenant, login or quota: subject, then details.
const BLAME: &[(u16, std::ops::RangeInclusive<u16>)] = &[
    // The sender's address (RFC 3463 3.2; Microsoft 5.1.8 "bad outbound sender").
    (1, 7..=8),
    // Microsoft's daily limit of recipients.
    (1, 90..=90),
    // Microsoft 554 5.2.0 STOREDRV.Submission: quota or send-as.
    (2, 0..=0),
    // Microsoft's rate limits.
    (2, 121..=122),
    (2, 251..=252),
    // Google's daily quota.
    (4, 5..=5),
    // Sign in first; the login is refused or too weak (RFC 4954 6, Google 5.7.9, 5.7.11, 5.7.14).
    (7, 0..=0),
    (7, 3..=3),
    (7, 8..=9),
    (7, 11..=11),
    (7, 14..=14),
    // Google: our own mail is not authenticated.
    (7, 26..=26),
    (7, 30..=30),
    // Microsoft: not logged in, send-as denied, connector, basic authentication switched off.
    (7, 57..=57),
    (7, 60..=60),
    (7, 64..=64),
    (7, 139..=139),
    // Too many, and Microsoft's blocks of address, tenant or range.
    (7, 128..=128),
    (7, 232..=236),
    (7, 500..=550),
    (7, 606..=649),
    (7, 700..=750),
];

fn blames_us(Enhanced(_, subject, detail): Enhanced) -> bool {
    BLAME.iter().any(|(known, details)| *known == subject && details.contains(&detail))
}

/// "try again in 5 minutes", "retry after 30 seconds", "300 secs".
fn suggested_wait(text: &str) -> Option<Duration> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.windows(2).find_map(|pair| {
        let [number, unit] = pair else { return None };
        let number: u64 = number.parse().ok()?;
        let seconds = match unit.as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => number,
            "min" | "mins" | "minute" | "minutes" => number.checked_mul(60)?,
            "hour" | "hours" => number.checked_mul(3600)?,
            _ => return None,
        };
        Some(Duration::from_secs(seconds.max(1)).min(LONGEST_PAUSE))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stage: Stage, class: Class, replies: &[&str]) {
        for reply in replies {
            let (code, text) = reply.split_once(' ').unwrap();
            let outcome = classify(stage, code.parse().unwrap(), text);
            let got = match outcome {
                SendOutcome::RowPermanent(_) => Class::Row,
                SendOutcome::Throttled { .. } => Class::Throttled,
                SendOutcome::Transient(_) => Class::Transient,
                SendOutcome::TransportPaused(_) => Class::Paused,
                SendOutcome::Accepted { .. } | SendOutcome::Expired => panic!("{reply}: {outcome:?}"),
            };
            assert_eq!(got, class, "{stage:?} {reply}");
        }
    }

    #[test]
    fn l29_the_recipient_or_the_mail_is_at_fault() {
        check(
            Stage::Recipient,
            Class::Row,
            &[
                "550 5.1.1 <x@example.org>: Recipient address rejected: User unknown",
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
                "550 5.1.2 bad destination system",
                "553 5.1.3 bad address syntax",
                "550 No such user here",
                "550 5.2.1 The email account that you tried to reach is disabled",
                "552 5.2.2 over quota",
                "550 5.4.1 Recipient address rejected: Access denied",
                "550 5.5.0 Requested action not taken: mailbox unavailable",
                "550 5.7.1 recipient does not accept mail from strangers",
                "551 user not local",
                "556 5.1.10 null MX",
                "501 5.1.3 Bad recipient address syntax",
            ],
        );
        check(
            Stage::Content,
            Class::Row,
            &[
                "552 5.3.4 Message size exceeds fixed limit",
                "554 5.6.0 Message content rejected",
                "550 5.7.1 Message contains spam or virus",
                "550 5.7.1 Message failed DMARC authentication of a forwarder",
                "554 5.4.6 Too many hops",
                "554 rejected",
            ],
        );
        check(
            Stage::Mail,
            Class::Row,
            &["552 5.3.4 too big", "552 message size exceeds", "554 5.6.3 no 8BITMIME"],
        );
    }

    #[test]
    fn l29_sender_login_or_quota_are_at_fault() {
        check(
            Stage::Login,
            Class::Paused,
            &[
                "535 5.7.8 Username and Password not accepted",
                "535 5.7.139 basic authentication is disabled",
                "534 5.7.9 Application-specific password required",
                "504 mechanism not supported",
                "554 go away",
            ],
        );
        check(Stage::Connect, Class::Paused, &["554 5.7.1 no service for your address", "502 no STARTTLS"]);
        check(
            Stage::Mail,
            Class::Paused,
            &[
                "530 5.7.0 Must issue a STARTTLS command first",
                "530 5.7.57 Client not authenticated to send mail",
                "501 Invalid MAIL FROM address provided",
                "550 5.7.60 SMTP; Client does not have permissions",
                "553 5.7.1 sender address rejected: not owned by user",
                "550 5.1.8 Access denied, bad outbound sender",
                "550 5.4.5 Daily user sending limit exceeded",
                "550 sender refused",
            ],
        );
        check(
            Stage::Recipient,
            Class::Paused,
            &[
                "554 5.7.1 <x@example.org>: Relay access denied",
                "550 relay not permitted",
                "550 5.4.5 Daily SMTP relay limit exceeded for user",
                "550 5.1.90 Your message can't be sent",
                "550 5.7.708 Access denied, traffic not accepted from this IP",
                "530 5.7.1 Authentication required",
                "550 5.7.501 Access denied, spam abuse detected",
            ],
        );
        check(
            Stage::Content,
            Class::Paused,
            &[
                "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
                "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException",
                "550 5.4.5 Daily user sending limit",
                "550 5.7.60 send as denied",
                "550 5.7.26 sender is unauthenticated",
            ],
        );
    }

    #[test]
    fn l29_later_is_not_never() {
        check(
            Stage::Recipient,
            Class::Transient,
            &[
                "450 4.2.1 receiving mail too quickly",
                "451 4.7.1 Greylisted, try again in 300 seconds",
                "452 4.2.2 mailbox full",
                "450 4.1.2 domain not found",
                "451 local error",
                "503 5.5.1 need MAIL first",
            ],
        );
        check(
            Stage::Login,
            Class::Transient,
            &["454 4.7.0 Temporary authentication failure", "451 try later"],
        );
        check(Stage::Content, Class::Transient, &["451 4.3.0 queue file write error", "452 4.3.1 no space"]);
        let throttled = [
            "421 4.7.0 Try again later",
            "421 closing",
            "451 4.7.500 Server busy",
            "432 4.3.2 Concurrent connections limit exceeded",
            "450 4.7.28 rate limited",
            "452 too many messages",
        ];
        for stage in [Stage::Connect, Stage::Mail, Stage::Recipient, Stage::Content] {
            check(stage, Class::Throttled, &throttled);
        }
    }

    #[test]
    fn a_suggested_wait_is_obeyed_within_reason() {
        let cases = [
            ("4.7.0 try again in 5 minutes", 300),
            ("4.7.0 Retry after 30 seconds.", 30),
            ("4.7.500 Server busy. Please try again later from [192.0.2.5].", 60),
            ("4.7.0 come back in 9 hours", 3600),
            ("4.7.0 wait 0 seconds", 1),
            ("4.7.0 99999999999999999999 seconds", 60),
        ];
        for (text, seconds) in cases {
            let SendOutcome::Throttled { wait, .. } = classify(Stage::Mail, 421, text) else {
                panic!("{text}");
            };
            assert_eq!(wait.as_secs(), seconds, "{text}");
        }
    }
}
