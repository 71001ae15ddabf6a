//! Processor time of each station, in microseconds a mail: the median of several rounds over the same
//! mails, each round on a fresh database (SQLite, synchronous=FULL). All threads count, the
//! database's own included. What the stations do is what the workers do, in the same batches.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a benchmark is a test: it stops where something is amiss"
)]

#[expect(
    unused_imports,
    clippy::expect_used,
    clippy::assigning_clones,
    reason = "the harness of the tests, of which a part is used here"
)]
#[path = "../tests/it/harness/mod.rs"]
mod harness;
mod parts;
#[expect(dead_code, reason = "only its relay is used here")]
#[path = "parts/program.rs"]
mod program;
#[path = "parts/wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mailward::cli::office::{self, Office};
use mailward::clock::{Clock, Random};
use mailward::compose::{self, MintRequest};
use mailward::decide::on_message::on_message;
use mailward::decide::scene::{Incoming, Scene};
use mailward::domain::account::FirstRun;
use mailward::domain::effect::{Decision, Effect};
use mailward::domain::ids::{AccountName, FolderName, Uid, UidValidity};
use mailward::domain::message::{Instant, Origin, RawMail};
use mailward::domain::outgoing::Minted;
use mailward::intake::parse;
use mailward::store::{Expected, FactsQuery, FirstSight, Hold, Ids, Outcome, Placed, Work};
use mailward::worker::ingest::keep::Batch;
use mailward::worker::ingest::understand::{Understood, redact, understand};
use mailward::worker::rules::Rules;
use parts::desk::{self, Ends};
use parts::mails::{self, Mail};
use parts::report::{Figure, report};
use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest as _, Sha256};

/// Mails of one round.
const MAILS: usize = 640;
/// What a fetch brings, and what a transaction B takes.
const FETCHED: usize = 50;
/// What the outbox claims.
const CLAIMED: u32 = 50;
const ROUNDS: usize = 5;

/// Microseconds of each station of one round.
type Spent = BTreeMap<&'static str, f64>;

/// The stations in the order of a mail's way; the last one is a part of its neighbour.
const STATIONS: [&str; 12] = [
    "seal",
    "commit A",
    "parse",
    "understand",
    "redact",
    "B: facts",
    "B: decide",
    "B: place",
    "B: compose",
    "B: apply",
    "B: write and commit",
    "outbox: claim and settle",
];

fn main() {
    if !parts::asked_for() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mails = mails::make(MAILS, 7, Clock::System.now());
    let octets: usize = mails.iter().map(|mail| mail.eml.len()).sum();
    eprintln!("stations: {MAILS} mails of {} bytes on average, {ROUNDS} rounds", octets / MAILS);
    let folder = std::env::temp_dir().join(format!("mailward-stations-{}", std::process::id()));
    // The first round loads what is loaded once, and is forgotten.
    let rounds: Vec<Spent> =
        (0..=ROUNDS).map(|n| runtime.block_on(round(&folder.join(n.to_string()), &mails))).skip(1).collect();
    std::fs::remove_dir_all(&folder).unwrap();
    let middle = |station: &str| median(rounds.iter().map(|round| round[station]).collect());
    let mut figures: Vec<Figure> =
        STATIONS.iter().map(|station| Figure::new(station, middle(station), "us/mail")).collect();
    let all = STATIONS.iter().map(|station| middle(station)).sum();
    figures.push(Figure::new("all of these stations", all, "us/mail").must(1500.0, f64::le));
    report(&figures);
    if harness::servers(&["dovecot", "smtp-sink"]) {
        report(&runtime.block_on(ends(&mails)));
    }
}

/// The stations that need servers, once.
#[expect(clippy::cast_precision_loss, reason = "a count of mails")]
async fn ends(mails: &[Mail]) -> Vec<Figure> {
    let a_mail = |spent: Duration| spent.as_secs_f64() * 1e6 / mails.len() as f64;
    let (fetched, moved) = wire::fetch_and_move(mails).await;
    let sent = wire::send(MAILS, b"Subject: Your request\r\n\r\nIt is with us.\r\n").await;
    vec![
        Figure::new("fetch", a_mail(fetched), "us/mail"),
        Figure::new("move", a_mail(moved), "us/mail"),
        Figure::new("send", a_mail(sent), "us/mail sent"),
    ]
}

