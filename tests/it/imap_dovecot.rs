//! Sessions against a real Dovecot.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use mailward::clock::{Life, Moment};
use mailward::domain::account::{After, ImapServer, Secret, Tls};
use mailward::domain::ids::{AccountName, FolderName, Uid, UidValidity};
use mailward::domain::message::RawMail;
use mailward::imap::{Absent, Fetched, ImapError, Limits, Session, Settled, Woken};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::harness::{Dovecot, PASSWORD, servers};

pub fn imap_server(host: &str, port: u16, tls: Tls) -> ImapServer {
    ImapServer { host: host.to_owned(), port, tls, user: "support".to_owned(), password: Secret::None }
}

pub async fn connect_to(server: &ImapServer, password: &str, limits: &Limits) -> Result<Session, ImapError> {
    let account = AccountName::parse("support").unwrap();
    Session::connect(&account, server, &SecretString::from(password.to_owned()), limits).await
}

/// The INBOX, and its UIDVALIDITY.
async fn open_inbox(dovecot: &Dovecot) -> (Session, UidValidity) {
    let mut session = open(dovecot).await;
    let validity = session.select(&folder("INBOX")).await.unwrap().uidvalidity;
    (session, validity)
}

async fn open(dovecot: &Dovecot) -> Session {
    let server = imap_server("127.0.0.1", dovecot.imap, Tls::None);
    let mut session = connect_to(&server, PASSWORD, &Limits::default()).await.unwrap();
    session.select(&folder("INBOX")).await.unwrap();
    session
}

pub fn folder(name: &str) -> FolderName {
    FolderName::parse(name).unwrap()
}

pub fn uid(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn now() -> DateTime<Utc> {
    at("2030-01-01T00:00:00Z")
}

fn mail(subject: &str) -> Vec<u8> {
    format!("From: ann@example.org\r\nTo: support@example.net\r\nSubject: {subject}\r\n\r\nHello\r\n")
        .into_bytes()
}

fn subjects(mails: &[RawMail]) -> Vec<String> {
    let text = mails.iter().map(|mail| String::from_utf8_lossy(&mail.bytes).into_owned());
    text.filter_map(|text| Some(text.split("Subject: ").nth(1)?.lines().next()?.to_owned())).collect()
}

/// A whole fetch: surveyed, then brought.
pub async fn fetch(session: &mut Session, uids: &[Uid], now: DateTime<Utc>) -> Fetched {
    let survey = session.survey(uids).await;
    session.fetch(survey, now).await
}

async fn fetch_all(session: &mut Session) -> Vec<RawMail> {
    let mut uids = session.new_uids(uid(1)).await.unwrap();
    let mut mails = Vec::new();
    while !uids.is_empty() {
        let fetched = fetch(session, &uids, now()).await;
        assert_eq!(fetched.failed, None);
        assert!(fetched.absent.is_empty());
        mails.extend(fetched.mails);
        uids = fetched.later;
    }
    mails
}

#[tokio::test]
async fn l1_mail_that_another_client_has_seen_is_fetched_all_the_same() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    for n in 0..6 {
        dovecot.deliver("support", &mail(&format!("no {n}")));
    }
    let mut person = dovecot.client("support");
    person.ok("SELECT INBOX");
    person.ok("UID STORE 1:3 +FLAGS (\\Seen)");
    let mut session = open(&dovecot).await;
    let mails = fetch_all(&mut session).await;
    assert_eq!(subjects(&mails), ["no 0", "no 1", "no 2", "no 3", "no 4", "no 5"]);
    session.logout().await;
}

#[tokio::test]
async fn l2_nothing_changes_on_the_server_before_after_commit() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    for n in 0..3 {
        dovecot.deliver("support", &mail(&format!("no {n}")));
    }
    let (mut session, validity) = open_inbox(&dovecot).await;
    assert_eq!(fetch_all(&mut session).await.len(), 3);
    assert_eq!(dovecot.client("support").flags("INBOX"), ["", "", ""], "before");

    let outcome = session.after_commit(&After::None, validity, &[uid(1)]).await;
    assert_eq!((outcome.failed, outcome.settled), (None, vec![(uid(1), Settled::Done)]));
    assert_eq!(dovecot.client("support").flags("INBOX"), ["", "", ""], "none");

    let outcome = session.after_commit(&After::Flag, validity, &[uid(1), uid(3)]).await;
    assert_eq!(outcome.failed, None);
    let flags = dovecot.client("support").flags("INBOX");
    assert_eq!(flags, ["\\Seen $MailwardSeen", "", "\\Seen $MailwardSeen"], "flag");
    session.logout().await;
}

