//! One SMTP conversation (RFC 5321): from TCP to a ready session, and one mail over it. Uses
//! lettre's connection, but speaks the commands itself: lettre's own `send` closes the session at
//! the first refused recipient.

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;

use super::classify::classify;
use super::reply::{Cause, Enhanced, Stage, acceptance};
use super::wire::{TlsError, TlsWire, distrust};
use super::{Envelope, SendOutcome};
use crate::domain::account::Tls;

/// Where a relay is and how it is spoken to.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) login: Option<(String, SecretString)>,
    pub(super) hello: ClientId,
}

/// How one attempt over one session ended.
pub(super) enum Attempt {
    /// The outcome; the session stays good.
    Kept(SendOutcome),
    /// The outcome; the session is spent.
    Spent(SendOutcome),
    /// A kept session turned out to be closed before the relay took anything: take a fresh one.
    Stale(SendOutcome),
}

/// A ready session: greeted, protected, logged in.
pub(super) async fn open(address: &Address) -> Result<AsyncSmtpConnection, SendOutcome> {
    let at = Stage::Connect;
    let tcp = TcpStream::connect((address.host.as_str(), address.port)).await;
    let tcp = tcp.map_err(|_| SendOutcome::Transient(Cause::word(at, "refused")))?;
    let _ = tcp.set_nodelay(true);
    let hello = &address.hello;
    let mut connection = match address.tls {
        Tls::None => {
            if !tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()) {
                return Err(SendOutcome::TransportPaused(Cause::word(at, "plain text beyond loopback")));
            }
            AsyncSmtpConnection::connect_with_transport(Box::new(tcp), hello).await
        }
        Tls::Tls => {
            let wire = TlsWire::connect(&address.host, tcp).await.map_err(|error| match error {
                TlsError::NotTrusted => not_trusted(),
                TlsError::Handshake => SendOutcome::Transient(Cause::word(at, "TLS handshake")),
            })?;
            AsyncSmtpConnection::connect_with_transport(Box::new(wire), hello).await
        }
        Tls::Starttls => AsyncSmtpConnection::connect_with_transport(Box::new(tcp), hello).await,
    }
    .map_err(|error| refusal(at, &error))?;
    if address.tls == Tls::Starttls {
        if !connection.can_starttls() {
            return Err(SendOutcome::TransportPaused(Cause::word(at, "no STARTTLS")));
        }
        let parameters = TlsParameters::new(address.host.clone()).map_err(|_| not_trusted())?;
        connection
            .starttls(parameters, hello)
            .await
            .map_err(|error| if distrust(&error) { not_trusted() } else { refusal(at, &error) })?;
    }
    if let Some((user, password)) = &address.login {
        let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|error| {
            if error.is_client() {
                return SendOutcome::TransportPaused(Cause::word(Stage::Login, "no mechanism"));
            }
            refusal(Stage::Login, &error)
        })?;
    }
    Ok(connection)
}

fn not_trusted() -> SendOutcome {
    SendOutcome::TransportPaused(Cause::word(Stage::Connect, "certificate not trusted"))
}

/// One mail over a ready session. `fresh` is false for a session that lay idle.
pub(super) async fn transact(
    connection: &mut AsyncSmtpConnection,
    envelope: Envelope<'_>,
    bytes: &[u8],
    fresh: bool,
) -> Attempt {
    let parameters = match parameters(connection, envelope, bytes) {
        Ok(parameters) => parameters,
        Err(outcome) => return Attempt::Kept(outcome),
    };
    // `EmailAddress` holds neither brackets nor control characters: nothing can break out.
    let sender = envelope.reverse_path.map_or("", |address| address.expose());
    let mail = format!("MAIL FROM:<{sender}>{parameters}\r\n");
    if let Err(error) = connection.command(mail).await {
        let gone = error.status().is_none_or(|code| u16::from(code) == 421);
        return match refusal(Stage::Mail, &error) {
            outcome if gone && !fresh => Attempt::Stale(outcome),
            outcome => after(connection, outcome, &error).await,
        };
    }
    let recipient = format!("RCPT TO:<{}>\r\n", envelope.recipient.expose());
    if let Err(error) = connection.command(recipient).await {
        return after(connection, refusal(Stage::Recipient, &error), &error).await;
    }
    // A gateway that stood still may find its row with another one (SIGSTOP, a paused machine).
    if !envelope.life.lasts() {
        return Attempt::Spent(SendOutcome::Expired);
    }
    if let Err(error) = connection.command("DATA\r\n").await {
        return after(connection, refusal(Stage::Content, &error), &error).await;
    }
    // Once more, because it may have stood still just now; a session that ends here hands nothing over.
    if !envelope.life.lasts() {
        return Attempt::Spent(SendOutcome::Expired);
    }
    // lettre closes the mail with CRLF, dot, CRLF: without this the mail would grow by a line.
    match connection.message(bytes.strip_suffix(b"\r\n").unwrap_or(bytes)).await {
        Ok(reply) => {
            let text = reply.message().collect::<Vec<_>>().join(" ");
            Attempt::Kept(SendOutcome::Accepted { reply: acceptance(reply.code().into(), &text) })
        }
        Err(error) => {
            let outcome = refusal(Stage::Content, &error);
            if error.status().is_some() { Attempt::Kept(outcome) } else { Attempt::Spent(outcome) }
        }
    }
}

/// After a refusal the session is put back with RSET, if it still answers.
async fn after(connection: &mut AsyncSmtpConnection, outcome: SendOutcome, error: &Error) -> Attempt {
    let closing = error.status().is_none_or(|code| u16::from(code) == 421);
    if closing || connection.command("RSET\r\n").await.is_err() {
        return Attempt::Spent(outcome);
    }
    Attempt::Kept(outcome)
}

/// 8BITMIME (RFC 6152) and SMTPUTF8 (RFC 6531), where the mail needs them.
fn parameters(
    connection: &AsyncSmtpConnection,
    envelope: Envelope<'_>,
    bytes: &[u8],
) -> Result<&'static str, SendOutcome> {
    let offers = |extension| connection.server_info().supports_feature(extension);
    let lacks = |detail| {
        let cause = Cause::reply(Stage::Mail, 554, Some(Enhanced(5, 6, detail)));
        Err(SendOutcome::RowPermanent(cause))
    };
    let utf8 = !envelope.recipient.expose().is_ascii()
        || envelope.reverse_path.is_some_and(|address| !address.expose().is_ascii());
    match (utf8, bytes.is_ascii()) {
        // RFC 6531 3.1: whoever offers SMTPUTF8 offers 8BITMIME.
        (true, _) if !offers(Extension::SmtpUtfEight) => lacks(7),
        (true, _) => Ok(" BODY=8BITMIME SMTPUTF8"),
        (false, false) if !offers(Extension::EightBitMime) => lacks(3),
        (false, false) => Ok(" BODY=8BITMIME"),
        (false, true) => Ok(""),
    }
}

/// What an error of lettre means. No reply is never permanent: the relay may have been restarted.
fn refusal(stage: Stage, error: &Error) -> SendOutcome {
    match error.status() {
        Some(code) => {
            let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            classify(stage, code.into(), &text)
        }
        None if error.is_response() => SendOutcome::Transient(Cause::word(stage, "reply not understood")),
        None => SendOutcome::Transient(Cause::word(stage, "connection lost")),
    }
}
