//! The SMTP side against a sink that refuses, waits and hangs up on demand.

use std::time::Duration;

use chrono::TimeDelta;
use mailward::clock::{Life, Moment};
use mailward::domain::account::{Relay, ReversePathPolicy, Secret, Tls, Transport};
use mailward::domain::address::EmailAddress;
use mailward::domain::ids::OutboxId;
use mailward::smtp::{Envelope, SendOutcome, Sender};
use secrecy::SecretString;

use crate::harness::{At, Sink, free_port};

pub const MAIL: &[u8] = b"From: desk@example.net\r\nSubject: hello\r\n\r\n.dot first\r\nbody\r\n";

pub fn transport(host: &str, port: u16, tls: Tls, max_connections: u32) -> Transport {
    let relay = Relay::Smtp { host: host.to_owned(), port, tls, login: None };
    Transport { relay, reverse_path: ReversePathPolicy::Desk, max_per_minute: 0, max_connections }
}

pub fn sender(port: u16, max_connections: u32) -> Sender {
    Sender::new(&transport("127.0.0.1", port, Tls::None, max_connections), None, "gateway.example.net")
}

pub async fn send(sender: &Sender, from: Option<&str>, to: &str, bytes: &[u8]) -> SendOutcome {
    let reverse_path = from.map(|from| EmailAddress::parse(from).unwrap());
    let recipient = EmailAddress::parse(to).unwrap();
    let id = OutboxId::parse("0190a0b0-0000-7000-8000-000000000001").unwrap();
    let (reverse_path, life) = (reverse_path.as_ref(), &Life::endless());
    sender.send(Envelope { id, reverse_path, recipient: &recipient, life }, bytes).await
}

fn accepted(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Accepted { .. })
}

/// `class cause` in words, for comparison.
fn words(outcome: &SendOutcome) -> String {
    match outcome {
        SendOutcome::Accepted { reply } => format!("accepted {reply}"),
        SendOutcome::RowPermanent(cause) => format!("row {cause}"),
        SendOutcome::Throttled { cause, wait } => format!("throttled {}s {cause}", wait.as_secs()),
        SendOutcome::Transient(cause) => format!("transient {cause}"),
        SendOutcome::TransportPaused(cause) => format!("paused {cause}"),
        SendOutcome::Expired => "expired".to_owned(),
    }
}

