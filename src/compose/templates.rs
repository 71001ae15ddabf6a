//! The texts of our mail: embedded, overridable by an operator without rebuild, compiled once.
//! Takes overriding texts as data (the shell reads the files). Strict: a variable that a notice does
//! not have is a problem at check time, in whatever branch it stands, and an error at render time.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::{ComposeError, text, words};
use crate::domain::message::Language;
use crate::domain::outgoing::Notice;

/// A text for each of these stands in every language.
const NOTICES: [&str; 19] = [
    "received",
    "restricted",
    "assigned",
    "reopened",
    "status",
    "answer",
    "resolved",
    "reminder",
    "closed",
    "notification",
    "refusal",
    "escalation",
    "held",
    "duplicate",
    "progress",
    "page",
    "page_storm",
    "review",
    "forward",
];
/// Mail to agents has no HTML: their client then quotes it line by line; nor has mail to contacts.
const PLAIN_ONLY: [&str; 7] =
    ["notification", "refusal", "escalation", "page", "page_storm", "review", "forward"];
/// Under these names stand the desks' own texts for kinds of request, put into the acknowledgment.
const STANDARD: &str = "standard-";
/// The frame of every HTML part.
const LAYOUT: &str = "layout.html";

macro_rules! embedded {
    ($($name:literal)*) => { embedded!(@ "en" $($name)*; "es" $($name)*; "pt" $($name)*; "it" $($name)*) };
    (@ $($lang:literal $($name:literal)*);*) => {
        &[$($((
            concat!($lang, "/", $name),
            include_str!(concat!("../../config/templates/", $lang, "/", $name)),
        ),)*)*]
    };
}

/// Name and text of every embedded template of a language.
const EMBEDDED: &[(&str, &str)] = embedded!(
    "received.subject" "received.txt" "received.html"
    "restricted.subject" "restricted.txt" "restricted.html"
    "assigned.subject" "assigned.txt" "assigned.html"
    "reopened.subject" "reopened.txt" "reopened.html"
    "status.subject" "status.txt" "status.html"
    "answer.subject" "answer.txt" "answer.html"
    "resolved.subject" "resolved.txt" "resolved.html"
    "reminder.subject" "reminder.txt" "reminder.html"
    "closed.subject" "closed.txt" "closed.html"
    "notification.subject" "notification.txt"
    "refusal.subject" "refusal.txt"
    "escalation.subject" "escalation.txt"
    "held.subject" "held.txt" "held.html"
    "duplicate.subject" "duplicate.txt" "duplicate.html"
    "progress.subject" "progress.txt" "progress.html"
    "page.subject" "page.txt"
    "page_storm.subject" "page_storm.txt"
    "review.subject" "review.txt"
    "forward.subject" "forward.txt"
    "standard-glosa.txt" "standard-supplier.txt" "standard-internet-check.txt" "standard-consulting.txt"
);

/// What is wrong with an operator's template; for `check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// `<lang>/<notice>.<subject|txt|html>`, or `layout.html`: the path below the folder.
    pub name: String,
    /// Stable code: `unknown_variable`, `unknown_template`, `template`.
    pub code: &'static str,
    /// The line, from 1, where known.
    pub line: Option<usize>,
    /// The column in characters, from 1; 1 where only the line is known.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// All texts, compiled; cheap to clone.
#[derive(Clone)]
pub struct Templates(Arc<Environment<'static>>);

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<templates>")
    }
}

/// Which of a notice's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Subject,
    Plain,
    Html,
}

impl Form {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Plain => "txt",
            Self::Html => "html",
        }
    }
}

impl Templates {
    /// The built-in texts.
    pub fn embedded() -> Self {
        let mut environment = environment();
        for (name, source) in built_in() {
            // A broken built-in text fails the test `every_built_in_text_is_sound`, and rendering it
            // is an error that names it.
            let _ = environment.add_template(name, source);
        }
        Self(Arc::new(environment))
    }

