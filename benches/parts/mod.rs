//! What the benchmarks share: mails, an installation, the program as a process, one table.

pub mod desk;
pub mod mails;
pub mod report;

/// True when cargo runs us as a benchmark; `cargo test --all-targets` only wants to know that we build.
pub fn asked_for() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
