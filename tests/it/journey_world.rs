//! The world around a journey: customers and agents who send by SMTP and answer what they really
//! got, and the transcript in which everything is written down, free of what differs from run to run.

use std::cell::{Cell, RefCell};
use std::path::Path;

use mail_parser::{Message, MessageParser};
use regex::Regex;

use crate::app::{AUTHSERV, App};
use crate::harness::{Dovecot, Postfix, Sink, SunkMail, eventually};

/// Real servers, and the outside world behind them.
pub struct World {
    pub dovecot: Dovecot,
    pub postfix: Postfix,
    pub sink: Sink,
    /// Mails that the outside world refused.
    pub refused: Cell<usize>,
    told: Cell<usize>,
}

/// What someone writes back.
pub struct Answer<'a> {
    pub from: &'a str,
    pub words: &'a str,
    pub shape: Shape,
}

/// How it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Plain text above the quotation.
    Plain,
    /// HTML only, with what must never reach a reader.
    Html,
    /// A vacation notice (RFC 3834).
    Vacation,
}

impl World {
    pub fn start() -> Self {
        let sink = Sink::start();
        let dovecot = Dovecot::start(&["support", "breach"]);
        let postfix = Postfix::start(&dovecot, &sink);
        Self { dovecot, postfix, sink, refused: Cell::new(0), told: Cell::new(0) }
    }

    fn mailbox(&self, user: &str) -> usize {
        let mut client = self.dovecot.client(user);
        client.ok("SELECT INBOX");
        client
            .ok("UID SEARCH ALL")
            .iter()
            .find_map(|line| line.strip_prefix("* SEARCH"))
            .map_or(0, |uids| uids.split_whitespace().count())
    }

    /// Sends by SMTP and waits until it lies in the mailbox.
    pub fn send(&self, from: &str, to: &str, mail: &[u8]) {
        let user = to.split(['@', '+']).next().unwrap();
        let before = self.mailbox(user);
        let reply = self.postfix.send(from, to, mail);
        assert!(reply.starts_with("250"), "{reply}");
        eventually("the mail is in the mailbox", || self.mailbox(user) > before);
    }

    /// Waits until a mail that Postfix makes itself has come.
    pub fn comes_to(&self, user: &str, count: usize) {
        eventually("the mailbox grows", || self.mailbox(user) >= count);
    }

    /// The newest mail to this address whose subject holds these words.
    pub fn got(&self, who: &str, subject: &str) -> SunkMail {
        let found = self.sink.mails_to(who).into_iter().rev();
        let mut found = found.filter(|mail| parsed(mail).subject().unwrap_or_default().contains(subject));
        found.next().unwrap_or_else(|| panic!("{who} got no mail about {subject:?}"))
    }

    /// Answers a mail as a mail client does: to its Reply-To, with all of it quoted.
    pub fn answer(&self, ours: &SunkMail, answer: &Answer<'_>) {
        let (to, mail) = reply(ours, answer);
        let from = if answer.shape == Shape::Vacation { "" } else { answer.from };
        self.send(from, &to, mail.as_bytes());
    }

    /// The mails that came out since the last call, once all that were sent are there, in an order
    /// that does not depend on the servers.
    pub fn news(&self, app: &App) -> Vec<SunkMail> {
        let sent = app.outbox(&["sent"]).len() - self.refused.get();
        eventually(&format!("all {sent} sent mails are outside"), || {
            self.sink.mails().len() >= sent && self.postfix.queued() == 0
        });
        let outside: Vec<String> = self.sink.mails().iter().map(SunkMail::text).collect();
        assert_eq!(outside.len(), sent, "each of them once: {}", outside.last().unwrap());
        let mut news = self.sink.mails().split_off(self.told.get());
        self.told.set(self.told.get() + news.len());
        news.sort_by_key(|mail| (mail.to.clone(), parsed(mail).subject().map(str::to_owned)));
        news
    }
}

fn parsed(mail: &SunkMail) -> Message<'_> {
    MessageParser::default().parse(&mail.bytes).unwrap()
}

