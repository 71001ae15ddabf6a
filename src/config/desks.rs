//! Desk files -> desks, with every rule that can be checked before the first mail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::accounts::{Desks, KnownDesks};
use super::calendars::{self, Calendars};
use super::desk_tables::{
    AskTable, AutocloseTable, ClassWord, ClockStartWord, DeskFile, DuplicatesTable, TargetTable,
};
use super::document::Reader;
use super::people::{self, People};
use super::problem::Problem;
use super::sources::Source;
use super::wording::Wording;
use super::{custody, rules, spans};
use crate::compose::Templates;
use crate::domain::account::{Account, TokenCarrier};
use crate::domain::address::EmailAddress;
use crate::domain::desk::{
    AfterHours, Ask, Autoclose, ClockStart, Desk, DeskClass, Duplicates, Escalation, EscalationLevel,
    StandardAnswer, Submitters, Target, TargetFor,
};
use crate::domain::ids::{AgentName, Category, DeskName};
use crate::domain::message::{Instant, Language};
use crate::domain::priority_rules::plain;
use crate::domain::token;

/// What desks refer to.
pub struct Surroundings<'a> {
    /// Calendar files.
    pub calendars: &'a Calendars,
    /// Concepts by language.
    pub wording: &'a Wording,
    /// The directory.
    pub people: &'a People,
    /// Templates of desks without their own.
    pub templates: Option<&'a Path>,
    /// Which year's holidays must be known.
    pub now: Instant,
}

