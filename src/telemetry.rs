//! Logging to standard error: ids, codes and counts, never text. The filter of the operator is
//! narrowed, never widened: the mail libraries log whole protocol lines, so they stay silent always.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Crates whose events hold mail or addresses.
const SILENT: [&str; 7] = [
    "async_imap=off",
    "imap_proto=off",
    "lettre=off",
    "sqlx=off",
    "html5ever=off",
    "mail_parser=off",
    "rustls=warn",
];

/// Starts logging at the `default` level of the command; `MAILWARD_LOG` takes a filter such as `info` or `mailward=debug`, and
/// `MAILWARD_LOG_FORMAT=json` prints one object a line.
pub fn start(default: &str) {
    let wanted = std::env::var("MAILWARD_LOG").unwrap_or_else(|_| default.to_owned());
    let mut filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    for directive in SILENT {
        if let Ok(directive) = directive.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    let started = if std::env::var("MAILWARD_LOG_FORMAT").is_ok_and(|f| f == "json") {
        registry.with(layer.json()).try_init()
    } else {
        registry.with(layer.compact()).try_init()
    };
    // A second start (tests run several commands in one process) keeps the first.
    drop(started);
}
