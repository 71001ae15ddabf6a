//! The connection under lettre: TCP without Nagle's delay, or TLS over it. lettre writes the mail
//! and its final dot apart, so that with Nagle each mail waits for a delayed acknowledgment.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// TLS from the first octet; names are verified against the platform's roots.
#[derive(Debug)]
pub(super) struct TlsWire(TlsStream<TcpStream>);

/// Why TLS did not come about.
pub(super) enum TlsError {
    /// The certificate, the name or our own roots: a person must act.
    NotTrusted,
    /// Anything else.
    Handshake,
}

impl TlsWire {
    pub(super) async fn connect(host: &str, tcp: TcpStream) -> Result<Self, TlsError> {
        // Built for each connection: renewed root certificates count without a restart.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|_| TlsError::NotTrusted)?
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::NotTrusted)?;
        let connected = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
        connected.map(Self).map_err(
            |error| {
                if distrust(&error) { TlsError::NotTrusted } else { TlsError::Handshake }
            },
        )
    }
}

/// True when the error, or one it wraps, is a certificate that is not trusted.
pub(super) fn distrust(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if matches!(error.downcast_ref::<rustls::Error>(), Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        // An io::Error hides the error it was made of from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next =
            inner.map_or_else(|| error.source(), |inner| Some(inner as &(dyn std::error::Error + 'static)));
    }
    false
}

impl AsyncTokioStream for TlsWire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for TlsWire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsWire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
