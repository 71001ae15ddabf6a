//! What both benchmarks share: mails, an installation, processor time, one table.

pub mod desk;
pub mod mails;
pub mod report;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time of this process so far, all threads, user and system.
pub fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// The middle one; of an even number the lower of the two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// True when cargo runs us as a benchmark; `cargo test --all-targets` only wants to know that we build.
pub fn asked_for() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
