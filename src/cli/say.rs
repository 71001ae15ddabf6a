//! What a person at the terminal is told besides data: problems with their remedy, warnings, and
//! the progress of long work. Everything goes to standard error.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::config::Problem;

use super::exit::Stop;
use super::out::note;

/// Why a command ended, and what to do about it.
pub fn complain(stop: &Stop) {
    for problem in &stop.problems {
        note(rendered(problem));
    }
    note(format!("mailward: {}", stop.message));
    if let Some(help) = &stop.help {
        note(format!("  {help}"));
    }
}

/// A warning of the configuration.
pub fn warn(problem: &Problem) {
    note(rendered(problem));
}

/// With the lines of the file around it where there are some.
fn rendered(problem: &Problem) -> String {
    let theme =
        if std::io::stderr().is_terminal() { GraphicalTheme::unicode() } else { GraphicalTheme::none() };
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme);
    match handler.render_report(&mut text, problem) {
        Ok(()) => format!("{}:{}:{}:{text}", problem.file, problem.line, problem.column),
        Err(_) => format!("{}:{}: {}", problem.file, problem.line, problem.message),
    }
}

/// A spinner for work whose length nobody knows; silent where no terminal is.
pub fn progress(message: Option<&'static str>) -> ProgressBar {
    let Some(message) = message else { return ProgressBar::hidden() };
    let spinner = ProgressBar::new_spinner().with_message(message);
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// A bar over so many pieces, shown from ten on; silent where no terminal is.
pub fn bar(pieces: usize) -> ProgressBar {
    if pieces < 10 {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{pos}/{len} {wide_bar} {eta}");
    let bar = ProgressBar::new(u64::try_from(pieces).unwrap_or(u64::MAX));
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}
