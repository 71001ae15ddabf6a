//! Which files make a configuration, and their text. Only this module reads configuration files.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::document::Document;
use super::problem::Problem;
use super::tables::PathsTable;
use super::{Checked, embedded};

/// One file.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it is named to people.
    pub file: String,
    /// Its name without folder and ending.
    pub stem: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// A file of a given text.
    pub fn new(file: &str, text: &str) -> Self {
        let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or(file);
        Self { file: file.to_owned(), stem: stem.to_owned(), text: text.to_owned() }
    }
    /// Parses and checks it.
    pub fn read<T: DeserializeOwned + JsonSchema>(&self, problems: &mut Vec<Problem>) -> Option<Checked<T>> {
        Document::read(&self.file, &self.text, problems)
    }
}

/// All files of a configuration.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `mailward.toml`.
    pub main: Source,
    /// Desk files.
    pub desks: Vec<Source>,
    /// Calendar files.
    pub calendars: Vec<Source>,
    /// The directory, if there is one.
    pub directory: Option<Source>,
    /// Word files.
    pub words: Vec<Source>,
    /// Relative paths of the main file start here.
    pub base: PathBuf,
    /// The directory of overriding templates.
    pub templates: Option<PathBuf>,
}

/// Only `[paths]` of the main file: the others are read from there.
#[derive(Default, Deserialize)]
struct Head {
    #[serde(default)]
    paths: PathsTable,
}

/// Reads everything that the main file names. Files that cannot be read are problems; what is
/// neither named nor there is empty; calendars and words are then the built-in ones, which name no one.
pub fn read(path: &Path, problems: &mut Vec<Problem>) -> Option<Sources> {
    let main = read_file(path, problems)?;
    let base = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    // A main file that cannot be parsed is reported when it is checked.
    let paths = toml::from_str::<Head>(&main.text).unwrap_or_default().paths;
    let built_in = embedded::sources();
    let mut find = |named: Option<&PathBuf>, usual: &str| -> Option<PathBuf> {
        let there = base.join(named.map_or(Path::new(usual), PathBuf::as_path));
        if there.exists() {
            return Some(there);
        }
        if let Some(named) = named {
            let help = "paths are relative to the file that names them";
            let message = format!("`{}` does not exist", there.display());
            problems.push(match span_of(&main.text, named) {
                Some(span) => {
                    let source = Arc::new(NamedSource::new(&main.file, main.text.clone()));
                    Problem::at(&source, span, "missing_file", message, help)
                }
                None => Problem::of_file(&main.file, "missing_file", message, help),
            });
        }
        None
    };
    let desks = find(paths.desks.as_ref(), "desks");
    let calendars = find(paths.calendars.as_ref(), "calendars");
    let words = find(paths.words.as_ref(), "words");
    let directory = find(paths.directory.as_ref(), "directory.toml");
    let templates = find(paths.templates.as_ref(), "templates");
    Some(Sources {
        desks: desks.map_or_else(Vec::new, |path| read_all(&path, problems)),
        calendars: calendars.map_or(built_in.calendars, |path| read_all(&path, problems)),
        words: words.map_or(built_in.words, |path| read_all(&path, problems)),
        directory: directory.and_then(|path| read_file(&path, problems)),
        main,
        base,
        templates,
    })
}

/// Where a path stands in the text, in its quotes.
fn span_of(text: &str, named: &Path) -> Option<Range<usize>> {
    let named = named.to_str()?;
    let quoted = |quote: char| text.find(&format!("{quote}{named}{quote}"));
    let start = quoted('"').or_else(|| quoted('\''))?;
    Some(start..start + named.len() + 2)
}

/// Every `.toml` file of a directory in the order of names, or the one file.
fn read_all(path: &Path, problems: &mut Vec<Problem>) -> Vec<Source> {
    if path.is_file() {
        return read_file(path, problems).into_iter().collect();
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(unreadable(path, &error));
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths.iter().filter_map(|path| read_file(path, problems)).collect()
}

fn read_file(path: &Path, problems: &mut Vec<Problem>) -> Option<Source> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(Source::new(&path.display().to_string(), &text)),
        Err(error) => {
            problems.push(unreadable(path, &error));
            None
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let message = format!("cannot be read: {error}");
    Problem::of_file(&path.display().to_string(), "unreadable", message, "check the path and its permissions")
}
