//! The commands: a file each that fetches, decides or reads, and prints. Data goes to standard
//! output through one writer, everything else to standard error.

pub mod args;
pub mod args_lock;
pub mod check;
pub mod clocks;
pub mod custody;
pub mod demo;
pub mod due;
pub mod exit;
pub mod health;
pub mod held;
pub mod ingest;
pub mod inspect;
pub mod keys;
pub mod ledger;
pub mod office;
pub mod out;
pub mod quarantine;
pub mod redact;
pub mod report;
pub mod reveal;
pub mod say;
pub mod serve;
pub mod sweep;
pub mod ticket;
pub mod train;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use exit::{Exit, Stop};

/// Parses, runs, reports.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            drop(error.print());
            return ExitCode::from(code.code());
        }
    };
    // A service tells what it does; a command speaks only when something is wrong.
    let service = matches!(cli.command, Command::Serve(_));
    crate::telemetry::start(if service { "info" } else { "error" });
    match run(cli.command).await {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(stop) => {
            say::complain(&stop);
            ExitCode::from(stop.exit.code())
        }
    }
}

async fn run(command: Command) -> Result<Exit, Stop> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Check(args) => check::run(&args),
        Command::Ingest(args) => ingest::run(args).await,
        Command::Inspect(args) => inspect::run(&args),
        Command::Redact(args) => redact::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Health(args) => health::run(args).await,
        Command::Due(args) => due::run(&args),
        Command::Sweep(args) => sweep::run(args).await,
        Command::Ticket(args) => ticket::run(args).await,
        Command::Outbox(args) => ledger::outbox(args).await,
        Command::Ledger(args) => ledger::ledger(args).await,
        Command::Quarantine(args) => quarantine::run(args).await,
        Command::Held(args) => held::run(args).await,
        Command::Audit(args) => ledger::audit(args).await,
        Command::Reveal(args) => reveal::run(args).await,
        Command::Attachment(args) => reveal::attachment(args).await,
        Command::Keys(args) => keys::run(args).await,
        Command::Report(args) => report::run(args).await,
        Command::Clocks(args) => clocks::run(args).await,
    }
}

/// The operator at the keyboard, by their system user: acts without an agent are audited as theirs.
pub fn operator() -> String {
    ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// More is no mail that could be understood; an MTA that gets 65 tells the sender.
const LARGEST: usize = crate::intake::limits::BYTES;

/// The lines of a file, or of standard input for `-`, one after the other: as many as there are.
pub fn lines(file: &std::path::Path) -> Result<impl Iterator<Item = std::io::Result<Vec<u8>>>, Stop> {
    use std::io::BufRead;
    let input: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let wrong = |error: std::io::Error| Stop::new(Exit::Data, format!("{}: {error}", file.display()));
        Box::new(std::io::BufReader::new(std::fs::File::open(file).map_err(wrong)?))
    };
    Ok(input.split(b'\n'))
}

/// Reads a file, or standard input for `-`; never more than a mail may have.
pub fn read(file: &std::path::Path) -> Result<Vec<u8>, Stop> {
    use std::io::Read as _;
    let wrong = |error: std::io::Error| Stop::new(Exit::Data, format!("{}: {error}", file.display()));
    let mut bytes = Vec::new();
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    if file.as_os_str() == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(wrong)?;
    } else {
        std::fs::File::open(file).map_err(wrong)?.take(most).read_to_end(&mut bytes).map_err(wrong)?;
    }
    if bytes.len() > LARGEST {
        let mebibytes = LARGEST >> 20;
        return Err(Stop::new(
            Exit::Data,
            format!("{}: larger than {mebibytes} MiB, nothing of it was taken", file.display()),
        ));
    }
    Ok(bytes)
}
