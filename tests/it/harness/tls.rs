//! A certificate authority for one test run and a server certificate for `localhost` only, made by
//! the openssl command. A connection to `127.0.0.1` therefore meets a wrong name.

use std::path::PathBuf;

use super::{Scratch, run};

/// Where the PEM files lie.
#[derive(Debug)]
pub struct Certificates {
    /// What a client has to trust (`SSL_CERT_FILE`).
    pub authority: PathBuf,
    /// The server's own.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificates {
    pub fn issue(scratch: &Scratch) -> Self {
        let at = |name: &str| scratch.join(name).display().to_string();
        let (ca, ca_key, cert, key) = (at("ca.pem"), at("ca.key"), at("server.pem"), at("server.key"));
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let mut authority = new.to_vec();
        authority.extend(["-days", "2", "-subj", "/CN=Harness authority", "-keyout", &ca_key, "-out", &ca]);
        authority.extend(["-addext", "keyUsage=critical,keyCertSign"]);
        run("openssl", &authority);
        let mut server = new.to_vec();
        server.extend(["-days", "2", "-subj", "/CN=localhost", "-keyout", &key, "-out", &cert]);
        server.extend(["-CA", &ca, "-CAkey", &ca_key, "-addext", "subjectAltName=DNS:localhost"]);
        server.extend(["-addext", "basicConstraints=critical,CA:FALSE"]);
        run("openssl", &server);
        Self { authority: ca.into(), certificate: cert.into(), key: key.into() }
    }
}
