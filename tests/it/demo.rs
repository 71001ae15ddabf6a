//! `mailward demo`: the same bytes twice, books that balance, nothing outside its folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::Scratch;

/// What one run printed, and every mail it sent.
fn play(dir: &Path) -> (String, BTreeMap<String, Vec<u8>>) {
    let out =
        Command::new(env!("CARGO_BIN_EXE_mailward")).arg("demo").arg("--dir").arg(dir).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(out.stderr.is_empty(), "a demo has nothing to complain of");
    let sent = fs::read_dir(dir.join("sent")).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    });
    (String::from_utf8(out.stdout).unwrap(), sent.collect())
}

#[test]
fn the_demo_writes_the_same_bytes_twice_and_balances() {
    let scratch = Scratch::new("demo");
    let dir = scratch.path().join("demo");
    let (first, mails) = play(&dir);
    let (second, again) = play(&dir);
    assert_eq!(first, second);
    assert_eq!(mails, again);
    let books = first.lines().last().unwrap();
    let figures: Vec<u32> = books.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [came_in, parts @ ..] = figures.as_slice() else { panic!("no figures in {books}") };
    assert_eq!(*came_in, parts.iter().sum::<u32>(), "{books}");
    for word in [
        "TICKETS",
        "THREADS",
        "MAILS",
        "colombia-breach",
        "reminded",
        "closed",
        "reopened",
        "suppressed (precedence)",
    ] {
        assert!(first.contains(word), "{word} is missing in\n{first}");
    }
    for planted in ["Placeholder,", "536-22-8741", "104.332.181-00", "555-0142"] {
        assert!(!first.contains(planted), "{planted} stands in the clear");
        let leaks = mails.values().any(|mail| String::from_utf8_lossy(mail).contains(planted));
        assert!(!leaks, "{planted} was mailed");
    }
}

#[test]
fn a_folder_that_no_demo_made_is_left_alone() {
    let scratch = Scratch::new("demo-foreign");
    fs::write(scratch.path().join("precious"), "mine").unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_mailward"))
        .args(["demo", "--dir"])
        .arg(scratch.path())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(64));
    assert_eq!(fs::read(scratch.path().join("precious")).unwrap(), b"mine");
}
