//! The gateway while it runs: how long a mail takes from LMTP's acceptance to that of its
//! acknowledgment, and what a gateway costs to which nobody writes.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mailward::clock::Clock;

use crate::harness::{Dovecot, Scratch};
use crate::parts::desk::{self, Ends, SQLITE};
use crate::parts::mails;
use crate::parts::report::Figure;
use crate::program::{Relay, Running};

/// The lines of an account on a server of this machine; its password is in `BENCH_PASSWORD`.
pub fn imap(port: u16, user: &str) -> String {
    format!(
        "source = \"imap\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nuser = \"{user}\"\npassword_env = \"BENCH_PASSWORD\""
    )
}

/// Mails a second, and for how long.
const PACE: u32 = 5;
const SECONDS: u32 = 40;
/// An idle gateway is watched for so long, once it came to rest.
const IDLE: Duration = Duration::from_mins(1);
const REST: Duration = Duration::from_secs(10);
const ACCOUNTS: usize = 10;

/// When a mail to each address was accepted first.
type Accepted = Arc<Mutex<HashMap<String, Instant>>>;

/// A relay that notes when it accepted what.
fn relay() -> (u16, Accepted) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Accepted::default();
    let noted = accepted.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let noted = noted.clone();
            std::thread::spawn(move || talk(stream, &noted));
        }
    });
    (port, accepted)
}

fn talk(stream: TcpStream, accepted: &Accepted) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(stream);
    let (mut to, mut data) = (String::new(), false);
    stream.get_mut().write_all(b"220 relay.example\r\n").ok()?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match (data, line.as_str(), word.as_str()) {
            (true, ".\r\n", _) => {
                data = false;
                accepted.lock().unwrap().entry(std::mem::take(&mut to)).or_insert_with(Instant::now);
                b"250 2.0.0 taken\r\n"
            }
            (true, ..) => continue,
            (_, _, "EHLO") => b"250-relay.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            (_, _, "RCPT") => {
                line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                b"250 2.1.5 ok\r\n"
            }
            (_, _, "DATA") => {
                data = true;
                b"354 go on\r\n"
            }
            (_, _, "QUIT") => return None,
            _ => b"250 2.0.0 ok\r\n",
        };
        stream.get_mut().write_all(reply).ok()?;
    }
}

fn mail(n: u32, from: &str) -> String {
    format!(
        "From: {from}\r\nTo: {}\r\nSubject: The printer of ward {n} stays dark\r\nMessage-ID: <m{n}.{from}>\r\nDate: {}\r\n\r\n\
         Good morning,\r\n\r\nthe printer of ward {n} stays dark since yesterday. Could you have a look?\r\n\r\nAnn\r\n",
        mails::DESK,
        Clock::System.now().to_rfc2822()
    )
}

/// From LMTP's acceptance to that of the acknowledgment, at [`PACE`] mails a second.
pub fn latency() -> Vec<Figure> {
    let scratch = Scratch::new("latency");
    let dovecot = Dovecot::start(&["support"]);
    let (port, accepted) = relay();
    let sources = [imap(dovecot.imap, "support")];
    let ends = Ends { sources: &sources, relay: port, address: mails::DESK, store: SQLITE };
    let config = desk::write(scratch.path(), &ends);
    let _gateway = Running::start(&config, &[]);
    std::thread::sleep(Duration::from_secs(3));
    let start = Instant::now();
    let sent: Vec<(String, Instant)> = (0..PACE * SECONDS)
        .map(|n| {
            let due = start + Duration::from_secs(1) / PACE * n;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let from = format!("person{n}@clinic.example");
            dovecot.deliver("support", mail(n, &from).as_bytes());
            (from, Instant::now())
        })
        .collect();
    let since = Instant::now();
    while accepted.lock().unwrap().keys().filter(|to| to.starts_with("person")).count() < sent.len() {
        assert!(since.elapsed() < Duration::from_mins(2), "not every mail was acknowledged");
        std::thread::sleep(Duration::from_millis(50));
    }
    let accepted = accepted.lock().unwrap();
    let mut waits: Vec<f64> = sent
        .iter()
        .map(|(from, at)| accepted[from].saturating_duration_since(*at).as_secs_f64() * 1e3)
        .collect();
    waits.sort_by(f64::total_cmp);
    let share = |of: usize| waits[(waits.len() * of / 100).min(waits.len() - 1)];
    vec![
        Figure::new("mail to acknowledgment, median", share(50), "ms").must(400.0, f64::le),
        Figure::new("mail to acknowledgment, 99 of 100", share(99), "ms").must(1000.0, f64::le),
    ]
}

/// Processor time of a gateway with [`ACCOUNTS`] accounts to which nobody writes.
pub fn idle() -> Vec<Figure> {
    let scratch = Scratch::new("idle");
    let users: Vec<String> = (0..ACCOUNTS).map(|n| format!("support{n}")).collect();
    let dovecot = Dovecot::start(&users.iter().map(String::as_str).collect::<Vec<_>>());
    let relay = Relay::start();
    let sources: Vec<String> = users.iter().map(|user| imap(dovecot.imap, user)).collect();
    let ends = Ends { sources: &sources, relay: relay.port, address: mails::DESK, store: SQLITE };
    let config = desk::write(scratch.path(), &ends);
    let gateway = Running::start(&config, &[]);
    std::thread::sleep(REST);
    let (before, since) = (gateway.spent().unwrap(), Instant::now());
    std::thread::sleep(IDLE);
    let after = gateway.spent().unwrap();
    let spent = (after.0 + after.1).saturating_sub(before.0 + before.1);
    let share = spent.as_secs_f64() / since.elapsed().as_secs_f64() * 100.0;
    vec![Figure::new("idle with 10 accounts", share, "% of a core").must(0.5, f64::le)]
}