#[tokio::test]
async fn the_stored_bytes_arrive_as_they_are() {
    let sink = Sink::start();
    let sender = sender(sink.port, 2);
    let outcome = send(&sender, Some("desk@example.net"), "ann@example.org", MAIL).await;
    assert_eq!(words(&outcome), "accepted 250 2.0.0 SINK000001");
    let outcome = send(&sender, None, "bob@example.org", MAIL).await;
    assert!(accepted(&outcome), "{outcome:?}");
    let mails = sink.mails();
    assert_eq!(mails[0].bytes, MAIL);
    assert_eq!(
        (mails[0].from.as_str(), mails[0].to.as_slice()),
        ("desk@example.net", ["ann@example.org".to_owned()].as_slice())
    );
    assert_eq!((mails[1].from.as_str(), mails[1].bytes.as_slice()), ("", MAIL), "null reverse-path");
    assert_eq!(sink.sessions(), (1, 1), "one session for both");
    sender.close().await;
    assert_eq!(sink.commands().iter().filter(|c| *c == "NOOP").count(), 0);
    assert_eq!(sink.commands().last().map(String::as_str), Some("QUIT"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l29_sessions_are_kept_and_never_more_than_allowed() {
    let sink = Sink::start();
    let sender = std::sync::Arc::new(sender(sink.port, 3));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..60 {
        let sender = std::sync::Arc::clone(&sender);
        tasks.spawn(async move { send(&sender, None, &format!("a{n}@example.org"), MAIL).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert!(accepted(&outcome.unwrap()));
    }
    assert_eq!(sink.mails().len(), 60);
    assert!(sink.sessions().0 <= 3, "{:?}", sink.sessions());
}

#[tokio::test]
async fn l29_a_refusal_costs_its_row_and_not_the_session() {
    let sink = Sink::start();
    sink.answer(At::Recipient, "nobody@", "550 5.1.1 <nobody@example.org>: unknown, ask Jane Doe");
    sink.answer(At::Recipient, "slow@", "451 4.7.1 Greylisted, try again in 300 seconds");
    sink.answer(At::Content, "forbidden", "554 5.6.0 content rejected");
    sink.answer(At::Mail, "quota@", "550 5.4.5 Daily user sending limit exceeded");
    let sender = sender(sink.port, 1);
    let cases: [(&str, &str, &[u8], &str); 6] = [
        ("desk@example.net", "nobody@example.org", MAIL, "row rcpt 550 5.1.1"),
        ("desk@example.net", "slow@example.org", MAIL, "transient rcpt 451 4.7.1"),
        ("desk@example.net", "ann@example.org", b"Subject: forbidden\r\n\r\n", "row data 554 5.6.0"),
        ("quota@example.net", "ann@example.org", MAIL, "paused mail 550 5.4.5"),
        ("desk@example.net", "ann@example.org", MAIL, "accepted 250 2.0.0 SINK000001"),
        ("desk@example.net", "bob@example.org", MAIL, "accepted 250 2.0.0 SINK000002"),
    ];
    for (from, to, bytes, expected) in cases {
        assert_eq!(words(&send(&sender, Some(from), to, bytes).await), expected, "{to}");
    }
    assert_eq!(sink.sessions(), (1, 1));
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn l29_throttling_ends_the_session_and_names_the_wait() {
    let sink = Sink::start();
    sink.answer_times(At::Recipient, "", "421 4.7.0 Try again in 5 minutes", 1);
    let sender = sender(sink.port, 1);
    assert_eq!(words(&send(&sender, None, "a@example.org", MAIL).await), "throttled 300s rcpt 421 4.7.0");
    assert!(accepted(&send(&sender, None, "a@example.org", MAIL).await));
    assert_eq!(sink.sessions().0, 2);
}

#[tokio::test]
async fn a_session_the_relay_closed_meanwhile_is_replaced_unnoticed() {
    let sink = Sink::start();
    let sender = sender(sink.port, 1);
    assert!(accepted(&send(&sender, None, "a@example.org", MAIL).await));
    sink.hang_up(At::Mail, 1);
    assert!(accepted(&send(&sender, None, "b@example.org", MAIL).await));
    assert_eq!(sink.sessions().0, 2);
    // With 421 at the next MAIL, as Postfix does after its idle limit.
    sink.answer_times(At::Mail, "", "421 4.4.2 timeout exceeded", 1);
    assert!(accepted(&send(&sender, None, "c@example.org", MAIL).await));
    assert_eq!((sink.sessions().0, sink.mails().len()), (3, 3));
}

#[tokio::test]
async fn a_lost_connection_is_never_permanent() {
    let nobody = sender(free_port(), 1);
    assert_eq!(words(&send(&nobody, None, "a@example.org", MAIL).await), "transient connect refused");
    for (at, expected) in [
        (At::Greeting, "transient connect reply not understood"),
        (At::Mail, "transient mail reply not understood"),
        (At::Recipient, "transient rcpt reply not understood"),
        (At::Data, "transient data reply not understood"),
        (At::Content, "transient data reply not understood"),
    ] {
        let sink = Sink::start();
        sink.hang_up(at, 1);
        let sender = sender(sink.port, 1);
        assert_eq!(words(&send(&sender, None, "a@example.org", MAIL).await), expected, "{at:?}");
        assert!(accepted(&send(&sender, None, "a@example.org", MAIL).await), "{at:?}");
    }
}

#[tokio::test]
async fn l29_a_refused_login_pauses_the_transport() {
    let sink = Sink::start();
    sink.offer(&["8BITMIME", "AUTH PLAIN LOGIN"]);
    let mut transport = transport("127.0.0.1", sink.port, Tls::None, 1);
    if let Relay::Smtp { login, .. } = &mut transport.relay {
        *login = Some(("desk".to_owned(), Secret::None));
    }
    let open = || Sender::new(&transport, Some(SecretString::from("secret")), "gateway.example.net");
    assert!(accepted(&send(&open(), None, "a@example.org", MAIL).await));
    assert!(sink.commands().iter().any(|c| c == "AUTH PLAIN AGRlc2sAc2VjcmV0"), "{:?}", sink.commands());

    sink.answer_times(At::Auth, "", "454 4.7.0 Temporary authentication failure", 1);
    assert_eq!(words(&send(&open(), None, "a@example.org", MAIL).await), "transient login 454 4.7.0");
    sink.answer(At::Auth, "", "535 5.7.8 Error: authentication failed");
    assert_eq!(words(&send(&open(), None, "a@example.org", MAIL).await), "paused login 535 5.7.8");
    sink.offer(&["8BITMIME"]);
    assert_eq!(words(&send(&open(), None, "a@example.org", MAIL).await), "paused login no mechanism");
}

#[tokio::test]
async fn eight_bit_mail_and_addresses_are_announced() {
    let sink = Sink::start();
    let eight = "Subject: hi\r\n\r\nolá\r\n".as_bytes();
    let relay = sender(sink.port, 1);
    assert!(accepted(&send(&relay, None, "a@example.org", eight).await));
    assert!(accepted(&send(&relay, None, "josé@example.org", MAIL).await));
    assert!(accepted(&send(&relay, None, "a@example.org", MAIL).await));
    let parameters: Vec<String> = sink.mails().into_iter().map(|mail| mail.parameters).collect();
    assert_eq!(parameters, ["BODY=8BITMIME", "BODY=8BITMIME SMTPUTF8", ""]);
    sink.offer(&[]);
    let relay = sender(sink.port, 1);
    assert_eq!(words(&send(&relay, None, "a@example.org", eight).await), "row mail 554 5.6.3");
    assert_eq!(words(&send(&relay, None, "josé@example.org", MAIL).await), "row mail 554 5.6.7");
    assert!(accepted(&send(&relay, None, "a@example.org", MAIL).await));
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_where_starttls_was_asked_for() {
    let sink = Sink::start();
    let starttls =
        Sender::new(&transport("127.0.0.1", sink.port, Tls::Starttls, 1), None, "gateway.example.net");
    assert_eq!(words(&send(&starttls, None, "a@example.org", MAIL).await), "paused connect no STARTTLS");
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn a_slow_relay_holds_up_its_own_sessions_only() {
    let sink = Sink::start();
    sink.delay(At::Content, Duration::from_millis(300));
    let sender = std::sync::Arc::new(sender(sink.port, 4));
    let since = std::time::Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let sender = std::sync::Arc::clone(&sender);
        tasks.spawn(async move { send(&sender, None, "a@example.org", MAIL).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert!(accepted(&outcome.unwrap()));
    }
    assert!(since.elapsed() < Duration::from_millis(1100), "{:?}", since.elapsed());
}

/// L9: a mail whose lease is over is not handed over, neither before DATA nor after the relay's 354;
/// its twin under a lease that lasts is.
#[tokio::test]
async fn l9_a_mail_is_not_handed_over_when_its_lease_is_over() {
    let (sink, id) = (Sink::start(), OutboxId::parse("0190a0b0-0000-7000-8000-000000000001").unwrap());
    let recipient = EmailAddress::parse("ann@example.org").unwrap();
    let relay = sender(sink.port, 1);
    let life = Life::of(Moment::now(), TimeDelta::seconds(60));
    let envelope = Envelope { id, reverse_path: None, recipient: &recipient, life: &life };
    assert!(accepted(&relay.send(envelope, MAIL).await));
    assert_eq!(sink.mails().len(), 1);
    // It ends while the relay thinks about DATA; then before the session comes to DATA at all.
    sink.delay(At::Data, Duration::from_secs(1));
    let (outcome, ()) = tokio::join!(relay.send(envelope, MAIL), async {
        while sink.commands().iter().filter(|line| *line == "DATA").count() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        life.end();
    });
    assert_eq!(words(&outcome), "expired");
    sink.recover();
    assert_eq!(words(&relay.send(envelope, MAIL).await), "expired");
    assert_eq!(sink.commands().iter().filter(|line| *line == "DATA").count(), 2);
    assert_eq!(sink.mails().len(), 1, "the relay took neither");
    life.renew(Moment::now(), TimeDelta::seconds(60));
    assert!(accepted(&relay.send(envelope, MAIL).await), "and the session after them is sound");
    assert_eq!(sink.mails().len(), 2);
}
