//! TLS with a real Dovecot. The roots a client trusts come from its environment, so each test runs
//! its inner half in a process of its own with `SSL_CERT_FILE` set.

use mailward::domain::account::Tls;
use mailward::imap::{ImapError, Limits};

use crate::harness::{Dovecot, PASSWORD, servers};
use crate::imap_dovecot::{connect_to, folder, imap_server};

const PORTS: &str = "MAILWARD_TEST_PORTS";

/// Runs an ignored test of this binary with these variables.
///
/// # Panics
/// When it fails.
pub fn run_inner(test: &str, variables: &[(&str, &str)]) {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{test}:\n{said}");
}

#[test]
fn names_are_verified_by_imaps_and_starttls() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let ports = format!("{} {}", dovecot.imap, dovecot.imaps);
    let authority = dovecot.certificates.authority.display().to_string();
    let trusting = [(PORTS, ports.as_str()), ("SSL_CERT_FILE", authority.as_str())];
    run_inner("imap_tls::inner_trusting", &trusting);
    run_inner("imap_tls::inner_strange_authority", &[(PORTS, ports.as_str())]);
}

fn ports() -> (u16, u16) {
    let ports = std::env::var(PORTS).unwrap();
    let (imap, imaps) = ports.split_once(' ').unwrap();
    (imap.parse().unwrap(), imaps.parse().unwrap())
}

#[tokio::test]
#[ignore = "the inner half of names_are_verified_by_imaps_and_starttls"]
async fn inner_trusting() {
    let (imap, imaps) = ports();
    for (port, tls) in [(imaps, Tls::Tls), (imap, Tls::Starttls)] {
        let server = imap_server("localhost", port, tls);
        let mut session = connect_to(&server, PASSWORD, &Limits::default()).await.unwrap();
        assert_eq!(session.select(&folder("INBOX")).await.unwrap().exists, 0);
        session.logout().await;
        let wrong_name = imap_server("127.0.0.1", port, tls);
        let refused = connect_to(&wrong_name, PASSWORD, &Limits::default()).await.unwrap_err();
        assert_eq!(refused, ImapError::Unsafe("the certificate is not trusted"));
    }
}

#[tokio::test]
#[ignore = "the inner half of names_are_verified_by_imaps_and_starttls"]
async fn inner_strange_authority() {
    let (imap, imaps) = ports();
    for (port, tls) in [(imaps, Tls::Tls), (imap, Tls::Starttls)] {
        let server = imap_server("localhost", port, tls);
        let refused = connect_to(&server, PASSWORD, &Limits::default()).await.unwrap_err();
        assert_eq!(refused, ImapError::Unsafe("the certificate is not trusted"));
    }
}
