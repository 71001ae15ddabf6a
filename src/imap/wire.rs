//! The connection under the IMAP parser: plain TCP or TLS, with a bound on silence and a bound on
//! octets. async-imap has no deadline of its own and buffers whatever the server announces, so both
//! bounds live here, where every octet passes.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::client::TlsStream;

/// Greeting, STARTTLS and login together.
const GREETING: u64 = 1 << 20;

/// What the parser's buffer may be larger than the literal it is for.
const SLACK: u64 = 64 << 10;

/// What the octets travel on.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that fails with `TimedOut` after too long a silence and with `FileTooLarge` when
/// the server sends more than the command at hand may answer.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    budget: u64,
    stall: Duration,
    timer: Pin<Box<Sleep>>,
    armed: bool,
}

impl Wire {
    pub(super) fn plain(stream: TcpStream, stall: Duration) -> Self {
        Self::new(Stream::Plain(stream), stall)
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>, stall: Duration) -> Self {
        Self::new(Stream::Tls(Box::new(stream)), stall)
    }

    fn new(stream: Stream, stall: Duration) -> Self {
        Self { stream, budget: GREETING, stall, timer: Box::pin(sleep(stall)), armed: false }
    }

    /// The bare connection, for STARTTLS; `None` when TLS is already there.
    pub(super) fn into_plain(self) -> Option<TcpStream> {
        match self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Tls(_) => None,
        }
    }

    /// Sets what the server may send from now on, and how long it may stay silent.
    pub(super) fn allow(&mut self, budget: u64, stall: Duration) {
        self.budget = budget;
        self.stall = stall;
        self.armed = false;
    }

    /// Lets a pending operation fail once the silence is too long.
    fn watch<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.armed = false;
            return poll;
        }
        if !self.armed {
            self.timer.as_mut().reset(Instant::now() + self.stall);
            self.armed = true;
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => {
                self.armed = false;
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // The parser makes room for the literal that was announced: too much room is too long a literal.
        let room = u64::try_from(buf.remaining()).unwrap_or(u64::MAX);
        if this.budget == 0 || room > this.budget.saturating_add(SLACK) {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let before = buf.filled().len();
        let poll = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        let read = buf.filled().len().saturating_sub(before);
        this.budget = this.budget.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        this.watch(cx, poll)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let poll = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        };
        this.watch(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let poll = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        this.watch(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let poll = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        };
        this.watch(cx, poll)
    }
}