#[tokio::test]
async fn l13_mail_is_moved_by_set_and_the_target_is_made() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    for n in 0..5 {
        dovecot.deliver("support", &mail(&format!("no {n}")));
    }
    let (mut session, validity) = open_inbox(&dovecot).await;
    let target = After::Move(folder("Processed/Été"));
    let outcome = session.after_commit(&target, validity, &[uid(1), uid(2), uid(4), uid(77)]).await;
    assert_eq!(outcome.failed, None);
    assert!(outcome.settled.iter().all(|(_, how)| *how == Settled::Done));
    assert_eq!(dovecot.client("support").subjects("INBOX"), ["no 2", "no 4"]);
    assert_eq!(dovecot.client("support").subjects("Processed/&AMk-t&AOk-"), ["no 0", "no 1", "no 3"]);
    // Once more for the same UIDs: they are gone, nothing is moved or copied.
    let other = session.after_commit(&target, UidValidity(validity.0 ^ 1), &[uid(3)]).await;
    assert_eq!(other.settled, [(uid(3), Settled::Not)], "L30: another UIDVALIDITY, other mails");
    let again = session.after_commit(&target, validity, &[uid(1), uid(2), uid(4)]).await;
    assert_eq!(again.failed, None);
    assert_eq!(dovecot.client("support").subjects("Processed/&AMk-t&AOk-").len(), 3);
    session.logout().await;
}

/// L9: who stood still for longer than the account's lease changes nothing in the mailbox; its twin, in
/// time, does.
#[tokio::test]
async fn l9_nothing_is_moved_or_flagged_once_the_lease_is_over() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    dovecot.deliver("support", &mail("one"));
    let (mut session, validity) = open_inbox(&dovecot).await;
    let life = Life::of(Moment::now(), chrono::TimeDelta::zero());
    session.change_while(life.clone());
    for after in [After::Flag, After::Move(folder("Done"))] {
        let outcome = session.after_commit(&after, validity, &[uid(1)]).await;
        assert_eq!(
            (outcome.failed, outcome.settled),
            (Some(ImapError::LeaseOver), vec![(uid(1), Settled::Not)])
        );
    }
    let outcome = session.remove_copied(validity, &[uid(1)]).await;
    assert_eq!(
        (outcome.failed, outcome.settled),
        (Some(ImapError::LeaseOver), vec![(uid(1), Settled::Copied)])
    );
    assert_eq!(dovecot.client("support").flags("INBOX"), [""]);
    life.renew(Moment::now(), chrono::TimeDelta::seconds(60));
    assert_eq!(session.after_commit(&After::Move(folder("Done")), validity, &[uid(1)]).await.failed, None);
    assert_eq!(dovecot.client("support").subjects("Done"), ["one"]);
    session.logout().await;
}

#[tokio::test]
async fn l4_ten_days_of_outage_arrive_in_order_with_their_dates() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let mut person = dovecot.client("support");
    for day in 1..=10 {
        for n in 0..12 {
            let date = format!("{day:02}-Nov-2026 {n:02}:00:00 +0000");
            person.append("INBOX", &mail(&format!("{day}/{n}")), &date);
        }
    }
    let mut session = open(&dovecot).await;
    let mails = fetch_all(&mut session).await;
    assert_eq!(mails.len(), 120);
    assert_eq!(subjects(&mails).first().unwrap(), "1/0");
    assert!(mails.is_sorted_by_key(|mail| mail.internal_date));
    assert_eq!(mails.last().unwrap().internal_date, at("2026-11-10T11:00:00Z"));
    // An arrival in the future is no arrival.
    let fetched = fetch(&mut session, &[uid(120)], at("2026-11-01T00:00:00Z")).await;
    assert_eq!(fetched.mails[0].internal_date, at("2026-11-01T00:00:00Z"));
    session.logout().await;
}

#[tokio::test]
async fn l30_uidvalidity_shows_at_select_and_ranges_are_bounded() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    dovecot.create_folder("support", "Desk");
    for n in 0..4 {
        dovecot.append("support", "Desk", &mail(&format!("no {n}")), "05-Nov-2026 06:08:09 +0000");
    }
    let mut session = open(&dovecot).await;
    let before = session.select(&folder("Desk")).await.unwrap();
    assert_eq!((before.uidnext, before.exists), (Some(5), 4));
    assert_eq!(session.new_uids(uid(5)).await.unwrap(), [], "n:* would name 4");
    assert_eq!(session.new_uids(uid(3)).await.unwrap(), [uid(3), uid(4)]);
    assert_eq!(session.list_uids(uid(2), uid(3)).await.unwrap(), [uid(2), uid(3)]);
    assert_eq!(session.list_uids(uid(1), uid(250_000)).await.unwrap().len(), 4);
    session.logout().await;

    dovecot.recreate_folder("support", "Desk");
    let mut session = open(&dovecot).await;
    let after = session.select(&folder("Desk")).await.unwrap();
    assert_ne!(after.uidvalidity, before.uidvalidity);
    assert_eq!(session.select(&folder("Nowhere")).await, Err(ImapError::FolderMissing));
    assert_eq!(session.select(&folder("INBOX")).await.unwrap().exists, 0, "the session is still good");
    session.logout().await;
}