/// Processor time of this process so far, all threads, user and system.
fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// The middle one; of an even number the lower of the two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

struct Bench {
    office: Office,
    rules: Arc<Rules>,
    spent: Spent,
}

impl Bench {
    /// Runs a piece of work and books its processor time.
    async fn timed<T>(&mut self, station: &'static str, work: impl Future<Output = T>) -> T {
        let since = cpu();
        let done = work.await;
        self.book(station, since);
        done
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of mails")]
    fn book(&mut self, station: &'static str, since: Duration) -> Duration {
        let spent = cpu().saturating_sub(since);
        *self.spent.entry(station).or_default() += spent.as_secs_f64() * 1e6 / MAILS as f64;
        spent
    }
}

async fn round(folder: &Path, mails: &[Mail]) -> Spent {
    let sources = ["source = \"maildir\"\npath = \"nowhere\"".to_owned()];
    std::fs::create_dir_all(folder.join("nowhere")).unwrap();
    let config = desk::write(
        folder,
        &Ends { sources: &sources, relay: 25, address: mails::DESK, store: desk::SQLITE },
    );
    let office = Office::open(&config, None).await.unwrap();
    let rules = Arc::new(office::rules(&office.loaded).unwrap());
    let mut bench = Bench { office, rules, spent: Spent::new() };
    first_sight(&bench.office).await;
    for (n, batch) in mails.chunks(FETCHED).enumerate() {
        let understood = bench.keep_and_understand(n * FETCHED, batch).await;
        bench.decide(understood).await;
    }
    bench.send().await;
    bench.office.store.close().await;
    bench.spent
}

fn folder() -> FolderName {
    FolderName::parse("INBOX").unwrap()
}

fn account() -> AccountName {
    AccountName::parse("support0").unwrap()
}

async fn first_sight(office: &Office) {
    let sight = FirstSight {
        account: account(),
        folder: folder(),
        uidvalidity: UidValidity(1),
        uid_next: 1,
        first_run: FirstRun::Live,
    };
    office.store.first_sight(&sight).await.unwrap();
}

impl Bench {
    async fn keep_and_understand(&mut self, first: usize, batch: &[Mail]) -> Vec<Understood> {
        let mails = batch.iter().enumerate().map(|(n, mail)| raw(first + n, mail)).collect();
        let ingest = self.office.ingest();
        let kept = ingest.keep(None, Batch { mails, cursor: None, history_below: 0 });
        let since = cpu();
        let stored = kept.await.unwrap();
        // It seals, too: what that takes is found by doing it again; likewise with the parts of `understand`.
        let both = cpu().saturating_sub(since);
        let since = cpu();
        for mail in &stored {
            let sealed = self.office.sealer().seal_original(mail.id, &mail.bytes, &Random::System);
            std::hint::black_box((sealed.unwrap(), Sha256::digest(&mail.bytes)));
        }
        let sealed = self.book("seal", since);
        self.book("commit A", cpu().saturating_sub(both.saturating_sub(sealed)));
        let since = cpu();
        for mail in &stored {
            let mut defects = Vec::new();
            let prepared = parse::prepare(&mail.bytes, &mut defects);
            std::hint::black_box(parse::parse(&prepared, defects).unwrap());
        }
        let parsed = self.book("parse", since);
        assert_eq!(stored.len(), batch.len());
        let (sealer, keys, rules) =
            (self.office.sealer().clone(), self.office.door().keys, self.rules.clone());
        let since = cpu();
        let understood: Vec<Understood> =
            stored.into_iter().map(|mail| understand(mail, &rules, (&sealer, &keys)).unwrap()).collect();
        let both = cpu().saturating_sub(since);
        let since = cpu();
        for mail in &understood {
            std::hint::black_box(redact(&mail.mail, &rules.redactor, mail.desk.clinical));
        }
        let redacted = self.book("redact", since);
        let rest = both.saturating_sub(redacted + parsed);
        self.book("understand", cpu().saturating_sub(rest));
        understood
    }

    async fn decide(&mut self, mails: Vec<Understood>) {
        let store = self.office.store.clone();
        let mut work = self.timed("B: write and commit", store.begin(None)).await.unwrap();
        let expected: Vec<Expected<'_>> = mails.iter().map(expected).collect();
        self.timed("B: facts", work.foresee(&expected)).await.unwrap();
        for mail in &mails {
            self.one(&mut work, mail).await;
        }
        let now = self.office.clock.now();
        self.timed("B: write and commit", work.commit(now)).await.unwrap();
    }

