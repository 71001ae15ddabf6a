//! From an address to a logged-in session: TCP, TLS, login, abilities. Never downgrades: a server
//! that was to speak TLS or STARTTLS and does not is an error, and plain text stays on loopback.

use std::io;
use std::sync::Arc;

use async_imap::Client;
use async_imap::imap_proto::{Response, Status};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::session::{Session, passing};
use super::wire::Wire;
use super::{ImapError, Limits};
use crate::domain::account::{ImapServer, Tls};
use crate::domain::ids::AccountName;

impl Session {
    /// Connects, logs in, asks what the server can; all of it within `limits.connect`.
    pub async fn connect(
        account: &AccountName,
        server: &ImapServer,
        password: &SecretString,
        limits: &Limits,
    ) -> Result<Self, ImapError> {
        let whole = async {
            let client = open(server, limits).await?;
            let inner = login(client, server, password).await?;
            let mut session = Self::new(inner, *limits, account.clone());
            session.learn_abilities().await?;
            Ok(session)
        };
        timeout(limits.connect, whole).await.map_err(|_| ImapError::Timeout("connecting"))?
    }
}

async fn open(server: &ImapServer, limits: &Limits) -> Result<Client<Wire>, ImapError> {
    let tcp = TcpStream::connect((server.host.as_str(), server.port)).await;
    let tcp = tcp.map_err(|_| ImapError::Transient("connecting"))?;
    // Commands are short lines: Nagle's delay would only wait for nothing.
    let _ = tcp.set_nodelay(true);
    match server.tls {
        Tls::Tls => greeted(Wire::tls(handshake(&server.host, tcp).await?, limits.stall)).await,
        Tls::None => {
            let peer = tcp.peer_addr().map_err(|_| ImapError::Transient("connecting"))?;
            if !peer.ip().is_loopback() {
                return Err(ImapError::Unsafe("plain text beyond loopback"));
            }
            greeted(Wire::plain(tcp, limits.stall)).await
        }
        Tls::Starttls => {
            let mut client = greeted(Wire::plain(tcp, limits.stall)).await?;
            let answer = client.run_command_and_check_ok("STARTTLS", None).await;
            answer.map_err(|error| match ImapError::from_imap(&error, "STARTTLS") {
                ImapError::Refused(_) => ImapError::Unsafe("STARTTLS refused"),
                other => other,
            })?;
            // What the server sent in the clear behind its OK dies with the parser (RFC 9051 11.1).
            let tcp = client.into_inner().into_plain().ok_or(ImapError::Protocol("STARTTLS"))?;
            let wire = Wire::tls(handshake(&server.host, tcp).await?, limits.stall);
            Ok(Client::new(wire))
        }
    }
}

async fn greeted(wire: Wire) -> Result<Client<Wire>, ImapError> {
    let doing = "the greeting";
    let mut client = Client::new(wire);
    let read = client.read_response().await.map_err(|e| ImapError::from_io(&e, doing))?;
    match read.ok_or(ImapError::Transient(doing))?.parsed() {
        Response::Data { status: Status::Ok, .. } => Ok(client),
        Response::Data { status: Status::Bye, .. } => Err(ImapError::Transient("the server said goodbye")),
        // Logged in by someone else's word: STARTTLS is then forbidden (RFC 9051 7.1.4).
        Response::Data { status: Status::PreAuth, .. } => Err(ImapError::Unsafe("PREAUTH")),
        _ => Err(ImapError::Protocol(doing)),
    }
}

async fn handshake(
    host: &str,
    tcp: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ImapError> {
    // Built for each connection: renewed root certificates count without a restart.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|_| ImapError::Unsafe("no root certificates on this machine"))?
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ImapError::Unsafe("the host's name"))?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    connected.map_err(|error| tls_error(&error))
}

fn tls_error(error: &io::Error) -> ImapError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => ImapError::Unsafe("the certificate is not trusted"),
        _ => ImapError::Transient("the TLS handshake"),
    }
}

/// LOGIN; AUTHENTICATE PLAIN where user or password are not ASCII, which LOGIN cannot carry
/// (RFC 3501 6.2.3, RFC 4616).
async fn login(
    client: Client<Wire>,
    server: &ImapServer,
    password: &SecretString,
) -> Result<async_imap::Session<Wire>, ImapError> {
    let secret = password.expose_secret();
    let done = if server.user.is_ascii() && secret.is_ascii() {
        client.login(&server.user, secret).await
    } else {
        client.authenticate("PLAIN", Plain { user: &server.user, secret }).await
    };
    done.map_err(|(error, _)| login_error(&error))
}

fn login_error(error: &async_imap::error::Error) -> ImapError {
    match error {
        async_imap::error::Error::No(text) if passing(text) => ImapError::PutOff("the login"),
        other => match ImapError::from_imap(other, "the login") {
            ImapError::Refused(_) => ImapError::LoginRefused,
            other => other,
        },
    }
}

struct Plain<'a> {
    user: &'a str,
    secret: &'a str,
}

impl async_imap::Authenticator for Plain<'_> {
    type Response = String;
    fn process(&mut self, _challenge: &[u8]) -> String {
        format!("\0{}\0{}", self.user, self.secret)
    }
}
