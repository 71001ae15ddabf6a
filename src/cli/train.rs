//! `train`: makes the model that the program ships, from JSON lines in which spans are marked (offsets
//! in code points). A developer's command, hidden from the operator's help; what it reads is data of
//! others and never becomes part of the tree.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use sha2::Digest as _;

use crate::phi::model::Model;
use crate::phi::model::train::{Example, Mark, train};
use crate::phi::{Lists, Redactor};

use super::exit::{Exit, Stop};
use super::out::note;

/// What `train` is told.
#[derive(Debug, Args)]
pub struct Train {
    /// Where the model goes.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The same seed and texts give the same model.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Leaves out one part of the texts, by chance.
    #[arg(long, value_name = "N/OF")]
    pub leave_out: Option<Part>,
    /// A folder for the texts that are left out.
    #[arg(long, value_name = "FOLDER", requires = "leave_out")]
    pub left_to: Option<PathBuf>,
    /// JSON lines in which names and addresses are marked.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub full: Vec<PathBuf>,
    /// JSON lines in which names are marked, and addresses not with care.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub names: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    text: String,
    spans: Vec<Marked>,
    /// Texts of one template stay together when a part is left out.
    template: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Marked {
    start: usize,
    end: usize,
    #[serde(rename = "type")]
    kind: String,
}

/// The part of the texts that is left out, for honest figures: the first of five is `1/5`.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    number: u8,
    of: u8,
}

impl std::str::FromStr for Part {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match parts {
            Some((number, of)) if number >= 1 && number <= of => Ok(Self { number, of }),
            _ => Err("a part is written 1/5".to_owned()),
        }
    }
}

impl Part {
    /// Chance decides by the text's id, the same at every run.
    fn holds(self, id: &str) -> bool {
        let digest = sha2::Sha256::digest(id.as_bytes());
        digest.first().is_some_and(|byte| byte % self.of == self.number - 1)
    }
}

/// Trains and writes the model; what was left out is copied for the scorer.
pub fn run(args: &Train) -> Result<Exit, Stop> {
    let mut examples = Vec::new();
    for (files, names_only) in [(&args.full, false), (&args.names, true)] {
        for file in files {
            let left = read(file, names_only, args.leave_out, &mut examples)?;
            if let Some(folder) = &args.left_to {
                std::fs::write(folder.join(file.file_name().unwrap_or_default()), left)?;
            }
        }
    }
    let redactor = Redactor::with_model(&Lists::default(), Model::none());
    let model = train(&examples, &redactor, args.seed);
    std::fs::write(&args.out, &model)?;
    note(format!("{} texts, {} bytes in {}", examples.len(), model.len(), args.out.display()));
    Ok(Exit::Ok)
}

/// Adds the texts of a file, gives the lines that were left out.
fn read(
    file: &Path,
    names_only: bool,
    leave_out: Option<Part>,
    examples: &mut Vec<Example>,
) -> Result<String, Stop> {
    let content = std::fs::read_to_string(file)?;
    let mut left = String::new();
    for (number, line) in content.lines().enumerate() {
        let parsed: Line = serde_json::from_str(line)
            .map_err(|error| Stop::new(Exit::Data, format!("{}:{}: {error}", file.display(), number + 1)))?;
        let group = parsed.template.as_ref().map_or_else(|| parsed.id.clone(), ToString::to_string);
        if leave_out.is_some_and(|part| part.holds(&group)) {
            left.push_str(line);
            left.push('\n');
        } else {
            examples.push(example(parsed, names_only));
        }
    }
    Ok(left)
}

/// Names are names whoever they are, the author's too. Where only names are marked with care, an
/// address may be anything.
fn example(line: Line, names_only: bool) -> Example {
    let mut places: Vec<usize> = line.text.char_indices().map(|(at, _)| at).collect();
    places.push(line.text.len());
    let byte = |point: usize| places.get(point).copied().unwrap_or(line.text.len());
    let mark = |kind: &str| match kind {
        "NAME" | "SENDER" => Some(Mark::Name),
        "ADDRESS" if !names_only => Some(Mark::Address),
        "ADDRESS" | "COUNTRY" => Some(Mark::Open),
        _ => None,
    };
    let marks =
        line.spans.iter().filter_map(|s| Some((byte(s.start), byte(s.end), mark(&s.kind)?))).collect();
    Example { text: line.text, marks }
}
