//! What a sweep costs when a hundred of a million open tickets are due, against a hundred of a
//! thousand; how long it takes over ten thousand due ones; and a report over 200,000 tickets. SQLite,
//! filled by SQL; every due ticket misses its response, which raises it and tells its agents.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a benchmark is a test: it stops where something is amiss"
)]

#[expect(dead_code, reason = "the parts of other benchmarks are here too")]
mod parts;

use std::path::Path;
use std::time::{Duration, Instant};

use mailward::cli::office::Office;
use mailward::clock::Clock;
use mailward::worker::sweep::Swept;
use parts::desk::{self, Ends};
use parts::report::{Figure, report};
use rustix::time::{ClockId, clock_gettime};
use sqlx::AssertSqlSafe;

/// Rounds over the same database; their median counts.
const ROUNDS: usize = 5;
const DUE: u32 = 100;
const MANY_DUE: u32 = 10_000;
const REPORTED: u32 = 200_000;

fn main() {
    if !parts::asked_for() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = std::env::temp_dir().join(format!("mailward-sweep-{}", std::process::id()));
    let mut figures = Vec::new();
    runtime.block_on(measure(&folder, &mut figures));
    std::fs::remove_dir_all(&folder).unwrap();
    report(&figures);
}

async fn measure(folder: &Path, figures: &mut Vec<Figure>) {
    let small = Filled::new(&folder.join("small"), 1000).await;
    let (small_cpu, small_wall) = small.sweeps(DUE).await;
    small.office.store.close().await;
    eprintln!("sweep: fills a million tickets");
    let large = Filled::new(&folder.join("large"), 1_000_000).await;
    let (large_cpu, large_wall) = large.sweeps(DUE).await;
    figures.push(Figure::new("sweep of 100 due in 1,000", small_cpu * 1e3, "ms cpu"));
    figures.push(Figure::new("sweep of 100 due in 1,000,000", large_cpu * 1e3, "ms cpu"));
    figures.push(Figure::new("the same, ratio", large_cpu / small_cpu, "").must(1.2, f64::le));
    figures.push(Figure::new("the same by the clock, ratio", large_wall / small_wall, ""));
    large.make_due(MANY_DUE).await;
    let since = Instant::now();
    large.sweep(MANY_DUE).await;
    figures.push(Figure::new("sweep of 10,000 due", since.elapsed().as_secs_f64(), "s").must(10.0, f64::lt));
    large.office.store.close().await;
    let reported = Filled::new(&folder.join("report"), REPORTED).await;
    reported.office.store.close().await;
    let (took, megabytes) = reported.report(folder);
    figures.push(Figure::new("report over 200,000 tickets", took, "s"));
    figures.push(Figure::new("its peak memory", megabytes, "MB").must(200.0, f64::lt));
}

/// Processor time of this process so far, all threads.
fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// An installation with so many open tickets.
struct Filled {
    office: Office,
    sql: sqlx::SqlitePool,
    config: std::path::PathBuf,
    now: i64,
}

impl Filled {
    async fn new(folder: &Path, tickets: u32) -> Self {
        std::fs::create_dir_all(folder.join("nowhere")).unwrap();
        let sources = ["source = \"maildir\"\npath = \"nowhere\"".to_owned()];
        let ends =
            Ends { sources: &sources, relay: 25, address: "support@bench.example", store: desk::SQLITE };
        let config = desk::write(folder, &ends);
        let office = Office::open(&config, None).await.unwrap();
        let url = format!("sqlite:{}", folder.join("data/mailward.db").display());
        let sql = sqlx::SqlitePool::connect(&url).await.unwrap();
        let now = Clock::System.now().timestamp_micros();
        let filled = Self { office, sql, config, now };
        // Everyone's next look lies in the future, spread over a day from tomorrow on.
        filled
            .run(&format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tickets})
                 INSERT INTO ticket (id, number, version, desk, state, priority, category, language, subject, restricted,
                    imported, opened_at, due_at, bounced, response_state, response_value, grade, thread)
                 SELECT randomblob(16), i, 1, 'colombia', 'open',
                    CASE i % 4 WHEN 0 THEN 'low' WHEN 1 THEN 'medium' WHEN 2 THEN 'high' ELSE 'urgent' END,
                    CASE i % 3 WHEN 0 THEN 'incident' ELSE 'request' END, 'es', 'Sin servicio', 0, 0,
                    {now} - i % 600 * 1000000, {now} + 86400000000 + i * 80000, 0, 'running',
                    {now} + 86400000000 + i * 80000, 'none', x'' FROM n"
            ))
            .await;
        filled.run(&format!("UPDATE counter SET value = {tickets} WHERE name = 'ticket'")).await;
        filled
    }

    async fn run(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&self.sql).await.unwrap();
    }

    /// So many tickets, spread over all, miss their response now; all others stay as they are.
    async fn make_due(&self, due: u32) {
        self.run(&format!(
            "UPDATE ticket SET due_at = {now}, response_state = 'running', response_value = {now}, priority = 'medium',
                resolution_state = NULL, resolution_value = NULL
             WHERE number IN (SELECT number FROM ticket WHERE due_at > {now} AND number % MAX(1, (SELECT MAX(number) FROM ticket) / {due}) = 0
                LIMIT {due})",
            now = self.now
        ))
        .await;
    }

    /// Sweeps until nothing is due; gives how many tickets were decided.
    async fn sweep(&self, expected: u32) {
        let sweep = self.office.sweep();
        let mut seen = 0;
        loop {
            let swept = sweep.step(None).await.unwrap();
            seen += swept.iter().filter(|one| one.action == "missed").count();
            if !swept.iter().any(Swept::progress) {
                break;
            }
        }
        assert_eq!(seen, usize::try_from(expected).unwrap(), "every due ticket once");
    }

    /// Median processor time and time by the clock, in seconds.
    async fn sweeps(&self, due: u32) -> (f64, f64) {
        let (mut spent, mut took) = (Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            self.make_due(due).await;
            let (before, since) = (cpu(), Instant::now());
            self.sweep(due).await;
            spent.push(cpu().saturating_sub(before).as_secs_f64());
            took.push(since.elapsed().as_secs_f64());
        }
        // The first round loads what is loaded once.
        let median = |values: &mut Vec<f64>| {
            values.remove(0);
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        (median(&mut spent), median(&mut took))
    }

    /// Seconds and peak memory in MB of the program's own report as CSV.
    fn report(&self, folder: &Path) -> (f64, f64) {
        let csv = folder.join("report.csv");
        let since = Instant::now();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_mailward"))
            .args(["report", "--format", "csv", "--from", "2000-01-01", "--config"])
            .arg(&self.config)
            .stdout(std::fs::File::create(&csv).unwrap())
            .spawn()
            .unwrap();
        let mut most = 0.0;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            most = peak(child.id()).unwrap_or(most);
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(status.success());
        let text = std::fs::read_to_string(csv).unwrap();
        assert!(text.contains(&format!("colombia,all,colombia,{REPORTED},")), "{text}");
        (since.elapsed().as_secs_f64(), most)
    }
}

/// The largest resident set of a running process so far, in MB.
fn peak(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
