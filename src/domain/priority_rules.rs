//! Rules that give priority and category from words: data made by `config/`, read by `decide/`.
//! A rule speaks of concepts ("outage", "users-many"); a concept is a set of forms in the desk's
//! languages; all forms of a desk are one automaton over plain text. Never holds customer text.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, BuildError};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::ids::Category;
use super::ticket::Priority;

/// A way to say something: groups of phrases, of which one each must occur, near each other, in one
/// sentence. A phrase is plain words; one that ends in `*` stands for every text that begins so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// Groups of phrases.
    pub groups: Vec<Vec<String>>,
    /// So many words apart at most.
    pub near: usize,
    /// The first group is what the sentence is about: behind a preposition it does not count.
    pub subject: bool,
}

/// A meaning and the ways to say it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Concept {
    /// Its name; several entries may share one.
    pub name: String,
    /// The ways to say it.
    pub forms: Vec<Form>,
    /// What else stands in the same sentence was not said: "what if the system goes down?"
    pub veils: bool,
    /// What lies within its phrases was not said: "nobody" in "nobody else".
    pub covers: bool,
}

/// Small words of the desk's languages that change what stands beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Particles {
    /// Turn a phrase around when they stand shortly before it.
    pub negations: HashSet<String>,
    /// At these a negation ends: "but".
    pub stops: HashSet<String>,
    /// What follows them is not what the sentence is about: "of", "in".
    pub prepositions: HashSet<String>,
    /// Between a preposition and what follows it: "the", "our".
    pub determiners: HashSet<String>,
    /// What is counted when numbers tell how many are affected: "users".
    pub counted: HashSet<String>,
}

/// One rule. It holds when every concept of `when` and none of `unless` was said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Stands in the audit trail.
    pub id: String,
    /// Why, in words that agents read.
    pub says: String,
    /// Concepts, all of them.
    pub when: Vec<ConceptId>,
    /// Concepts, none of them.
    pub unless: Vec<ConceptId>,
    /// The text must name a share of users, in whole percent, from the first to the second.
    pub users_percent: Option<(u8, u8)>,
    /// In percent; rules of one priority add up, 100 suffices.
    pub weight: u32,
    /// The priority it gives.
    pub priority: Option<Priority>,
    /// The category it gives.
    pub category: Option<Category>,
}

/// Priorities that senders state themselves: advice within bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Plain words (see [`plain`]) for the priorities.
    pub words: Vec<(String, Priority)>,
    /// Labels before the word, plain: `priority`, `prioridade`.
    pub labels: Vec<String>,
    /// Steps by which advice may raise what the content says.
    pub up: u8,
    /// Steps by which advice may lower it.
    pub down: u8,
    /// Advice alone never leads higher.
    pub most: Priority,
}

/// All rules of a desk.
#[derive(Debug, Clone, Default)]
pub struct PriorityRules {
    /// Without any match.
    pub default: Option<Priority>,
    /// The category without any match.
    pub default_category: Option<Category>,
    /// In the order of the file: the highest priority that is reached wins, the first category wins.
    pub rules: Vec<Rule>,
    /// What the desk understands.
    pub lexicon: Lexicon,
    /// How it weighs priorities that senders state.
    pub declared: Option<Declared>,
}

/// The number of a concept within a lexicon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConceptId(pub usize);

/// Where a pattern of the automaton belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The concept.
    pub concept: ConceptId,
    /// The form, numbered through the lexicon.
    pub form: usize,
    /// The group within the form.
    pub group: usize,
}

/// Every concept of a desk, compiled.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    /// Finds patterns in plain text; `None` when there are none.
    pub automaton: Option<AhoCorasick>,
    /// By pattern.
    pub places: Vec<Place>,
    /// By form: how many groups, how near, and whether the first is the subject.
    pub forms: Vec<(usize, usize, bool)>,
    /// Names by number.
    pub names: Vec<String>,
    /// Concepts that veil their sentence.
    pub veils: HashSet<ConceptId>,
    /// Concepts that cover what lies within their phrases.
    pub covers: HashSet<ConceptId>,
    /// Small words.
    pub particles: Particles,
}

