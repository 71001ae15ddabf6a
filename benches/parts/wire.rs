//! The stations at both ends of a mail's way, on real servers: fetched from Dovecot, moved aside there,
//! sent to a relay that swallows it. Only what this process spends counts.

use std::time::Duration;

use mailward::clock::{Clock, Life, Random};
use mailward::domain::account::{After, ImapServer, Relay, ReversePathPolicy, Secret, Tls, Transport};
use mailward::domain::address::EmailAddress;
use mailward::domain::ids::{AccountName, FolderName, Uid};
use mailward::imap::{Limits, Session};
use mailward::smtp::{Envelope, Sender};
use mailward::store::Ids;
use secrecy::SecretString;

use crate::cpu;
use crate::harness::{Dovecot, PASSWORD};
use crate::parts::mails::Mail;
use crate::program;

const USER: &str = "support";

/// Processor time of fetching and of moving all of them.
pub async fn fetch_and_move(mails: &[Mail]) -> (Duration, Duration) {
    let dovecot = Dovecot::start(&[USER]);
    let mut client = dovecot.client(USER);
    for mail in mails {
        client.append("INBOX", &mail.eml, &mail.at.format("%d-%b-%Y %H:%M:%S +0000").to_string());
    }
    client.ok("CREATE \"Done\"");
    let server = ImapServer {
        host: "127.0.0.1".to_owned(),
        port: dovecot.imap,
        tls: Tls::None,
        user: USER.to_owned(),
        password: Secret::None,
    };
    let account = AccountName::parse(USER).unwrap();
    let password = SecretString::from(PASSWORD.to_owned());
    let mut session = Session::connect(&account, &server, &password, &Limits::default()).await.unwrap();
    let inbox = FolderName::parse("INBOX").unwrap();
    let validity = session.select(&inbox).await.unwrap().uidvalidity;
    let since = cpu();
    let uids = session.new_uids(Uid::new(1).unwrap()).await.unwrap();
    let mut open = uids.clone();
    while !open.is_empty() {
        let survey = session.survey(&open).await;
        let fetched = session.fetch(survey, Clock::System.now()).await;
        assert!(fetched.failed.is_none() && fetched.absent.is_empty());
        open = fetched.later;
    }
    let fetched = cpu();
    let after = After::Move(FolderName::parse("Done").unwrap());
    assert!(session.after_commit(&after, validity, &uids).await.failed.is_none());
    let moved = cpu();
    session.logout().await;
    (fetched.saturating_sub(since), moved.saturating_sub(fetched))
}

/// Processor time of sending so many mails over ten kept sessions.
pub async fn send(count: usize, bytes: &[u8]) -> Duration {
    use futures_util::{StreamExt as _, stream};
    let relay = program::Relay::start();
    let transport = Transport {
        relay: Relay::Smtp { host: "127.0.0.1".to_owned(), port: relay.port, tls: Tls::None, login: None },
        reverse_path: ReversePathPolicy::Desk,
        max_per_minute: 0,
        max_connections: 10,
    };
    let sender = Sender::new(&transport, None, "desk.example");
    let ids = Ids::new(Clock::System.now(), &Random::System);
    let recipient = EmailAddress::parse("person@clinic.example").unwrap();
    let life = Life::endless();
    let since = cpu();
    let sends = stream::iter(0..count).map(|_| {
        let envelope = Envelope {
            id: ids.outbox().unwrap(),
            reverse_path: Some(&recipient),
            recipient: &recipient,
            life: &life,
        };
        sender.send(envelope, bytes)
    });
    let sent = sends.buffer_unordered(10).collect::<Vec<_>>().await;
    assert!(sent.iter().all(|outcome| matches!(outcome, mailward::smtp::SendOutcome::Accepted { .. })));
    let spent = cpu().saturating_sub(since);
    sender.close().await;
    spent
}