#[tokio::test]
async fn l3_a_mail_that_is_gone_is_reported_and_the_rest_come() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    for n in 0..3 {
        dovecot.deliver("support", &mail(&format!("no {n}")));
    }
    let mut person = dovecot.client("support");
    person.ok("SELECT INBOX");
    person.ok("UID STORE 2 +FLAGS (\\Deleted)");
    person.ok("EXPUNGE");
    let mut session = open(&dovecot).await;
    let fetched = fetch(&mut session, &[uid(1), uid(2), uid(3), uid(9)], now()).await;
    assert_eq!(subjects(&fetched.mails), ["no 0", "no 2"]);
    assert_eq!(fetched.absent, [(uid(2), Absent::Unlisted), (uid(9), Absent::Unlisted)]);
    assert!(fetched.later.is_empty());
    session.logout().await;
}

#[tokio::test]
async fn l28_batches_are_bounded_and_an_oversize_mail_comes_in_part() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let mut large = mail("large");
    large.extend(b"x\r\n".repeat(100_000));
    dovecot.deliver("support", &mail("small"));
    dovecot.deliver("support", &large);
    dovecot.deliver("support", &mail("last"));
    let server = imap_server("localhost", dovecot.imap, Tls::None);
    let limits = Limits { message_bytes: 200_000, oversize_bytes: 10_000, ..Limits::default() };
    let mut session = connect_to(&server, PASSWORD, &limits).await.unwrap();
    session.select(&folder("INBOX")).await.unwrap();
    let fetched = fetch(&mut session, &[uid(1), uid(2), uid(3)], now()).await;
    assert_eq!(subjects(&fetched.mails), ["small", "large", "last"]);
    let part = &fetched.mails[1];
    assert_eq!(part.bytes.len(), 10_000);
    assert!(part.oversize.is_some_and(|size| size > 300_000));
    assert_eq!(fetched.mails[0].oversize, None);
    session.logout().await;

    let limits = Limits { batch_mails: 2, ..limits };
    let mut session = connect_to(&server, PASSWORD, &limits).await.unwrap();
    session.select(&folder("INBOX")).await.unwrap();
    let fetched = fetch(&mut session, &[uid(3), uid(2), uid(1)], now()).await;
    assert_eq!((fetched.mails.len(), fetched.later), (2, vec![uid(3)]));
    session.logout().await;
}

#[tokio::test]
async fn waiting_ends_with_news_with_time_or_with_a_stop() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let mut session = open(&dovecot).await;
    let stop = CancellationToken::new();
    assert_eq!(session.wait(Duration::from_millis(100), &stop).await, Ok(Woken::TimeUp));

    let port = dovecot.lmtp;
    let delivery = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(300));
        crate::harness::lmtp_deliver(port, "support", &mail("news"));
    });
    assert_eq!(session.wait(Duration::from_secs(20), &stop).await, Ok(Woken::News));
    delivery.await.unwrap();
    assert_eq!(session.new_uids(uid(1)).await.unwrap(), [uid(1)]);

    let token = stop.clone();
    let since = Instant::now();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        token.cancel();
    });
    assert_eq!(session.wait(Duration::from_secs(20), &stop).await, Ok(Woken::Stopped));
    assert!(since.elapsed() < Duration::from_secs(5));
    assert_eq!(session.new_uids(uid(1)).await.unwrap().len(), 1, "the session is still good");
    session.logout().await;
}

#[tokio::test]
async fn a_wrong_password_pauses_and_a_closed_port_does_not() {
    if !servers(&["dovecot", "openssl"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let server = imap_server("127.0.0.1", dovecot.imap, Tls::None);
    let refused = connect_to(&server, "wrong", &Limits::default()).await.unwrap_err();
    assert_eq!(refused, ImapError::LoginRefused);
    let refused = connect_to(&server, "fälsch", &Limits::default()).await.unwrap_err();
    assert_eq!(refused, ImapError::LoginRefused, "by AUTHENTICATE PLAIN");
    let nobody = imap_server("127.0.0.1", crate::harness::free_port(), Tls::None);
    let lost = connect_to(&nobody, PASSWORD, &Limits::default()).await.unwrap_err();
    assert!(matches!(lost, ImapError::Transient(_)), "{lost:?}");
}
