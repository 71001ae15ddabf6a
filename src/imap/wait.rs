//! Waiting for new mail: IDLE (RFC 2177) where the server has it, a plain pause where not. What it
//! says is a hint only; the caller looks at the folder after it, whatever woke it.

use std::time::Duration;

use async_imap::imap_proto::{MailboxDatum, RequestId, Response, Status};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::ImapError;
use super::session::{SMALL, Session};

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The server spoke of mail.
    News,
    /// The time was up.
    TimeUp,
    /// The caller wants to stop.
    Stopped,
}

/// How the server took IDLE.
enum Begun {
    Idling(RequestId),
    Refused,
}

impl Session {
    /// Waits in the open folder for at most `longest` and at most `limits.idle`. After it the
    /// session is ready for the next command, also when `stop` ended it.
    pub async fn wait(&mut self, longest: Duration, stop: &CancellationToken) -> Result<Woken, ImapError> {
        if std::mem::take(&mut self.news) {
            return Ok(Woken::News);
        }
        let until = Instant::now() + longest.min(self.limits.idle);
        if self.owing {
            return Err(ImapError::Transient("a session left in the middle of a command"));
        }
        if self.can.idle {
            self.owing = true;
            self.inner.as_mut().allow(SMALL, self.limits.stall);
            // A server that answers NO, or not at all, leaves async-imap's own `init` waiting for ever.
            let begun = timeout(self.limits.stall, self.begin()).await;
            if let Begun::Idling(tag) = begun.map_err(|_| ImapError::Timeout("IDLE"))?? {
                let woken = self.idle(until, stop).await?;
                timeout(self.limits.stall, self.end(&tag))
                    .await
                    .map_err(|_| ImapError::Timeout("DONE"))??;
                self.owing = false;
                let news = std::mem::take(&mut self.news);
                return Ok(if news && woken == Woken::TimeUp { Woken::News } else { woken });
            }
            self.owing = false;
            self.can.idle = false;
        }
        tokio::select! {
            () = stop.cancelled() => Ok(Woken::Stopped),
            () = sleep_until(until) => Ok(Woken::TimeUp),
        }
    }

    async fn begin(&mut self) -> Result<Begun, ImapError> {
        let sent = self.inner.run_command("IDLE").await;
        let ours = sent.map_err(|error| ImapError::from_imap(&error, "IDLE"))?;
        loop {
            let read = self.inner.read_response().await;
            let response = read.map_err(|e| ImapError::from_io(&e, "IDLE"))?;
            match response.ok_or(ImapError::Transient("IDLE"))?.parsed() {
                Response::Continue(_) => return Ok(Begun::Idling(ours)),
                Response::Done { tag, .. } if *tag == ours => return Ok(Begun::Refused),
                other => self.note(other)?,
            }
        }
    }

    async fn idle(&mut self, until: Instant, stop: &CancellationToken) -> Result<Woken, ImapError> {
        // Silence is what IDLE is for: the wire's own bound lies behind ours.
        let silence = until.saturating_duration_since(Instant::now()) + self.limits.stall;
        self.inner.as_mut().allow(SMALL, silence);
        loop {
            if self.news {
                return Ok(Woken::News);
            }
            let read = tokio::select! {
                () = stop.cancelled() => return Ok(Woken::Stopped),
                () = sleep_until(until) => return Ok(Woken::TimeUp),
                read = self.inner.read_response() => read,
            };
            let response = read.map_err(|e| ImapError::from_io(&e, "IDLE"))?;
            self.note(response.ok_or(ImapError::Transient("IDLE"))?.parsed())?;
        }
    }

    async fn end(&mut self, ours: &RequestId) -> Result<(), ImapError> {
        self.inner.as_mut().allow(SMALL, self.limits.stall);
        let sent = self.inner.run_command_untagged("DONE").await;
        sent.map_err(|error| ImapError::from_imap(&error, "DONE"))?;
        loop {
            let read = self.inner.read_response().await;
            let response = read.map_err(|e| ImapError::from_io(&e, "DONE"))?;
            match response.ok_or(ImapError::Transient("DONE"))?.parsed() {
                Response::Done { tag, .. } if tag == ours => return Ok(()),
                other => self.note(other)?,
            }
        }
    }

    fn note(&mut self, response: &Response<'_>) -> Result<(), ImapError> {
        match response {
            Response::MailboxData(MailboxDatum::Exists(_)) => self.news = true,
            Response::Data { status: Status::Bye, .. } => {
                return Err(ImapError::Transient("the server said goodbye"));
            }
            _ => {}
        }
        Ok(())
    }
}