    /// The built-in texts with an operator's in their place. Takes texts by their path below the
    /// operator's folder; `pt-BR/` counts as `pt/`.
    pub fn with_overrides(texts: BTreeMap<String, String>) -> Result<Self, Vec<TemplateProblem>> {
        let mut environment = (*Self::embedded().0).clone();
        let mut problems = Vec::new();
        for (path, source) in texts {
            match canonical(&path) {
                None => problems.push(unknown_name(path)),
                Some(name) => match environment.add_template_owned(name.clone(), source) {
                    Ok(()) => problems.extend(problems_of(&environment, &name, &path)),
                    Err(error) => problems.push(from_engine(path, &error)),
                },
            }
        }
        if problems.is_empty() { Ok(Self(Arc::new(environment))) } else { Err(problems) }
    }

    /// The path of every text there is, for `check` and the documents.
    pub fn names() -> impl Iterator<Item = &'static str> {
        built_in().map(|(name, _)| name)
    }

    /// Renders one text of a notice.
    pub(super) fn render(
        &self,
        language: Language,
        notice: &str,
        form: Form,
        context: &Value,
    ) -> Result<String, ComposeError> {
        self.render_named(&format!("{}/{notice}.{}", language.as_str(), form.suffix()), context)
    }

    /// Is there such a text of a desk's own in the language?
    pub fn has_standard(&self, language: Language, name: &str) -> bool {
        self.0.get_template(&format!("{}/{STANDARD}{name}.txt", language.as_str())).is_ok()
    }

    /// The context of an acknowledgment with the desk's own text for the kind of request; without it
    /// where there is no such text: an acknowledgment never fails for it.
    pub(super) fn with_standard(&self, context: Value, notice: &Notice, language: Language) -> Value {
        let Notice::Received { standard: Some(name), .. } = notice else { return context };
        let name = format!("{}/{STANDARD}{name}.txt", language.as_str());
        let Ok(text) = self.render_named(&name, &context) else { return context };
        let standard = Value::from_iter([("standard", Value::from(text.trim()))]);
        minijinja::value::merge_maps([context, standard])
    }

    /// Puts a rendered HTML text into the frame.
    pub(super) fn frame(&self, language: Language, desk: &str, html: String) -> Result<String, ComposeError> {
        let content = Value::from_safe_string(html);
        let frame =
            [("content", content), ("desk", Value::from(desk)), ("language", Value::from(tag(language)))];
        self.render_named(LAYOUT, &Value::from_iter(frame))
    }

    fn render_named(&self, name: &str, context: &Value) -> Result<String, ComposeError> {
        let failed = |e: minijinja::Error| ComposeError::Template {
            name: name.to_owned(),
            message: e.kind().to_string(),
        };
        self.0.get_template(name).and_then(|t| t.render(context)).map_err(failed)
    }
}

/// The language tag of the texts (RFC 5646): the Portuguese ones are Brazilian.
const fn tag(language: Language) -> &'static str {
    match language {
        Language::Pt => "pt-BR",
        other => other.as_str(),
    }
}

fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
    let layout = (LAYOUT, include_str!("../../config/templates/layout.html"));
    EMBEDDED.iter().copied().chain([layout])
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    environment.add_filter("paragraphs", |text: &str| Value::from_safe_string(text::paragraphs(text)));
    environment
}

/// The name under which a text is kept; `None` where no notice has such a text.
fn canonical(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    if path == LAYOUT {
        return Some(path);
    }
    let (language, file) = path.split_once('/')?;
    let (notice, suffix) = file.split_once('.')?;
    let language = Language::parse(language)?;
    let plain_only = PLAIN_ONLY.contains(&notice) && suffix == "html";
    let standard = notice.starts_with(STANDARD) && suffix == "txt";
    let of_notice = NOTICES.contains(&notice) && ["subject", "txt", "html"].contains(&suffix);
    let known = standard || of_notice && !plain_only;
    known.then(|| format!("{}/{notice}.{suffix}", language.as_str()))
}

