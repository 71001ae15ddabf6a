//! The configuration that ships with the program, compiled in.

use std::path::PathBuf;

use super::sources::{Source, Sources};

macro_rules! shipped {
    ($($file:literal),+ $(,)?) => {
        vec![$(Source::new($file, include_str!(concat!("../../config/", $file)))),+]
    };
}

/// The shipped files.
pub fn sources() -> Sources {
    Sources {
        main: Source::new("mailward.toml", include_str!("../../config/mailward.toml")),
        desks: shipped![
            "desks/colombia.toml",
            "desks/colombia-breach.toml",
            "desks/tuotempo.toml",
            "desks/unimed.toml",
            "desks/offsite.toml",
            "desks/rxhealth.toml",
        ],
        calendars: shipped![
            "calendars/co.toml",
            "calendars/br.toml",
            "calendars/it.toml",
            "calendars/us-federal.toml",
        ],
        directory: shipped!["directory.toml"].pop(),
        words: shipped!["words/en.toml", "words/es.toml", "words/pt.toml", "words/it.toml"],
        base: PathBuf::new(),
        templates: None,
    }
}