/// Every desk; names and addresses are unique.
pub fn read_all(sources: &[Source], around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> KnownDesks {
    let mut known = KnownDesks::default();
    let desks = &mut known.valid;
    for source in sources {
        known.declared.insert(source.stem.clone());
        let Some((document, file)) = source.read::<DeskFile>(problems) else { continue };
        known.declared.insert(file.name.clone());
        let mut reader = Reader { document: &document, problems };
        let base = Path::new(&source.file).parent().unwrap_or(Path::new(""));
        let Some(desk) = read(&mut reader, &file, base, around) else { continue };
        for other in desks.values() {
            let shared = std::iter::once(&desk.address).chain(&desk.aliases).any(|own| other.owns(own));
            if shared {
                let message = format!("the desks `{}` and `{}` share an address", other.name, desk.name);
                reader.fail("address", "duplicate", message, "mail could not be told apart");
            }
        }
        let name = desk.name.clone();
        if desks.insert(name, Arc::new(desk)).is_some() {
            reader.fail("name", "duplicate", format!("there are two desks `{}`", file.name), "");
        }
    }
    known
}

fn read(reader: &mut Reader<'_>, file: &DeskFile, base: &Path, around: &Surroundings<'_>) -> Option<Desk> {
    let name = reader.parsed("name", &file.name, DeskName::parse(&file.name));
    let address = reader.parsed("address", &file.address, EmailAddress::parse(&file.address));
    let calendar = calendars::of_desk(reader, &file.calendar, base, (around.calendars, around.now));
    let mut desk = Desk::new(name?, address?, calendar?);
    for (number, text) in file.aliases.iter().enumerate() {
        desk.aliases.extend(reader.parsed(&format!("aliases/{number}"), text, EmailAddress::parse(text)));
    }
    desk.from_name.clone_from(&file.from_name);
    desk.languages = each(&file.languages, "languages", |path, text| people::language(reader, path, text));
    if file.languages.is_empty() {
        reader.fail("languages", "empty", "the desk writes no language", "for example [\"en\"]");
    }
    desk.categories =
        each(&file.categories, "categories", |path, text| reader.parsed(path, text, Category::parse(text)));
    desk.words.clone_from(&file.words);
    desk.rules = Arc::new(rules::read(reader, file, &desk.languages, around.wording, &desk.categories));
    desk.targets = targets(reader, &file.target, &desk.categories);
    without_hours(reader, file, &desk);
    desk.agents = agents(reader, file, &desk.name, around.people);
    desk.after_hours = AfterHours {
        cap: file.after_hours.cap,
        except: file.after_hours.except.clone(),
        emergency_phone: file.after_hours.emergency_phone.clone(),
    };
    desk.on_call = around.people.resolve(reader, "after_hours/on_call", &file.after_hours.on_call);
    desk.on_call_second =
        around.people.resolve(reader, "after_hours/on_call_second", &file.after_hours.on_call_second);
    desk.pages_per_hour = file.after_hours.pages_per_hour.unwrap_or(desk.pages_per_hour);
    desk.eta = each(&file.eta, "eta", |path, text| rules::category(reader, path, text, &desk.categories));
    desk.autoclose = file.autoclose.as_ref().and_then(|table| autoclose(reader, table));
    desk.clinical = file.clinical.unwrap_or_default();
    desk.reopen_days = file.reopen_days.unwrap_or(14);
    desk.echo_subject = file.echo_subject;
    desk.own_lists.clone_from(&file.own_lists);
    desk.fields = file.fields.iter().map(|(label, field)| (label.clone(), field.clone())).collect();
    desk.templates = file.templates.as_ref().map(|path| base.join(path)).or_else(|| own(around.templates));
    let module = |(code, words): (&String, &Vec<String>)| {
        let words = words.iter().chain([code]).map(|word| plain(word)).collect();
        (code.clone(), words)
    };
    desk.modules = file.modules.iter().map(module).collect();
    desk.submitters = file.submitters.clone().map_or(Submitters::Anyone, Submitters::Roles);
    if let Some(notices) = &file.notices {
        desk.notices = notices.iter().copied().collect();
    }
    desk.escalation = escalation(reader, file, around.people);
    if file.clock_start == Some(ClockStartWord::Acknowledged) {
        desk.clock_start = ClockStart::Acknowledged;
    }
    desk.custody = custody::read(reader, file, &desk, around.people);
    asks_and_answers(reader, file, around.people, &mut desk);
    desk.duplicates = duplicates(reader, file.duplicates.as_ref(), desk.duplicates);
    if file.class == Some(ClassWord::Breach) {
        desk.class = DeskClass::Breach;
        breach(reader, &desk);
    }
    Some(desk)
}

/// Business time that never runs promises nothing: a target wants a calendar that opens.
fn without_hours(reader: &mut Reader<'_>, file: &DeskFile, desk: &Desk) {
    if !desk.calendar.never_opens() {
        return;
    }
    let business = |text: &Option<String>| text.as_ref().is_some_and(|text| text.ends_with("business"));
    for (number, table) in file.target.iter().enumerate() {
        let spans =
            [("response", &table.response), ("resolution", &table.resolution), ("update", &table.update)];
        for (name, _) in spans.iter().filter(|(_, text)| business(text)) {
            let path = format!("target/{number}/{name}");
            let message = format!("`{name}` counts business time, and the calendar never opens");
            let help = "give the calendar `hours`, or promise elapsed time";
            reader.fail(&path, "target_without_hours", message, help);
        }
    }
}

fn own(path: Option<&Path>) -> Option<PathBuf> {
    path.map(Path::to_path_buf)
}

fn each<T>(texts: &[String], path: &str, mut read: impl FnMut(&str, &str) -> Option<T>) -> Vec<T> {
    let texts = texts.iter().enumerate();
    texts.filter_map(|(number, text)| read(&format!("{path}/{number}"), text)).collect()
}

fn targets(
    reader: &mut Reader<'_>,
    tables: &[TargetTable],
    categories: &[Category],
) -> BTreeMap<TargetFor, Target> {
    let mut targets = BTreeMap::new();
    for (number, table) in tables.iter().enumerate() {
        let path = format!("target/{number}");
        let whom = match (table.priority, &table.category) {
            (Some(priority), None) => Some(TargetFor::Priority(priority)),
            (None, Some(text)) => {
                rules::category(reader, &format!("{path}/type"), text, categories).map(TargetFor::Type)
            }
            _ => {
                reader.fail(
                    &path,
                    "contradiction",
                    "a target is for a `priority` or a `type`",
                    "give one of them",
                );
                None
            }
        };
        let mut span = |key: &str, text: &Option<String>| {
            text.as_ref().and_then(|text| reader.parsed(&format!("{path}/{key}"), text, spans::span(text)))
        };
        let target = Target {
            response: span("response", &table.response),
            resolution: span("resolution", &table.resolution),
            update: span("update", &table.update),
        };
        let Some(whom) = whom else { continue };
        if targets.insert(whom, target).is_some() {
            reader.fail(&path, "duplicate", "there are two targets for the same tickets", "");
        }
    }
    targets
}

fn agents(reader: &mut Reader<'_>, file: &DeskFile, desk: &DeskName, people: &People) -> Vec<AgentName> {
    let team = people.directory.agents.values().filter(|agent| agent.desks.contains(desk));
    let team: Vec<AgentName> = team.map(|agent| agent.name.clone()).collect();
    let Some(chosen) = &file.agents else { return team };
    let names: Vec<&str> = team.iter().map(AgentName::as_str).collect();
    each(chosen, "agents", |path, text| {
        let found = team.iter().find(|name| name.as_str() == text).cloned();
        reader.known(path, ("agent of this desk", text), found, &names)
    })
}

fn duplicates(
    reader: &mut Reader<'_>,
    table: Option<&DuplicatesTable>,
    usual: Option<Duplicates>,
) -> Option<Duplicates> {
    let (Some(table), Some(mut rule)) = (table, usual) else { return usual };
    if let Some(text) = &table.window {
        rule.window = reader.parsed("duplicates/window", text, spans::duration(text))?;
    }
    if let Some(likeness) = table.likeness {
        if !(1..=100).contains(&likeness) {
            reader.fail(
                "duplicates/likeness",
                "out_of_range",
                format!("{likeness} is no share"),
                "1 to 100 percent",
            );
        }
        rule.likeness = likeness;
    }
    (rule.window > chrono::Duration::zero()).then_some(rule)
}

fn autoclose(reader: &mut Reader<'_>, table: &AutocloseTable) -> Option<Autoclose> {
    let after = reader.parsed("autoclose/after", &table.after, spans::span(&table.after))?;
    let text = table.reminder_before.as_deref().unwrap_or("24h");
    let reminder_before = reader.parsed("autoclose/reminder_before", text, spans::duration(text))?;
    let (crate::domain::desk::Span::Elapsed(whole) | crate::domain::desk::Span::Business(whole)) = after;
    if reminder_before >= whole {
        let help = "the reminder would go before the answer";
        reader.fail("autoclose/reminder_before", "contradiction", "the reminder comes too early", help);
    }
    Some(Autoclose { after, reminder_before, at_opening: table.at_opening.unwrap_or(true) })
}

fn escalation(reader: &mut Reader<'_>, file: &DeskFile, people: &People) -> Escalation {
    let table = &file.escalation;
    for (number, share) in table.warn_at.iter().enumerate().filter(|(_, share)| !(1..100).contains(*share)) {
        let path = format!("escalation/warn_at/{number}");
        reader.fail(
            &path,
            "out_of_range",
            format!("{share} is no share before the deadline"),
            "1 to 99 percent",
        );
    }
    let mut levels = Vec::new();
    for (number, level) in table.level.iter().enumerate() {
        let path = format!("escalation/level/{number}");
        let contacts = people.resolve(reader, &format!("{path}/contacts"), &level.contacts);
        if level.contacts.is_empty() {
            let help = "an address, or an agent or group of the directory";
            reader.fail(&path, "no_contact", format!("nobody is told at `{}`", level.name), help);
        }
        levels.push(EscalationLevel {
            level: u8::try_from(number + 1).unwrap_or(u8::MAX),
            name: level.name.clone(),
            priority: level.priority,
            contacts,
        });
    }
    Escalation { warn_at: table.warn_at.clone(), raise: table.raise, levels }
}

fn asks_and_answers(reader: &mut Reader<'_>, file: &DeskFile, people: &People, desk: &mut Desk) {
    let fields: Vec<&str> = file.fields.values().map(String::as_str).collect();
    for (number, table) in file.ask.iter().enumerate() {
        let path = format!("ask/{number}");
        let found = fields.contains(&table.field.as_str()).then_some(());
        let _ = reader.known(&format!("{path}/field"), ("field", &table.field), found, &fields);
        let categories = each(&table.categories, &format!("{path}/categories"), |path, text| {
            rules::category(reader, path, text, &desk.categories)
        });
        let labels = ask_labels(reader, &format!("{path}/label"), table, file);
        desk.asks.push(Ask { field: table.field.clone(), categories, labels });
    }
    for (number, table) in file.answer.iter().enumerate() {
        let path = format!("answer/{number}");
        let place = format!("{path}/category");
        let named = table.category.as_ref();
        let category = named.and_then(|text| rules::category(reader, &place, text, &desk.categories));
        let ids: Vec<&str> = file.rule.iter().map(|rule| rule.id.as_str()).collect();
        let rule = table.rule.clone().filter(|id| {
            let found = ids.contains(&id.as_str()).then_some(());
            reader.known(&format!("{path}/rule"), ("rule", id), found, &ids).is_some()
        });
        if table.category.is_some() == table.rule.is_some() {
            reader.fail(
                &path,
                "contradiction",
                "an answer is for a `category` or a `rule`",
                "give one of them",
            );
        }
        let forward = table.forward_to.as_slice();
        let forward_to = people.resolve(reader, &format!("{path}/forward_to"), forward).into_iter().next();
        standard(reader, &format!("{path}/template"), &table.template, desk);
        if category.is_some() || rule.is_some() {
            desk.answers.push(StandardAnswer {
                category,
                rule,
                template: table.template.clone(),
                forward_to,
            });
        }
    }
}

/// Every language of the desk has the text: a built-in one, or the operator's.
fn standard(reader: &mut Reader<'_>, path: &str, name: &str, desk: &Desk) {
    let file = |language: &Language| format!("{}/standard-{name}.txt", language.as_str());
    let own = |file: &str| desk.templates.as_ref().is_some_and(|folder| folder.join(file).is_file());
    let known = |file: &str| own(file) || Templates::names().any(|known| known == file);
    let missing = desk.languages.iter().map(file).find(|file| !known(file));
    if let Some(file) = missing {
        let message = format!("there is no text `{file}`");
        reader.fail(path, "unknown", message, "write it below the folder of templates, or name another");
    }
}

/// What is asked for is read back: a name that no line of the answer could carry helps nobody.
fn ask_labels(
    reader: &mut Reader<'_>,
    path: &str,
    table: &AskTable,
    file: &DeskFile,
) -> BTreeMap<Language, String> {
    let labels: Vec<&str> = file
        .fields
        .iter()
        .filter(|(_, field)| **field == table.field)
        .map(|(label, _)| label.as_str())
        .collect();
    let mut read = BTreeMap::new();
    for (code, label) in &table.label {
        let place = format!("{path}/{code}");
        let found = labels.contains(&label.as_str()).then(|| label.clone());
        let label = reader.known(&place, ("label of this field", label), found, &labels);
        read.extend(people::language(reader, &place, code).zip(label));
    }
    read
}

/// A breach desk takes everything, tells nothing and never closes by time.
fn breach(reader: &mut Reader<'_>, desk: &Desk) {
    let wrong = [
        (desk.autoclose.is_some(), "autoclose", "a breach desk never closes by time"),
        (desk.echo_subject, "echo_subject", "a breach desk's acknowledgment has no content"),
        (desk.submitters != Submitters::Anyone, "submitters", "a breach desk takes reports of anyone"),
        (desk.after_hours.cap.is_some(), "after_hours/cap", "a breach ticket is urgent at every hour"),
    ];
    for (_, path, message) in wrong.into_iter().filter(|(holds, ..)| *holds) {
        reader.fail(path, "breach", message, "remove the key");
    }
}

/// RFC 5321 4.5.3.1.1: base, separator and token must fit into a local part.
pub fn check_addresses(reader: &mut Reader<'_>, desks: &Desks, accounts: &[Account]) {
    for desk in desks.values() {
        let serves = |account: &&Account| {
            account.desk == desk.name || account.routes.iter().any(|(_, name)| *name == desk.name)
        };
        let carriers: Vec<TokenCarrier> = accounts.iter().filter(serves).map(|a| a.token_carrier).collect();
        let plus = carriers.is_empty() || carriers.contains(&TokenCarrier::Plus);
        let length = desk.address.local().len() + 1 + token::LENGTH;
        if plus && length > 64 {
            let message =
                format!("the address of `{}` leaves no room for the token: {length} octets of 64", desk.name);
            let help = "use a shorter address, or `token_carrier = \"catchall\"` or \"references-only\"";
            reader.fail("account", "address_too_long", message, help);
        }
    }
}
