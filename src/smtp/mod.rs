//! Mail leaves here: by SMTP over kept sessions, or as files. Takes bytes that were minted once and
//! sends exactly these, so that a retry repeats the same mail; gives an outcome named for what the
//! outbox does next. Never composes, never decides whether to send, never keeps a word of the
//! server's reply beyond its codes and the queue id: it may name a person.

mod classify;
mod directory;
mod pace;
mod reply;
mod retry;
mod session;
mod sessions;
mod wire;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use directory::Directory;
pub use pace::Pace;
pub use reply::{Cause, Enhanced, Stage};
pub use retry::{GIVE_UP, retry_delay};
pub use sessions::{DEADLINE, Relayed};

use secrecy::SecretString;

use crate::clock::Life;
use crate::domain::account::{Relay, Transport};
use crate::domain::address::EmailAddress;
use crate::domain::ids::{MessageId, OutboxId};

/// To whom a mail goes on the wire (RFC 5321 2.3.1).
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The outbox row; a directory names the file after it.
    pub id: OutboxId,
    /// MAIL FROM; `None` is the null reverse-path.
    pub reverse_path: Option<&'a EmailAddress>,
    /// RCPT TO.
    pub recipient: &'a EmailAddress,
    /// The row's lease: once it is over the mail may be another gateway's, and is not handed over.
    pub life: &'a Life,
}

/// What became of one attempt (L29).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The relay took it; its codes and queue id, for example `250 2.0.0 4F1A2B3C`.
    Accepted {
        /// Codes and queue id.
        reply: String,
    },
    /// This mail will never go to this recipient.
    RowPermanent(Cause),
    /// The relay wants fewer mails: the whole transport waits so long.
    Throttled {
        /// What it said.
        cause: Cause,
        /// As the relay suggests, else a minute.
        wait: Duration,
    },
    /// Try this mail again later.
    Transient(Cause),
    /// The row's lease was over before the mail was handed over: nothing was sent.
    Expired,
    /// Nothing can be sent until a person acts: every row waits, an alarm rises, nothing dies.
    TransportPaused(Cause),
}

/// A way out.
#[derive(Debug)]
pub enum Sender {
    /// A relay.
    Smtp(Relayed),
    /// A directory that receives `.eml` files.
    Directory(Directory),
    /// A list in memory, for tests.
    Memory(Memory),
}

impl Sender {
    /// Takes the transport as configured; sessions are opened when there is mail. `hello` is the
    /// name given in EHLO (RFC 5321 4.1.1.1), a fully qualified domain name.
    pub fn new(transport: &Transport, password: Option<SecretString>, hello: &str) -> Self {
        match &transport.relay {
            Relay::Smtp { .. } => Self::Smtp(Relayed::new(transport, password, hello)),
            Relay::Directory(path) => Self::Directory(Directory::new(path.clone())),
        }
    }

    /// Sends these bytes to one recipient, within [`DEADLINE`], which lies below the
    /// lease of an outbox row.
    pub async fn send(&self, envelope: Envelope<'_>, bytes: &[u8]) -> SendOutcome {
        match self {
            Self::Smtp(relay) => relay.send(envelope, bytes).await,
            Self::Directory(directory) => directory.send(envelope, bytes).await,
            Self::Memory(memory) => memory.send(envelope, bytes),
        }
    }

    /// The Message-ID that the relay gave the mail in place of ours, where its final reply tells
    /// (L36): Exchange names it whole; Amazon SES names its left part, the right one follows from the
    /// region of its endpoint.
    pub fn learnt(&self, reply: &str) -> Option<MessageId> {
        let word = reply.rsplit_once(' ').map(|(_, word)| word)?;
        if word.starts_with('<') && word.contains('@') {
            return MessageId::parse(word).ok();
        }
        let Self::Smtp(relay) = self else { return None };
        let region = relay.host().strip_prefix("email-smtp.")?.strip_suffix(".amazonaws.com")?;
        let domain = if region == "us-east-1" { "email" } else { region };
        MessageId::parse(&format!("{word}@{domain}.amazonses.com")).ok()
    }

    /// Ends the kept sessions politely.
    pub async fn close(&self) {
        if let Self::Smtp(relay) = self {
            relay.close().await;
        }
    }
}

/// One mail that a [`Memory`] took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The row.
    pub id: OutboxId,
    /// MAIL FROM.
    pub reverse_path: Option<EmailAddress>,
    /// RCPT TO.
    pub recipient: EmailAddress,
    /// The mail.
    pub bytes: Vec<u8>,
}

/// Keeps what it is given; answers with the outcomes it was told first, then accepts.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    sent: Arc<Mutex<Vec<Sent>>>,
    outcomes: Arc<Mutex<VecDeque<SendOutcome>>>,
}

impl Memory {
    /// What was accepted, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next mail that has no outcome yet gets this one.
    pub fn answer(&self, outcome: SendOutcome) {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).push_back(outcome);
    }

    fn send(&self, envelope: Envelope<'_>, bytes: &[u8]) -> SendOutcome {
        let next = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let outcome = next.unwrap_or_else(|| SendOutcome::Accepted { reply: "250 2.0.0".to_owned() });
        if matches!(outcome, SendOutcome::Accepted { .. }) {
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(Sent {
                id: envelope.id,
                reverse_path: envelope.reverse_path.cloned(),
                recipient: envelope.recipient.clone(),
                bytes: bytes.to_vec(),
            });
        }
        outcome
    }
}