    async fn one(&mut self, work: &mut Work, mail: &Understood) {
        let rules = self.rules.clone();
        let now = self.office.clock.now();
        let query = query(mail, &rules, now);
        let facts = self.timed("B: facts", work.facts(&query)).await.unwrap();
        let incoming = Incoming {
            mail: &mail.mail,
            redacted: &mail.redacted,
            ledger: mail.stored.id,
            arrived: mail.stored.arrived_at,
            released: false,
            breach_copy: false,
        };
        let since = cpu();
        let decision = on_message(incoming, &facts, Scene { desk: &mail.desk, policy: &rules.policy, now });
        self.book("B: decide", since);
        let ids = Ids::new(now, &Random::System);
        let placed = self.timed("B: place", work.place(&decision, &ids)).await.unwrap();
        let since = cpu();
        let minted = self.mint(mail, &decision, &placed, &ids);
        self.book("B: compose", since);
        self.timed("B: apply", work.apply(&decision, placed, &minted, &ids)).await.unwrap();
    }

    fn mint(&self, mail: &Understood, decision: &Decision, placed: &Placed, ids: &Ids) -> Vec<Minted> {
        let Some(ticket) = placed.ticket else { return Vec::new() };
        let keys = self.office.door().keys;
        let references: Vec<_> = placed.thread.root.iter().chain(&placed.thread.recent).cloned().collect();
        let mails = decision.effects.iter().filter_map(|effect| match effect {
            Effect::Enqueue(outgoing) => Some(outgoing),
            _ => None,
        });
        mails
            .zip(&placed.recipients)
            .map(|(outgoing, (participant, to))| {
                let request = MintRequest {
                    id: ids.outbox().unwrap(),
                    desk: &mail.desk,
                    carrier: mail.account.token_carrier,
                    subaddress: mail.account.subaddress,
                    reverse_path: self.rules.policy.transport.reverse_path,
                    number: Some(ticket.number),
                    participant: *participant,
                    to,
                    outgoing,
                    references: &references,
                    keys: &keys,
                    templates: &self.rules.templates,
                    now: decision.at,
                    random: &Random::System,
                };
                compose::mint(&request).unwrap()
            })
            .collect()
    }

    /// Every mail of the outbox is claimed and settled as sent.
    async fn send(&mut self) {
        let (store, run) = (self.office.store.clone(), self.office.run());
        loop {
            let now = self.office.clock.now();
            let claim = store.claim(now, Hold { run, at: now, ttl: TimeDelta::seconds(120) }, CLAIMED);
            let rows = self.timed("outbox: claim and settle", claim).await.unwrap();
            if rows.is_empty() {
                return;
            }
            let results: Vec<_> = rows.iter().map(|row| (row.id, Outcome::Sent { learnt: None })).collect();
            self.timed("outbox: claim and settle", store.settle(now, run, &results)).await.unwrap();
        }
    }
}

fn raw(n: usize, mail: &Mail) -> RawMail {
    let uid = Uid::new(u32::try_from(n).unwrap() + 1).unwrap();
    RawMail {
        origin: Origin { account: account(), folder: folder(), uidvalidity: UidValidity(1), uid },
        internal_date: mail.at,
        bytes: mail.eml.clone(),
        oversize: None,
    }
}

fn expected(mail: &Understood) -> Expected<'_> {
    Expected {
        ledger: mail.stored.id,
        account: &mail.account.name,
        hints: &mail.hints,
        message_id: mail.mail.message_id.as_ref(),
        content_key: mail.content_key,
    }
}

fn query<'a>(mail: &'a Understood, rules: &'a Rules, now: Instant) -> FactsQuery<'a> {
    FactsQuery {
        ledger: mail.stored.id,
        desk: &mail.desk.name,
        account: &mail.account.name,
        hints: &mail.hints,
        message_id: mail.mail.message_id.as_ref(),
        from: mail.mail.from.as_ref().map(|from| &from.address),
        content_key: mail.content_key,
        now,
        bounce_original: mail.mail.bounce.as_ref().and_then(|bounce| bounce.original.as_ref()),
        caps: &rules.policy.governor,
        history: false,
        folder_responds: true,
        oversize: false,
    }
}
