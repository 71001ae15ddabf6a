//! Two gateways that write to each other through a real Postfix and a real Dovecot (L14): each with a
//! configuration, a store and a process of its own.

use std::time::{Duration, Instant};

use super::faults_support::{Gateway, sound};
use super::harness::{Dovecot, Postfix, Sink, servers};
use super::lessons_support::{MARY, Mail, Plan, imap_account, relay};

const LEFT: &str = "left@example.net";
const RIGHT: &str = "right@example.net";
/// What a careless forwarder loses of our mail.
const MARKS: &str = "^(Auto-Submitted|X-Auto-Response-Suppress|X-Mailward-Loop|Precedence):";

fn gateway(dovecot: &Dovecot, postfix: &Postfix, address: &str, path: &str) -> Gateway {
    let user = address.split('@').next().unwrap();
    let more = "first_run = \"live\"\nafter = \"none\"\ntoken_carrier = \"plus\"\nsubaddress = \"+\"";
    let plan = Plan {
        address: address.to_owned(),
        accounts: imap_account(dovecot, user, "help", more),
        smtp: relay(postfix.smtp, path),
        simulated: false,
        ..Plan::default()
    };
    let mut gateway = Gateway::new(&plan, &[]);
    gateway.start();
    gateway
}

/// The subjects in the mailboxes of both, once nothing has moved for a while.
fn at_rest(dovecot: &Dovecot, postfix: &Postfix, gateways: [&Gateway; 2]) -> [usize; 2] {
    let (mut last, mut since) = ([0; 2], Instant::now());
    let begun = Instant::now();
    while since.elapsed() < Duration::from_secs(6) {
        let now = ["left", "right"].map(|user| dovecot.client(user).subjects("INBOX").len());
        let going = gateways.iter().any(|gateway| {
            let rows = gateway.json(&["outbox", "list"]);
            rows.iter().any(|row| ["queued", "leased", "later"].iter().any(|state| row["state"] == *state))
        });
        if now != last || going || postfix.queued() > 0 || now == [0, 0] {
            (last, since) = (now, Instant::now());
        }
        assert!(begun.elapsed() < Duration::from_mins(4), "they do not come to rest: {now:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    last
}

/// One mail in the name of the left desk reaches the right one. How often they wrote to each other
/// after it, counted where their mail arrives.
fn wired(loses: &str, path: &str) -> Option<[usize; 2]> {
    if !servers(&["dovecot", "postfix", "openssl"]) {
        return None;
    }
    let (sink, dovecot) = (Sink::start(), Dovecot::start(&["left", "right"]));
    let postfix = Postfix::start_with(&dovecot, &sink, loses);
    let mut left = gateway(&dovecot, &postfix, LEFT, path);
    let mut right = gateway(&dovecot, &postfix, RIGHT, path);
    let first = Mail::new(LEFT, "Our ticket at your desk").to(RIGHT);
    assert!(postfix.send(LEFT, RIGHT, &first.bytes()).starts_with("250"));
    let [to_left, to_right] = at_rest(&dovecot, &postfix, [&left, &right]);
    // The twin: a person who writes to either desk is acknowledged exactly once.
    for address in [LEFT, RIGHT] {
        let mail = Mail::new(MARY, &format!("A question to {address}")).to(address);
        assert!(postfix.send(MARY, address, &mail.bytes()).starts_with("250"));
    }
    at_rest(&dovecot, &postfix, [&left, &right]);
    let mut from: Vec<String> = sink.mails_to(MARY).iter().map(|mail| sender(&mail.text())).collect();
    from.sort();
    assert_eq!(from, [LEFT, RIGHT], "one acknowledgment from each");
    for gateway in [&mut left, &mut right] {
        assert!(gateway.lives());
        gateway.stop();
        sound(gateway);
    }
    Some([to_left, to_right - 1])
}

/// The address in From.
fn sender(mail: &str) -> String {
    let line = mail.lines().find(|line| line.starts_with("From: ")).unwrap();
    line.rsplit('<').next().unwrap().trim_end_matches('>').to_owned()
}

/// With all marks only the first mail is acknowledged.
#[test]
fn l14_two_gateways_through_postfix_write_at_most_once_each_way() {
    if let Some(mails) = wired("", "null") {
        assert_eq!(mails, [1, 0], "to the left, to the right");
    }
}

/// Where every mark is lost on the way, and the null reverse-path with them, threading ends it: an
/// acknowledgment of an acknowledgment joins its ticket and is not acknowledged again.
#[test]
fn l14_two_gateways_whose_marks_are_lost_write_at_most_once_each_way() {
    if let Some(mails) = wired(MARKS, "desk") {
        assert_eq!(mails, [1, 1], "to the left, to the right");
    }
}
