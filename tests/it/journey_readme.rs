//! Every command line of README.md runs, and every shipped configuration file is accepted. A line
//! that this test cannot place is a failure: a README is a promise.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::app::{App, Post};
use crate::harness::eventually;

/// The variables that config/mailward.toml names.
const SECRETS: &[&str] = &["MAILWARD_SMTP_PASSWORD", "MAILWARD_SUPPORT_PASSWORD", "MAILWARD_BREACH_PASSWORD"];

fn project(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The lines of shell blocks, and the commands between back-quotes in tables.
fn commands(readme: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut shell = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            shell = line == "```sh";
        } else if shell {
            found.push(line.split("  #").next().unwrap().trim().to_owned());
        } else if line.starts_with('|') {
            of_a_row(line, &mut found);
        }
    }
    found.retain(|command| !command.is_empty());
    found
}

/// `mailward a`, `b c` and `--option` in one row: a, b c, and a again with the option.
fn of_a_row(line: &str, found: &mut Vec<String>) {
    let mut of_ours = false;
    for code in line.split('`').skip(1).step_by(2) {
        of_ours |= code.starts_with("mailward ");
        if !of_ours {
            continue;
        }
        found.push(if code.starts_with("mailward ") {
            code.to_owned()
        } else if code.starts_with("--") {
            format!("{} {code}", found.last().unwrap())
        } else {
            format!("mailward {code}")
        });
    }
}

/// Words as a shell splits them.
fn words(command: &str) -> Vec<String> {
    let quoted = command.split('"').enumerate().flat_map(|(at, piece)| {
        if at % 2 == 1 {
            vec![piece.to_owned()]
        } else {
            piece.split_whitespace().map(str::to_owned).collect()
        }
    });
    quoted.collect()
}

#[test]
fn readme_commands_run() {
    let readme = fs::read_to_string(project("README.md")).unwrap();
    assert!(readme.contains("MAILWARD_CONFIG"), "the README says how commands find their configuration");
    let app = App::new(None, &Post::Folders);
    let mail = fs::read(project("fixtures/journey/first.eml")).unwrap();
    fs::write(app.path("mail.eml"), &mail).unwrap();
    app.write("answer.txt", "Please try again.\n");
    let question =
        r#"{"desk":"imaging","priority":"high","clock":"response","start":"2026-02-03T15:00:00Z"}"#;
    app.write("questions.jsonl", &format!("{question}\n"));
    let first = app.feed(&["ingest", "--desk", "imaging", "mail.eml"], b"");
    assert!(first.code == 0 && first.stdout.contains("\"action\":\"new\""), "{first:?}");
    let commands = commands(&readme);
    assert!(commands.len() > 20, "{commands:?}");
    for command in &commands {
        let words = words(command);
        match words[0].as_str() {
            "make" => makes(&words[1]),
            "mailward" | "target/release/mailward" => ours(&app, command, &words[1..], &mail),
            "cargo" => assert_eq!(*command, "cargo build --release"),
            "cp" => copy(&project(&words[2]), &app.path("etc")),
            "chmod" => assert!(app.path("etc/mailward.keys").is_file(), "{command}"),
            other => panic!("README.md has a command that this test does not know: {other}"),
        }
    }
    app.finish();
}

fn makes(target: &str) {
    let makefile = fs::read_to_string(project("Makefile")).unwrap();
    assert!(makefile.contains(&format!("\n{target}:")), "the Makefile makes no {target}");
}

/// One command, with the README's placeholders filled.
fn ours(app: &App, command: &str, words: &[String], mail: &[u8]) {
    let filled: Vec<&str> = words
        .iter()
        .map(|word| match word.as_str() {
            "F" => "mailward.toml",
            "D" => "imaging",
            "7" => "1",
            "..." => "a reader tries the README",
            "/etc/mailward/mailward.toml" => "etc/mailward.toml",
            other => other,
        })
        .take_while(|word| *word != ">")
        .collect();
    if filled[0] == "serve" && !filled.contains(&"--until-idle") {
        return serves(app);
    }
    if filled[..2] == ["check", "--config"] {
        return accepted(app, filled[2]);
    }
    let input: &[u8] = if filled.last() == Some(&"-") { mail } else { b"" };
    let configured = filled[0] == "keys" || filled[0] == "inspect" || filled.contains(&"--config");
    let done = if configured { app.bare(&filled, input) } else { app.feed(&filled, input) };
    assert_eq!(done.code, 0, "{command}: {}", done.stderr);
    assert!(
        !done.stdout.is_empty() || filled[0] == "serve" || filled.contains(&"list"),
        "{command} says nothing"
    );
    if filled[0] == "keys" {
        app.write("etc/mailward.keys", &done.stdout);
    }
}

/// The shipped files, with the variables set that they name.
fn accepted(app: &App, file: &str) {
    let check = |secrets: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
        command.args(["check", "--config"]).arg(app.path(file));
        command.envs(secrets.iter().map(|name| (*name, "secret"))).output().unwrap()
    };
    let output = check(SECRETS);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{file}: {said}");
    let text = fs::read_to_string(app.path(file)).unwrap();
    for secret in text.lines().filter_map(|line| line.strip_prefix("password_env = ")) {
        assert!(SECRETS.contains(&secret.trim().trim_matches('"')), "{secret} is set by nobody");
    }
}

fn serves(app: &App) {
    let serve = app.serve();
    eventually("the gateway runs", || serve.log().contains("mailward runs"));
    let (code, took) = serve.stop();
    assert!(code == 0 && took < Duration::from_secs(10), "{code} {took:?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn commands_are_found_in_blocks_and_tables() {
    let text =
        "```sh\nmake demo    # shows\n```\n| a | `mailward x y`, `--json` for, `z w` |\n| `other` | no |\n";
    assert_eq!(commands(text), ["make demo", "mailward x y", "mailward x y --json", "mailward z w"]);
    assert_eq!(words("reveal 7 --reason \"a b\""), ["reveal", "7", "--reason", "a b"]);
}
