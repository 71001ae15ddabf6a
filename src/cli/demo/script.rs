//! The demo's story: who writes what to whom, and when. Data only.

use chrono::{DateTime, Utc};

/// One thing that happens.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum What {
    /// A mail arrives at a desk.
    Arrives {
        /// The desk's mailbox.
        desk: &'static str,
        /// Its file name there.
        file: &'static str,
        /// The mail.
        eml: &'static str,
    },
    /// Someone answers the newest mail of a kind that they got from us, as their mail client would.
    Answers {
        /// Whose answer: their address.
        who: &'static str,
        /// The kind of our mail that they answer.
        kind: &'static str,
        /// The ticket it was about.
        ticket: i64,
        /// What they write above the quotation.
        words: &'static str,
    },
    /// Nothing but time.
    Passes,
}

macro_rules! mail {
    ($desk:literal, $file:literal) => {
        What::Arrives {
            desk: $desk,
            file: concat!($file, ".eml"),
            eml: include_str!(concat!("../../../fixtures/demo/", $file, ".eml")),
        }
    };
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_default()
}

/// A Monday morning in Chicago and Bogota.
pub fn start() -> DateTime<Utc> {
    at("2026-11-23T14:00:00Z")
}

/// The whole story.
pub fn events() -> Vec<Event> {
    let story = [
        ("2026-11-23T14:05:00Z", mail!("offsite", "01-images-missing")),
        (
            "2026-11-23T14:07:00Z",
            What::Answers {
                who: "mary.major@lakeside.example",
                kind: "received",
                ticket: 1,
                words: "One more detail: it happens on both viewers, since the update to version 4.2.1.",
            },
        ),
        ("2026-11-23T14:15:00Z", mail!("colombia", "02-sin-servicio")),
        ("2026-11-23T14:20:00Z", mail!("colombia-breach", "03-breach-report")),
        ("2026-11-23T14:22:00Z", mail!("offsite", "04-vacation")),
        ("2026-11-23T14:25:00Z", mail!("offsite", "05-newsletter")),
        ("2026-11-23T14:30:00Z", mail!("offsite", "06-quotes-a-number")),
        ("2026-11-23T14:35:00Z", mail!("offsite", "07-not-a-mail")),
        ("2026-11-23T14:40:00Z", mail!("unimed", "08-receita")),
        ("2026-11-23T14:45:00Z", mail!("tuotempo", "09-agenda")),
        (
            "2026-11-23T15:00:00Z",
            What::Answers {
                who: "bob@team.example",
                kind: "notification",
                ticket: 1,
                words: "Hello,\n\nWe restarted the archive and the studies are back. Could you please check?\n\nBob",
            },
        ),
        ("2026-11-24T16:00:00Z", What::Passes),
        ("2026-11-25T16:00:00Z", What::Passes),
        ("2026-11-27T15:00:00Z", What::Passes),
        (
            "2026-11-30T16:00:00Z",
            What::Answers {
                who: "mary.major@lakeside.example",
                kind: "closed",
                ticket: 1,
                words: "Sorry for the delay: one of the two viewers still shows nothing.",
            },
        ),
    ];
    story.into_iter().map(|(when, what)| Event { at: at(when), what }).collect()
}
