//! The way of a mail over real servers: a customer's mail through Postfix and LMTP into Dovecot, our
//! mail through Postfix to the outside, plain and over TLS.

use mailward::domain::account::Tls;
use mailward::smtp::{SendOutcome, Sender};

use crate::harness::{Dovecot, Postfix, Sink, eventually, servers};
use crate::imap_tls::run_inner;
use crate::smtp_relay::{MAIL, send, sender, transport};

const PROGRAMS: &[&str] = &["dovecot", "postfix", "openssl"];
const PORTS: &str = "MAILWARD_TEST_SMTP_PORTS";

#[tokio::test]
async fn mail_comes_in_and_goes_out_through_real_servers() {
    if !servers(PROGRAMS) {
        return;
    }
    let sink = Sink::start();
    let dovecot = Dovecot::start(&["support"]);
    let postfix = Postfix::start(&dovecot, &sink);
    let mail = b"From: ann@example.org\r\nTo: support@example.net\r\nSubject: to the desk\r\n\r\nHello\r\n";
    assert!(postfix.send("ann@example.org", "support+tag@example.net", mail).starts_with("250"));
    eventually("the customer's mail is in the mailbox", || {
        dovecot.client("support").subjects("INBOX") == ["to the desk"]
    });

    let relay = sender(postfix.smtp, 2);
    let outcome = send(&relay, None, "ann@example.org", MAIL).await;
    let SendOutcome::Accepted { reply } = outcome else { panic!("{outcome:?}") };
    assert!(reply.starts_with("250 2.0.0 ") && reply.len() > 12, "{reply}");
    eventually("our mail is outside", || sink.mails_to("ann@example.org").len() == 1);
    let mails = sink.mails();
    assert_eq!(mails[0].from, "", "the null reverse-path came through");
    assert!(mails[0].bytes.ends_with(b"\r\n\r\n.dot first\r\nbody\r\n"));
    assert_eq!(postfix.queued(), 0);
    relay.close().await;
}

#[test]
fn names_are_verified_by_smtps_and_starttls() {
    if !servers(PROGRAMS) {
        return;
    }
    let sink = Sink::start();
    let dovecot = Dovecot::start(&[]);
    let postfix = Postfix::start(&dovecot, &sink);
    let ports = format!("{} {}", postfix.smtp, postfix.smtps);
    let authority = postfix.certificates.authority.display().to_string();
    run_inner("smtp_postfix::inner_trusting", &[(PORTS, &ports), ("SSL_CERT_FILE", &authority)]);
    eventually("both mails are outside", || sink.mails().len() == 2);
    run_inner("smtp_postfix::inner_strange_authority", &[(PORTS, &ports)]);
    assert_eq!(sink.mails().len(), 2);
}

async fn by(host: &str, port: u16, tls: Tls) -> SendOutcome {
    let sender = Sender::new(&transport(host, port, tls, 1), None, "gateway.example.net");
    let outcome = send(&sender, Some("desk@example.net"), "ann@example.org", MAIL).await;
    sender.close().await;
    outcome
}

fn ports() -> [(u16, Tls); 2] {
    let ports = std::env::var(PORTS).unwrap();
    let (smtp, smtps) = ports.split_once(' ').unwrap();
    [(smtp.parse().unwrap(), Tls::Starttls), (smtps.parse().unwrap(), Tls::Tls)]
}

fn not_trusted(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::TransportPaused(cause) if cause.to_string() == "connect certificate not trusted")
}

#[tokio::test]
#[ignore = "the inner half of names_are_verified_by_smtps_and_starttls"]
async fn inner_trusting() {
    for (port, tls) in ports() {
        let outcome = by("localhost", port, tls).await;
        assert!(matches!(outcome, SendOutcome::Accepted { .. }), "{tls:?}: {outcome:?}");
        let outcome = by("127.0.0.1", port, tls).await;
        assert!(not_trusted(&outcome), "{tls:?}: {outcome:?}");
    }
}

#[tokio::test]
#[ignore = "the inner half of names_are_verified_by_smtps_and_starttls"]
async fn inner_strange_authority() {
    for (port, tls) in ports() {
        let outcome = by("localhost", port, tls).await;
        assert!(not_trusted(&outcome), "{tls:?}: {outcome:?}");
    }
}
