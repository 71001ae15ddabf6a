//! Fuzzing on stable Rust: `cargo bench --bench fuzz -- RUNS [SEED [TARGET...]]`. Takes the fixtures,
//! damages them, feeds every target in turn, and says what panicked or ran past its deadline; the
//! input of each finding lies in `target/fuzz/`. An abort (an overflowing stack) ends the process: the
//! seed of the last line, given again, comes to it within one line's runs.

#![expect(clippy::unwrap_used, reason = "a fuzzer stops where its own ground is missing")]

mod mutate;
mod targets;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mutate::{Dice, mutate};
use rustix::time::{ClockId, clock_gettime};
use targets::{Food, TARGETS, Target};

/// Processor time that one input of at most [`LARGEST`] octets may take.
const DEADLINE: Duration = Duration::from_millis(500);
/// Octets of the largest input.
const LARGEST: usize = 64 * 1024;
/// Runs between two lines of progress.
const LINE: u64 = 200_000;

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let Some(runs) = words.next().and_then(|word| word.parse::<u64>().ok()) else {
        say("fuzz: left out; `cargo bench --bench fuzz -- RUNS [SEED [TARGET...]]` runs it");
        return;
    };
    let seed = words.next().and_then(|word| word.parse().ok()).unwrap_or(0x9e37_79b9_7f4a_7c15);
    let wanted: Vec<String> = words.collect();
    let targets: Vec<&Target> = TARGETS
        .iter()
        .filter(|target| wanted.is_empty() || wanted.iter().any(|name| name == target.name))
        .collect();
    std::panic::set_hook(Box::new(|_| {}));
    let found = Fuzzer::new(&targets, seed).run(runs);
    say(&format!("fuzz: {runs} runs, {found} findings"));
    std::process::exit(i32::from(found > 0));
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

struct Fuzzer<'t> {
    targets: &'t [&'t Target],
    /// What each target is fed with.
    food: Vec<Vec<Vec<u8>>>,
    dice: Dice,
    found: u64,
    slowest: Duration,
}

impl<'t> Fuzzer<'t> {
    fn new(targets: &'t [&'t Target], seed: u64) -> Self {
        let mails = mails(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
        let food = targets.iter().map(|target| mails.iter().map(|mail| cut(mail, target.food)).collect());
        Self { targets, food: food.collect(), dice: Dice(seed), found: 0, slowest: Duration::ZERO }
    }

    fn run(mut self, runs: u64) -> u64 {
        // Patterns compile on first use; that time is nobody's input's.
        for (target, food) in self.targets.iter().zip(&self.food) {
            for bytes in food {
                (target.run)(bytes);
            }
        }
        for n in 0..runs {
            if n % LINE == 0 {
                let slowest = self.slowest.as_micros();
                say(&format!("run {n} seed {} findings {} slowest {slowest} us", self.dice.0, self.found));
            }
            let turn = usize::try_from(n).unwrap_or(0) % self.targets.len().max(1);
            let (Some(target), Some(food)) = (self.targets.get(turn), self.food.get(turn)) else { break };
            let Some(mut bytes) = self.dice.pick(food).cloned() else { break };
            mutate(&mut bytes, food, &mut self.dice);
            bytes.truncate(LARGEST);
            let since = clock();
            let sound = catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes))).is_ok();
            let spent = clock().saturating_sub(since);
            self.slowest = self.slowest.max(spent);
            if !sound || spent > DEADLINE {
                self.found += 1;
                keep(target.name, n, &bytes, if sound { "slow" } else { "panic" });
            }
        }
        self.found
    }
}

/// Processor time of this thread: others on the machine do not count.
fn clock() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

fn keep(target: &str, run: u64, bytes: &[u8], why: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    let file: PathBuf = folder.join(format!("{target}-{why}-{run}"));
    std::fs::write(&file, bytes).unwrap();
    say(&format!("FOUND {why} in {target}: {}", file.display()));
}

/// Every mail below a folder, in the order of their names.
fn mails(folder: &Path) -> Vec<Vec<u8>> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(mails(&path));
        } else if path.extension().is_some_and(|ending| ending == "eml") {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}

/// The part of a mail that a target reads: the whole, what follows its header, or its markup.
fn cut(mail: &[u8], food: Food) -> Vec<u8> {
    let text = String::from_utf8_lossy(mail).into_owned();
    let body = text.split_once("\n\n").map_or("", |(_, body)| body);
    let markup = || body.find('<').and_then(|at| body.get(at..)).unwrap_or_default();
    match food {
        Food::Mail => mail.to_vec(),
        Food::Body => body.as_bytes().to_vec(),
        Food::Html => markup().as_bytes().to_vec(),
    }
}