impl Lexicon {
    /// Compiles concepts.
    pub fn new(concepts: &[Concept], particles: Particles) -> Result<Self, BuildError> {
        let mut lexicon = Self { particles, ..Self::default() };
        let mut patterns: Vec<String> = Vec::new();
        for concept in concepts {
            let id = lexicon.intern(&concept.name);
            if concept.veils {
                lexicon.veils.insert(id);
            }
            if concept.covers {
                lexicon.covers.insert(id);
            }
            for said in &concept.forms {
                let form = lexicon.forms.len();
                lexicon.forms.push((said.groups.len(), said.near, said.subject));
                for (group, phrases) in said.groups.iter().enumerate() {
                    for pattern in phrases.iter().filter_map(|phrase| patterns_of(phrase)) {
                        patterns.push(pattern);
                        lexicon.places.push(Place { concept: id, form, group });
                    }
                }
            }
        }
        if !patterns.is_empty() {
            lexicon.automaton = Some(AhoCorasick::new(&patterns)?);
        }
        Ok(lexicon)
    }
    /// The number of a concept, if anything names it.
    pub fn concept(&self, name: &str) -> Option<ConceptId> {
        self.names.iter().position(|n| n == name).map(ConceptId)
    }
    fn intern(&mut self, name: &str) -> ConceptId {
        self.concept(name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            ConceptId(self.names.len() - 1)
        })
    }
}

/// What the automaton looks for: words between single spaces, a stem without the closing one.
fn patterns_of(phrase: &str) -> Option<String> {
    let words = plain(phrase.trim_end_matches('*'));
    let end = if phrase.ends_with('*') { "" } else { " " };
    (!words.is_empty()).then(|| format!(" {words}{end}"))
}

/// Lower-cased words without accents between single spaces; `.` and `?` stand for the ends of
/// sentences, `,` for that of a clause, every other sign but `%` is gone. A line is a sentence of its own, unless
/// it is so long that it was wrapped.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for line in text.lines() {
        push_line(&mut out, line);
        let wrapped = line.chars().nth(WRAPPED).is_some();
        let ended = out.trim_end().is_empty() || out.trim_end().ends_with(['.', '?']);
        out.push_str(if wrapped || ended { "" } else { " . " });
    }
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    words.trim_end_matches(" .").to_owned()
}

/// True for a word of plain text that ends a sentence.
pub fn ends_sentence(word: &str) -> bool {
    matches!(word, "." | "?")
}

/// A line of more characters than this goes on in the next one.
const WRAPPED: usize = 55;

fn push_line(out: &mut String, line: &str) {
    let mut chars = line.nfkd().filter(|c| !is_combining_mark(*c)).peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let ends_word = next.is_none_or(char::is_whitespace);
        match c {
            c if c.is_alphanumeric() => out.extend(c.to_lowercase()),
            // "doesn't" is one word, "dell'accesso" two.
            '\'' | '\u{2019}' | '\u{2018}' if next == Some('t') => {}
            '%' => out.push_str(" % "),
            '!' => out.push_str(" . "),
            '?' => out.push_str(" ? "),
            '.' | ';' if ends_word => out.push_str(" . "),
            ',' | ':' if ends_word => out.push_str(" , "),
            '(' | ')' => out.push_str(" , "),
            _ => out.push(' '),
        }
    }
    out.push(' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_plain_words() {
        let cases = [
            ("Não é URGENTE!", "nao e urgente"),
            ("It doesn't work, at all. Help", "it doesnt work , at all . help"),
            ("l'accesso all\u{2019}area è caduto", "l accesso all area e caduto"),
            ("one\ntwo", "one . two"),
            ("5% of the users", "5 % of the users"),
            ("Why?\nBecause", "why ? because"),
            ("v2.1 (beta) e-mail", "v2 1 , beta , e mail"),
            ("", ""),
            ("\n\n", ""),
        ];
        for (text, want) in cases {
            assert_eq!(plain(text), want, "{text:?}");
        }
        let wrapped =
            format!("{}\nof service", "a line that some old client has wrapped here, it is out".repeat(2));
        assert!(plain(&wrapped).ends_with("it is out of service"));
    }

    #[test]
    fn a_stem_leaves_the_word_open() {
        assert_eq!(patterns_of("Caída total").as_deref(), Some(" caida total "));
        assert_eq!(patterns_of("indispon*").as_deref(), Some(" indispon"));
        assert_eq!(patterns_of("*"), None);
    }
}