/// Renders a text with every variable set and with every optional one empty, and looks for unknown
/// variables in the branches that neither takes.
fn problems_of(environment: &Environment<'_>, name: &str, path: &str) -> Vec<TemplateProblem> {
    let notice = name.split(['/', '.']).nth(1).unwrap_or_default();
    let known: Vec<&'static str> = if name == LAYOUT {
        vec!["content", "desk", "language"]
    } else {
        words::variables(notice).map(|(name, _)| name).collect()
    };
    let Ok(template) = environment.get_template(name) else { return Vec::new() };
    let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
    unknown.retain(|variable| !known.contains(&variable.as_str()));
    unknown.sort_unstable();
    let mut problems: Vec<TemplateProblem> = unknown
        .into_iter()
        .map(|variable| (place_of(template.source(), &variable), variable))
        .map(|(place, variable)| TemplateProblem {
            name: path.to_owned(),
            code: "unknown_variable",
            line: place.map(|(line, _)| line),
            column: place.map_or(1, |(_, column)| column),
            message: format!("unknown variable `{variable}`"),
            help: format!("this text knows: {}", known.join(", ")),
        })
        .collect();
    if problems.is_empty() {
        let samples = if name == LAYOUT {
            vec![known.iter().map(|name| (*name, Value::from("x"))).collect()]
        } else {
            words::samples(notice)
        };
        let failed = samples.iter().find_map(|sample| template.render(sample).err());
        problems.extend(failed.map(|error| from_engine(path.to_owned(), &error)));
    }
    problems
}

/// Line and column at which the name first stands as a word of its own.
fn place_of(source: &str, variable: &str) -> Option<(usize, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    source.lines().enumerate().find_map(|(line, text)| {
        let mut column = 1;
        for word in text.split(|c| !is_word(c)) {
            if word == variable {
                return Some((line + 1, column));
            }
            column += word.chars().count() + 1;
        }
        None
    })
}

fn unknown_name(path: String) -> TemplateProblem {
    TemplateProblem {
        name: path,
        code: "unknown_template",
        line: None,
        column: 1,
        message: "no notice has such a text".to_owned(),
        help: format!(
            "name it <en|es|pt|it>/<notice>.<subject|txt|html>, the notice being one of {}; those to agents and \
             contacts ({}) have no html; a desk's own answer is <language>/standard-<name>.txt",
            NOTICES.join(", "),
            PLAIN_ONLY.join(", ")
        ),
    }
}

fn from_engine(path: String, error: &minijinja::Error) -> TemplateProblem {
    let message =
        error.detail().map_or_else(|| error.kind().to_string(), |d| format!("{}: {d}", error.kind()));
    TemplateProblem {
        name: path,
        code: "template",
        line: error.line(),
        column: 1,
        message,
        help: "the syntax is that of Jinja: {{ variable }}, {% if variable %}...{% endif %}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_text_is_sound() {
        let environment = Templates::embedded().0;
        assert_eq!(Templates::names().count(), 4 * 54 + 1);
        for name in Templates::names() {
            assert!(environment.get_template(name).is_ok(), "{name}");
            assert_eq!(problems_of(&environment, name, name), []);
        }
    }

    fn check(name: &str, text: &str, want: &str) {
        let got = Templates::with_overrides(BTreeMap::from([(name.to_owned(), text.to_owned())]));
        let got = got.map_or_else(
            |problems| problems.first().map(|p| format!("{:?}:{} {}", p.line, p.column, p.message)).unwrap(),
            |_| "fine".to_owned(),
        );
        assert!(got.contains(want), "{name}: {got:?} lacks {want:?}");
    }

    #[test]
    fn an_operators_text_is_checked_in_every_branch() {
        check("en/received.txt", "Ticket {{ number }} at {{ desk }}", "fine");
        check("pt-BR/received.txt", "Chamado {{ number }}", "fine");
        check("en/received.txt", "a\n{{ numbr }}", "Some(2):4 unknown variable `numbr`");
        check(
            "en/received.txt",
            "{% if false %}\n\n{{ nobody }}{% endif %}",
            "Some(3):4 unknown variable `nobody`",
        );
        check("en/received.txt", "{{ text }}", "unknown variable `text`");
        check("en/received.txt", "{% if subject %}{{ subject.nothing }}{% endif %}", "undefined");
        check("en/received.txt", "{% if %}", "syntax error");
        check("en/received.txt", "{{ number | nofilter }}", "unknown filter");
        check("fr/received.txt", "x", "no notice has such a text");
        check("en/notification.html", "x", "no notice has such a text");
        check("en/../../etc/passwd", "x", "no notice has such a text");
        check("layout.html", "<main>{{ content }}</main>", "fine");
        check("layout.html", "<main>{{ body }}</main>", "unknown variable `body`");
    }
}
