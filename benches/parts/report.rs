//! One line a figure: on the terminal, and as JSON below `BENCH_JSON`.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// The table has its head.
static HEADED: AtomicBool = AtomicBool::new(false);

/// A figure.
#[derive(Debug, serde::Serialize)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    /// The bound that must hold; null where there is none.
    pub target: Option<f64>,
    /// The value keeps to its target; null without one.
    pub ok: Option<bool>,
}

impl Figure {
    /// A figure without a bound.
    pub fn new(name: &str, value: f64, unit: &'static str) -> Self {
        Self { name: name.to_owned(), value, unit, target: None, ok: None }
    }

    /// A bound, and whether the value keeps to it.
    #[must_use]
    pub fn must(self, target: f64, ok: fn(&f64, &f64) -> bool) -> Self {
        Self { ok: Some(ok(&self.value, &target)), target: Some(target), ..self }
    }
}

/// Prints the figures as rows of one table and appends them to the file that `BENCH_JSON` names. With `BENCH_PART`
/// set the table was begun by another benchmark.
pub fn report(figures: &[Figure]) {
    let mut out = std::io::stdout().lock();
    if !HEADED.swap(true, Ordering::Relaxed) && std::env::var_os("BENCH_PART").is_none() {
        let _ = writeln!(out, "{:<42} {:>10} {:<11} {:>8}", "figure", "value", "unit", "must");
    }
    for figure in figures {
        let must = match (figure.target, figure.ok) {
            (Some(target), Some(true)) => format!("{target}"),
            (Some(target), _) => format!("{target} MISSED"),
            (None, _) => String::new(),
        };
        let line = format!("{:<42} {:>10.3} {:<11} {must:>8}", figure.name, figure.value, figure.unit);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let Some(path) = std::env::var_os("BENCH_JSON").filter(|path| !path.is_empty()) else { return };
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    for figure in figures {
        writeln!(file, "{}", serde_json::to_string(figure).unwrap()).unwrap();
    }
}
