//! The rules of the house that no lint keeps: who may import whom, what pure folders may use, how
//! large a file may be, and who may vouch for redacted text. A rule that fails names file and line.

#![expect(clippy::unwrap_used, reason = "a rule that cannot read the tree must fail")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up. A room imports only rooms that stand below it; rooms of the same
/// storey (the edges) never import each other.
const STOREYS: &[&[&str]] = &[
    &["domain"],
    &["phi"],
    &["intake"],
    &["decide"],
    &["clock"],
    &["compose"],
    &["config", "imap", "smtp", "store", "seal", "resolve"],
    &["worker", "telemetry"],
    &["serve"],
    &["cli", "console"],
];

/// `store` seals what it writes: the one arrow between edges, and it points down.
const ALLOWED: &[(&str, &str)] = &[("store", "seal")];

const PURE: &[&str] = &["domain", "phi", "intake", "decide"];
const IMPURE_CRATES: &[&str] = &[
    "tokio",
    "sqlx",
    "axum",
    "lettre",
    "async_imap",
    "tokio_rustls",
    "rustls",
    "std::net",
    "std::fs",
    "getrandom",
];

const HARD_LINES: usize = 600;

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The room of a file: its first folder below `src`, or its own name.
fn room(path: &Path) -> String {
    let inner = path.strip_prefix(src()).unwrap();
    let first = inner.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn storey(room: &str) -> Option<usize> {
    STOREYS.iter().position(|rooms| rooms.contains(&room))
}

/// Test code in files of its own: `tests.rs`, `testing.rs`, and everything below a `tests/`.
fn is_test(path: &Path) -> bool {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    name == "tests" || name == "testing" || path.components().any(|c| c.as_os_str() == "tests")
}

/// Every file's code lines, without tests and comments.
fn code_lines(path: &Path) -> Vec<(usize, String)> {
    if is_test(path) {
        return Vec::new();
    }
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(n, line)| (n + 1, line.to_owned()))
        .collect()
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn arrows_point_downward() {
    let mut problems = Vec::new();
    for path in sources(&src()) {
        let from = room(&path);
        let Some(here) = storey(&from) else { continue };
        for (n, line) in code_lines(&path) {
            for part in line.split("crate::").skip(1) {
                let to: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some(there) = storey(&to) else { continue };
                let allowed = to == from || there < here || ALLOWED.contains(&(from.as_str(), to.as_str()));
                if !allowed {
                    problems.push(format!("{}:{n}: {from} imports {to}", path.display()));
                }
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn every_room_is_on_the_plan() {
    let known = ["main", "lib"];
    let problems: Vec<String> = sources(&src())
        .iter()
        .map(|path| room(path))
        .filter(|room| storey(room).is_none() && !known.contains(&room.as_str()))
        .collect();
    assert_none(&problems);
}

#[test]
fn pure_rooms_stay_pure() {
    let mut problems = Vec::new();
    for path in sources(&src()).iter().filter(|p| PURE.contains(&room(p).as_str())) {
        for (n, line) in code_lines(path) {
            for name in IMPURE_CRATES {
                if line.contains(&format!("{name}::")) {
                    problems.push(format!("{}:{n}: uses {name}", path.display()));
                }
            }
            if line.contains("async fn") || line.contains(".await") {
                problems.push(format!("{}:{n}: is async", path.display()));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn sql_lives_in_store_only() {
    let mut problems = Vec::new();
    for path in sources(&src()).iter().filter(|p| room(p) != "store") {
        for (n, line) in code_lines(path) {
            if line.contains("sqlx::") {
                problems.push(format!("{}:{n}: uses sqlx", path.display()));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn only_phi_and_store_vouch_for_redacted_text() {
    let mut problems = Vec::new();
    for path in sources(&src()) {
        let room = room(&path);
        if room == "phi" || room == "store" || path.ends_with("domain/text.rs") {
            continue;
        }
        for (n, line) in code_lines(&path) {
            if line.contains("vouched(") {
                problems.push(format!("{}:{n}: vouches for redacted text", path.display()));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn files_keep_their_size_and_say_what_they_are() {
    let mut problems = Vec::new();
    for path in sources(&src()) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        if lines > HARD_LINES {
            problems.push(format!("{}: {lines} lines, {HARD_LINES} is the limit", path.display()));
        }
        if !text.starts_with("//!") && !is_test(&path) {
            problems
                .push(format!("{}: does not open with what it takes, gives and never does", path.display()));
        }
        for word in ["utils", "helpers", "manager"] {
            if path.file_stem().is_some_and(|s| s.to_string_lossy().contains(word)) {
                problems.push(format!("{}: {word} is no name of the trade", path.display()));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn lints_are_expected_never_allowed() {
    let mut problems = Vec::new();
    for path in sources(&src()) {
        for (n, line) in code_lines(&path) {
            if line.contains("#[allow") || line.contains("#![allow") {
                problems.push(format!("{}:{n}: silences a lint without a reason", path.display()));
            }
        }
    }
    assert_none(&problems);
}

/// The feature that orders faults is asked for by name only, and its one hook stands in the worker.
#[test]
fn faults_are_in_no_default() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let features = manifest.lines().skip_while(|line| *line != "[features]").skip(1);
    let named: Vec<&str> = features
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.contains("fault-injection"))
        .collect();
    assert_eq!(named, ["fault-injection = []"], "no other feature, and no default, brings it");
    let hooked: Vec<PathBuf> = sources(&src())
        .into_iter()
        .filter(|path| code_lines(path).iter().any(|(_, line)| line.contains("fault-injection")))
        .collect();
    let want = ["worker/ingest/mod.rs", "worker/ingest/understand.rs"].map(|file| src().join(file));
    assert_eq!(hooked, want);
}