/// Reply-To and the whole answer.
pub fn reply(ours: &SunkMail, answer: &Answer<'_>) -> (String, String) {
    let ours = parsed(ours);
    let to = ours.reply_to().or_else(|| ours.from()).unwrap().first().unwrap().address().unwrap().to_owned();
    let id = ours.message_id().unwrap();
    let subject = ours.subject().unwrap();
    let subject = if subject.starts_with("Re: ") { subject.to_owned() } else { format!("Re: {subject}") };
    let domain = answer.from.rsplit_once('@').unwrap().1;
    let quoted: Vec<String> = ours.body_text(0).unwrap().lines().map(|line| format!("> {line}\n")).collect();
    let quoted = quoted.concat();
    let on = "On Mon, 3 Feb 2025 at 17:00, Imaging Service Desk\n<support@example.net> wrote:";
    let (kind, body) = match answer.shape {
        Shape::Plain => ("plain", format!("{}\n\n{on}\n\n{quoted}", answer.words)),
        Shape::Vacation => ("plain", format!("{}\n", answer.words)),
        Shape::Html => (
            "html",
            format!(
                "<div>{}</div><script>hidden()</script><img src=\"https://tracker.example/p.gif\">\
                 <div class=\"gmail_quote\">{on}<blockquote><pre>{quoted}</pre></blockquote></div>\n",
                answer.words
            ),
        ),
    };
    let vacation = if answer.shape == Shape::Vacation { "Auto-Submitted: auto-replied\n" } else { "" };
    let serial = format!("{:x}", u64::from_le_bytes(sha(&format!("{id}{}", answer.words))));
    let mail = format!(
        "Authentication-Results: {AUTHSERV}; dmarc=pass (p=reject) header.from={domain}\n\
         From: {}\nTo: {to}\nSubject: {subject}\n{vacation}Date: Tue, 04 Feb 2025 10:00:00 +0000\n\
         Message-ID: <{serial}@{domain}>\nIn-Reply-To: <{id}>\nReferences: <{id}>\n\
         MIME-Version: 1.0\nContent-Type: text/{kind}; charset=utf-8\n\n{body}",
        answer.from
    );
    (to, mail)
}

fn sha(text: &str) -> [u8; 8] {
    use sha2::Digest as _;
    sha2::Sha256::digest(text)[..8].try_into().unwrap()
}

impl Drop for Transcript {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("So far:\n{}", self.text.borrow());
        }
    }
}

/// What happened, as text.
pub struct Transcript {
    text: RefCell<String>,
    masks: Vec<(Regex, &'static str)>,
}

impl Transcript {
    pub fn new() -> Self {
        let masks = [
            ("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
            ("[a-z2-7]{44}", "<token>"),
            ("queued as [0-9A-Za-z]+", "queued as <id>"),
            (r"(delivery-status|rfc822), \d+ octets", "$1, <n> octets"),
            ("operator[=:] ?[a-z][a-z0-9_-]*", "operator: <user>"),
        ];
        let masks = masks.map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask)).to_vec();
        Self { text: RefCell::default(), masks }
    }

    pub fn say(&self, text: &str) {
        let mut masked = text.to_owned();
        for (pattern, mask) in &self.masks {
            masked = pattern.replace_all(&masked, *mask).into_owned();
        }
        let mut all = self.text.borrow_mut();
        for line in masked.lines() {
            all.push_str(line.trim_end());
            all.push('\n');
        }
    }

    /// One mail of ours, as the one who got it sees it.
    pub fn mail(&self, mail: &SunkMail) {
        let seen = parsed(mail);
        let header = |name: &str| seen.header_raw(name).unwrap_or("-").trim().to_owned();
        self.say(&format!("  to {}", mail.to.join(" ")));
        self.say(&format!("     Subject: {}", seen.subject().unwrap_or_default()));
        let from = if mail.from.is_empty() { "<>" } else { &mail.from };
        self.say(&format!(
            "     From: {}   Reply-To: {}   envelope {from}",
            header("From"),
            header("Reply-To")
        ));
        self.say(&format!("     Auto-Submitted: {}", header("Auto-Submitted")));
        let text = seen.body_text(0).unwrap_or_default();
        // What follows in a notification is the same in every one.
        let text =
            text.split("\n----").next().unwrap_or_default().split("\r\n----").next().unwrap_or_default();
        for line in text.trim_end().lines() {
            self.say(&format!("     | {line}"));
        }
        self.say("");
    }

    /// Compares with the golden; `MAILWARD_BLESS=1` writes it anew.
    pub fn matches(&self, golden: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/journey").join(golden);
        let got = self.text.borrow();
        if std::env::var_os("MAILWARD_BLESS").is_some_and(|value| value == "1") {
            std::fs::write(&path, got.as_str()).unwrap();
        }
        let want = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = got.lines().zip(want.lines()).position(|(got, want)| got != want);
        let at = differs.unwrap_or_else(|| got.lines().count().min(want.lines().count()));
        let near =
            |text: &str| text.lines().skip(at.saturating_sub(3)).take(8).collect::<Vec<_>>().join("\n");
        assert!(
            *got == want,
            "{} differs at line {}:\n--- golden\n{}\n--- now\n{}",
            path.display(),
            at + 1,
            near(&want),
            near(&got)
        );
    }
}
