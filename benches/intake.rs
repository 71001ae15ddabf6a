//! Processor time of understanding one mail, the whole of `intake/`: a reply of 6 KB with text, HTML,
//! quote and signature, the fixtures on average, and the same reply ten and a hundred times as long,
//! to see that the cost is linear.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a benchmark stops where something is amiss")]

#[path = "parts/report.rs"]
mod report;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use mailward::domain::account::AuthEvidence;
use mailward::intake::{ReadSettings, understand};
use report::{Figure, report};
use rustix::time::{ClockId, clock_gettime};

/// Microseconds a mail of 6 KB may take.
const TARGET: f64 = 400.0;
/// How many times the cost of an octet may grow over a hundredfold size.
const GROWTH: f64 = 2.0;
const ROUNDS: usize = 9;

fn main() {
    // `cargo test --all-targets` only wants to know that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let small = mail(1);
    eprintln!("intake: a mail of {} bytes, the middle of {ROUNDS} rounds", small.len());
    let base = cost(std::slice::from_ref(&small), 200);
    let mut figures = vec![Figure::new("intake, mail of 6 KB", base, "us/mail").must(TARGET, f64::le)];
    for (name, times, runs) in [("intake, 60 KB", 10, 20), ("intake, 600 KB", 100, 4)] {
        let large = mail(times);
        let spent = cost(std::slice::from_ref(&large), runs);
        let growth = spent / octets(&large) / (base / octets(&small));
        figures.push(Figure::new(name, spent, "us/mail"));
        figures
            .push(Figure::new(&format!("{name}, an octet to 6 KB's"), growth, "times").must(GROWTH, f64::le));
    }
    let stories = stories(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mail"));
    figures.push(Figure::new("intake, fixtures on average", cost(&stories, 20), "us/mail"));
    report(&figures);
}

#[expect(clippy::cast_precision_loss, reason = "the size of a mail")]
fn octets(mail: &[u8]) -> f64 {
    mail.len() as f64
}

/// Microseconds of processor time a mail, the middle of several rounds.
fn cost(mails: &[Vec<u8>], runs: u32) -> f64 {
    let settings =
        ReadSettings { auth: &AuthEvidence::None, own_addresses: &[], own_lists: &[], fields: &[] };
    let count = u32::try_from(mails.len()).unwrap() * runs;
    let mut rounds: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let since = clock();
            for _ in 0..runs {
                for mail in mails {
                    std::hint::black_box(understand(mail, &settings).ok());
                }
            }
            clock().saturating_sub(since).as_secs_f64() * 1e6 / f64::from(count)
        })
        .skip(1)
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(ROUNDS / 2).copied().unwrap()
}

fn clock() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// A reply in text and HTML as Outlook and Gmail send them; its body `times` as long.
fn mail(times: usize) -> Vec<u8> {
    let said = "Since the update of Monday the list of appointments opens very slowly on both workstations.";
    let old = "Thank you for your message; could you tell us which workstation shows it, and since when?";
    let (mut text, mut html) = (String::new(), String::new());
    for _ in 0..10 * times {
        writeln!(text, "{said}").unwrap();
        write!(
            html,
            "<p class=\"MsoNormal\">{said} See <a href=\"https://help.example/a\">the page</a>.</p>"
        )
        .unwrap();
    }
    let quote = "On Mon, Jan 5, 2026 at 9:12 AM Help Desk <help@desk.example> wrote:";
    write!(text, "\nKind regards,\nMary Major\n\n{quote}\n").unwrap();
    write!(
        html,
        "<div class=\"gmail_quote\"><div class=\"gmail_attr\">{quote}</div><blockquote class=\"gmail_quote\">"
    )
    .unwrap();
    for _ in 0..10 * times {
        writeln!(text, "> {old}").unwrap();
        write!(html, "<div>{old}</div>").unwrap();
    }
    html.push_str("</blockquote></div>");
    let head = "Return-Path: <mary@clinic.example>\nReceived: from mx.clinic.example by mx.desk.example; Mon, 5 Jan 2026 10:00:00 +0000\nAuthentication-Results: mx.desk.example; dmarc=pass header.from=clinic.example\nFrom: Mary Major <mary@clinic.example>\nTo: help@desk.example\nSubject: Re: [#12] Appointments\nMessage-ID: <a@clinic.example>\nIn-Reply-To: <b@desk.example>\nReferences: <b@desk.example>\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n";
    let part = |kind: &str, body: &str| format!("--x\nContent-Type: {kind}; charset=utf-8\n\n{body}\n");
    let body = part("text/plain", &text) + &part("text/html", &html);
    format!("{head}\n{body}--x--\n").replace('\n', "\r\n").into_bytes()
}

fn stories(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(stories(&path));
        } else {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}
