//! Kept sessions to one relay: at most `max_connections` at once, taken up again for the next mail.
//! A pool of our own, because lettre's asks NOOP before each mail, opens without a bound, and gives
//! a session up at the first refusal (docs/adr/0002-smtp-sessions.md).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::reply::{Cause, Stage};
use super::session::{Address, Attempt, open, transact};
use super::{Envelope, SendOutcome};
use crate::domain::account::{Relay, Tls, Transport};

/// One attempt, from waiting for a session to the final reply. Below the lease of an outbox row
/// (120 s), so that nobody else takes up a row that is still being sent.
pub const DEADLINE: Duration = Duration::from_secs(100);
/// A session that lay idle for longer is not trusted: relays close them after 10 s to 5 min.
const IDLE: Duration = Duration::from_secs(30);
/// Some relays end a session after 100 mails, some in the middle of one.
const MAILS: u32 = 90;
/// For QUIT.
const FAREWELL: Duration = Duration::from_secs(2);

struct Kept {
    connection: AsyncSmtpConnection,
    since: Instant,
    mails: u32,
}

/// The sessions of one transport.
pub struct Relayed {
    address: Address,
    idle: Mutex<Vec<Kept>>,
    permits: Semaphore,
}

impl std::fmt::Debug for Relayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<relay, {} idle sessions>", self.idle().len())
    }
}

impl Relayed {
    /// The relay's name.
    pub(super) fn host(&self) -> &str {
        &self.address.host
    }

    /// Takes the transport as configured. A relay that is a directory has no sessions and refuses.
    pub(super) fn new(transport: &Transport, password: Option<SecretString>, hello: &str) -> Self {
        let (host, port, tls, login) = match &transport.relay {
            Relay::Smtp { host, port, tls, login } => (host.clone(), *port, *tls, login.as_ref()),
            Relay::Directory(_) => (String::new(), 0, Tls::Tls, None),
        };
        let login = login.zip(password).map(|((user, _), password)| (user.clone(), password));
        let address = Address { host, port, tls, login, hello: ClientId::Domain(hello.to_owned()) };
        let sessions = usize::try_from(transport.max_connections.max(1)).unwrap_or(1);
        let permits = Semaphore::new(sessions.min(Semaphore::MAX_PERMITS));
        Self { address, idle: Mutex::new(Vec::new()), permits }
    }

    /// Sends one mail over a kept session, or a fresh one.
    pub(super) async fn send(&self, envelope: Envelope<'_>, bytes: &[u8]) -> SendOutcome {
        let late = SendOutcome::Transient(Cause::word(Stage::Connect, "no answer in time"));
        timeout(DEADLINE, self.attempt(envelope, bytes)).await.unwrap_or(late)
    }

    async fn attempt(&self, envelope: Envelope<'_>, bytes: &[u8]) -> SendOutcome {
        let closed = || SendOutcome::Transient(Cause::word(Stage::Connect, "closed"));
        let Ok(_permit) = self.permits.acquire().await else { return closed() };
        while let Some(mut kept) = self.take().await {
            match transact(&mut kept.connection, envelope, bytes, false).await {
                Attempt::Stale(_) => {}
                Attempt::Spent(outcome) => return outcome,
                Attempt::Kept(outcome) => {
                    self.keep(kept).await;
                    return outcome;
                }
            }
        }
        let mut connection = match open(&self.address).await {
            Ok(connection) => connection,
            Err(outcome) => return outcome,
        };
        match transact(&mut connection, envelope, bytes, true).await {
            Attempt::Kept(outcome) => {
                self.keep(Kept { connection, since: Instant::now(), mails: 0 }).await;
                outcome
            }
            Attempt::Spent(outcome) | Attempt::Stale(outcome) => outcome,
        }
    }

    /// The session used last; those that lay too long are ended.
    async fn take(&self) -> Option<Kept> {
        loop {
            let kept = self.idle().pop()?;
            if kept.since.elapsed() < IDLE {
                return Some(kept);
            }
            farewell(kept.connection).await;
        }
    }

    async fn keep(&self, mut kept: Kept) {
        kept.mails += 1;
        kept.since = Instant::now();
        if kept.mails >= MAILS {
            farewell(kept.connection).await;
        } else {
            self.idle().push(kept);
        }
    }

    /// Ends all idle sessions with QUIT.
    pub(super) async fn close(&self) {
        let sessions = std::mem::take(&mut *self.idle());
        for kept in sessions {
            farewell(kept.connection).await;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn farewell(mut connection: AsyncSmtpConnection) {
    let _ = timeout(FAREWELL, connection.abort()).await;
}
