//! `due --jsonl`: answers `{"desk","priority","clock","start"[,"type"]}` with the same and `due`.

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::decide::hours::{DueQuery, due_line};
use crate::domain::ids::{Category, DeskName};
use crate::domain::message::Instant;
use crate::domain::policy::Policy;
use crate::domain::ticket::{ClockKind, Priority};

use super::args::Due;
use super::exit::{Exit, Stop};
use super::office;
use super::out::Out;

/// Answers every line, in order; a bad one gets `error` and exit 65 at the end.
pub fn run(args: &Due) -> Result<Exit, Stop> {
    let loaded = office::load(&args.config.config, Clock::System.now())?;
    let mut out = Out::stdout();
    let mut exit = Exit::Ok;
    for line in super::lines(&args.file)? {
        let line = line?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let read = serde_json::from_slice::<Map<String, Value>>(&line);
        let (mut object, answered) = match read {
            Ok(object) => {
                let answered = answer(&object, &loaded.policy);
                (object, answered)
            }
            Err(_) => (Map::new(), Err("not a JSON object")),
        };
        match answered {
            Ok(due) => {
                let due = due.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
                object.insert("due".to_owned(), due.map_or(Value::Null, Value::String));
            }
            Err(error) => {
                exit = Exit::Data;
                object.insert("error".to_owned(), Value::String(error.to_owned()));
            }
        }
        out.json(&object)?;
    }
    Ok(exit)
}

fn answer(object: &Map<String, Value>, policy: &Policy) -> Result<Option<Instant>, &'static str> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let desk = text("desk").and_then(|d| DeskName::parse(d).ok()).filter(|d| policy.desks.contains_key(d));
    let query = DueQuery {
        desk: desk.ok_or("there is no such desk")?,
        priority: text("priority")
            .and_then(Priority::parse)
            .ok_or("priority is urgent, high, medium or low")?,
        clock: text("clock").and_then(ClockKind::parse).ok_or("clock is response, resolution or update")?,
        start: text("start").and_then(|s| s.parse().ok()).ok_or("start is no RFC 3339 instant")?,
        category: match object.get("type") {
            None | Some(Value::Null) => None,
            Some(code) => {
                let code = code.as_str().and_then(|code| Category::parse(code).ok());
                Some(code.ok_or("type is no category's code")?)
            }
        },
    };
    Ok(due_line(policy, &query))
}
