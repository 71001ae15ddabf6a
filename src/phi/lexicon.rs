//! What the rules know about words: name lists, ordinary words, roles, and the labels that say what
//! the value behind them is. Built once from the tables in `words/`; all four languages together,
//! for mails mix them. Looks words up in the folded form of [`fold`].

use std::collections::{HashMap, HashSet};

/// A set of word roles, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles(u32);

impl Roles {
    /// A given name.
    pub const GIVEN: Self = Self(1);
    /// A family name.
    pub const FAMILY: Self = Self(1 << 1);
    /// An ordinary word.
    pub const COMMON: Self = Self(1 << 2);
    /// A particle inside names: de, van, della.
    pub const PARTICLE: Self = Self(1 << 3);
    /// A form of address or profession before a name.
    pub const TITLE: Self = Self(1 << 4);
    /// A word for a person before a name: patient, hermana.
    pub const ROLE: Self = Self(1 << 5);
    /// A verb of looking for someone: search, buscar, cercando.
    pub const SEEK: Self = Self(1 << 6);
    /// A month.
    pub const MONTH: Self = Self(1 << 7);
    /// A kind of street before its name.
    pub const STREET: Self = Self(1 << 8);
    /// A kind of street behind its name.
    pub const SUFFIX: Self = Self(1 << 9);
    /// A town or province.
    pub const PLACE: Self = Self(1 << 10);
    /// A word of organisations' names.
    pub const ORG: Self = Self(1 << 11);
    /// A closing word of letters.
    pub const CLOSING: Self = Self(1 << 12);
    /// Never redacted, by the operator's word.
    pub const NEVER: Self = Self(1 << 13);
    /// The first word of a label.
    pub const LABEL: Self = Self(1 << 14);
    /// A word inside street addresses: apt, torre, bloco.
    pub const UNIT: Self = Self(1 << 15);
    /// A word of greeting before a name.
    pub const GREET: Self = Self(1 << 16);
    /// In no list, but formed as names are: by its ending, or by letters that the four languages
    /// do not use.
    pub const NAMELIKE: Self = Self(1 << 17);
    /// The first word of a phrase of the operator's lists.
    pub const PHRASE: Self = Self(1 << 18);
    /// Part of a placeholder.
    pub const REPLACED: Self = Self(1 << 19);
    /// The first word of a clinical phrase.
    pub const CLINICAL: Self = Self(1 << 20);
    /// What may follow a diagnosis: mellitus, aguda.
    pub const TAIL: Self = Self(1 << 21);
    /// What counts kinds of a diagnosis: type, stadio.
    pub const COUNTED: Self = Self(1 << 22);
    /// In no list, but formed as names of drugs are.
    pub const DRUG: Self = Self(1 << 23);
    /// Either list of names.
    pub const NAME: Self = Self(3);

    /// True when one of `other` is there.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
    /// These but for `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    /// Both.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a label says about the value behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// An identifier of a person or provider.
    Id,
    /// A payment card.
    Card,
    /// A bank account.
    Account,
    /// A device.
    Device,
    /// A telephone.
    Phone,
    /// A date of a person's life or care.
    Date,
    /// Where someone lives.
    Address,
    /// Who someone is.
    Person,
    /// Something of the help desk or of software: stays.
    Ticket,
}

/// A phrase of more than one word, or of one.
struct Phrase {
    rest: Vec<&'static str>,
    label: Label,
}

/// What a clinical phrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medical {
    /// An illness.
    Diagnosis,
    /// A medicine.
    Drug,
    /// A word behind which the code of an illness stands.
    Code,
    /// A word behind which the code of a procedure stands.
    Procedure,
}

/// What the operator says of a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A person: always redacted.
    Name,
    /// Never redacted as a name.
    Never,
}

/// The tables, ready for look-up.
pub struct Lexicon {
    words: HashMap<String, Roles>,
    labels: HashMap<&'static str, Vec<Phrase>>,
    endings: HashSet<&'static str>,
    /// Clinical phrases by their first word, the longest first.
    clinical: HashMap<&'static str, Vec<(Vec<&'static str>, Medical)>>,
    /// Endings of drugs' names.
    stems: HashSet<&'static str>,
    /// The operator's, by their first word, the longest first: what else they hold, and what they are.
    phrases: HashMap<String, Vec<(Vec<String>, Verdict)>>,
}

impl Lexicon {
    /// Reads the built-in tables and the operator's words.
    pub fn new(names: &[String], never: &[String]) -> Self {
        let mut lexicon = Self {
            words: HashMap::new(),
            labels: HashMap::new(),
            endings: HashSet::new(),
            clinical: HashMap::new(),
            stems: HashSet::new(),
            phrases: HashMap::new(),
        };
        lexicon.read_clinical(include_str!("words/clinical.txt"));
        let endings = include_str!("words/endings.txt").lines().filter(|line| !line.starts_with('#'));
        lexicon.endings.extend(endings.flat_map(str::split_whitespace));
        lexicon.read_words(include_str!("words/given.txt"), Roles::GIVEN);
        lexicon.read_words(include_str!("words/family.txt"), Roles::FAMILY);
        lexicon.read_words(include_str!("words/common.txt"), Roles::COMMON);
        lexicon.read_words(include_str!("words/ambiguous.txt"), Roles::FAMILY.with(Roles::COMMON));
        lexicon.read_words(include_str!("words/roles.txt"), Roles::default());
        lexicon.read_labels(include_str!("words/labels.txt"));
        for (phrases, verdict) in [(names, Verdict::Name), (never, Verdict::Never)] {
            for phrase in phrases {
                lexicon.add_phrase(phrase, verdict);
            }
        }
        lexicon
    }

    /// Notes a phrase of the operator; the words of a person's name are names by themselves too.
    fn add_phrase(&mut self, phrase: &str, verdict: Verdict) {
        let words = words_of(phrase);
        let Some((first, rest)) = words.split_first() else { return };
        self.add(first.clone(), Roles::PHRASE);
        let known = self.phrases.entry(first.clone()).or_default();
        known.push((rest.to_vec(), verdict));
        known.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
        if verdict == Verdict::Name {
            words.iter().filter(|word| word.len() > 2).for_each(|word| self.add(word.clone(), Roles::NAME));
        }
    }

    /// The longest phrase of the operator that begins with `first`, how many more words it takes, and
    /// what it is.
    pub fn phrase<'a>(
        &self,
        first: &str,
        next: impl Fn(usize) -> Option<&'a str>,
    ) -> Option<(usize, Verdict)> {
        let known = self.phrases.get(first)?;
        let fits = |(rest, _): &&(Vec<String>, Verdict)| {
            rest.iter().enumerate().all(|(at, word)| next(at) == Some(word.as_str()))
        };
        known.iter().find(fits).map(|(rest, verdict)| (rest.len(), *verdict))
    }

    /// The roles of a folded word.
    pub fn roles(&self, word: &str) -> Roles {
        self.words.get(word).copied().unwrap_or_default()
    }

    /// The longest label that begins with `first` and goes on with the words that `next` gives, and
    /// how many of those it takes.
    pub fn label<'a>(&self, first: &str, next: impl Fn(usize) -> Option<&'a str>) -> Option<(usize, Label)> {
        let phrases = self.labels.get(first)?;
        let fits = |phrase: &&Phrase| phrase.rest.iter().enumerate().all(|(at, word)| next(at) == Some(word));
        phrases.iter().find(fits).map(|phrase| (phrase.rest.len(), phrase.label))
    }

    /// True for a folded word that ends as family names do.
    pub fn ends_as_name(&self, word: &str) -> bool {
        /// Lengths of the endings in the table.
        const LENGTHS: std::ops::RangeInclusive<usize> = 2..=7;
        let ending = |len: usize| word.len().checked_sub(len).and_then(|at| word.get(at..));
        word.len() > 5 && LENGTHS.filter_map(ending).any(|ending| self.endings.contains(ending))
    }

    fn add(&mut self, word: String, role: Roles) {
        let roles = self.words.entry(word).or_default();
        *roles = roles.with(role);
    }

    fn read_words(&mut self, table: &'static str, outside: Roles) {
        let mut role = outside;
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                Some(section) => role = section_role(section),
                None => line.split_whitespace().for_each(|word| self.add(fold(word), role)),
            }
        }
    }

    fn read_clinical(&mut self, table: &'static str) {
        let mut section = "";
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = name;
                continue;
            }
            match (section_medical(section), section) {
                (Some(what), _) => line.split(';').for_each(|phrase| self.add_clinical(phrase, what)),
                (None, "stem") => self.stems.extend(line.split_whitespace()),
                (None, "tail") => line.split_whitespace().for_each(|w| self.add(w.to_owned(), Roles::TAIL)),
                (None, _) => line.split_whitespace().for_each(|w| self.add(w.to_owned(), Roles::COUNTED)),
            }
        }
        for phrases in self.clinical.values_mut() {
            phrases.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
        }
    }

    fn add_clinical(&mut self, phrase: &'static str, what: Medical) {
        let mut words = phrase.split_whitespace();
        let Some(first) = words.next() else { return };
        self.add(first.to_owned(), Roles::CLINICAL);
        self.clinical.entry(first).or_default().push((words.collect(), what));
    }

    /// The longest clinical phrase that begins with `first`, how many more words it takes, and what
    /// it is.
    pub fn medical<'a>(
        &self,
        first: &str,
        next: impl Fn(usize) -> Option<&'a str>,
    ) -> Option<(usize, Medical)> {
        let fits = |(rest, _): &&(Vec<&str>, Medical)| {
            rest.iter().enumerate().all(|(at, word)| next(at) == Some(*word))
        };
        self.clinical.get(first)?.iter().find(fits).map(|(rest, what)| (rest.len(), *what))
    }

    /// True for a folded word that ends as drugs' names do (stems of the WHO's INN list).
    pub fn ends_as_drug(&self, word: &str) -> bool {
        /// Lengths of the stems in the table.
        const LENGTHS: std::ops::RangeInclusive<usize> = 4..=8;
        let ending =
            |len: usize| word.len().checked_sub(len).filter(|at| *at > 1).and_then(|at| word.get(at..));
        word.len() > 7 && LENGTHS.filter_map(ending).any(|ending| self.stems.contains(ending))
    }

    fn read_labels(&mut self, table: &'static str) {
        let mut label = Label::Id;
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            if let Some(section) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                label = section_label(section);
                continue;
            }
            for phrase in line.split(';') {
                let mut words = phrase.split_whitespace();
                let Some(first) = words.next() else { continue };
                self.add(first.to_owned(), Roles::LABEL);
                self.labels.entry(first).or_default().push(Phrase { rest: words.collect(), label });
            }
        }
        for phrases in self.labels.values_mut() {
            phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.rest.len()));
        }
    }
}

/// The words of a phrase as a page cuts them, folded.
pub fn words_of(phrase: &str) -> Vec<String> {
    phrase.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(fold).collect()
}

fn section_role(section: &str) -> Roles {
    match section {
        "particle" => Roles::PARTICLE,
        "title" => Roles::TITLE,
        "role" => Roles::ROLE,
        "seek" => Roles::SEEK,
        "greet" => Roles::GREET,
        "month" => Roles::MONTH,
        "street" => Roles::STREET,
        "suffix" => Roles::SUFFIX,
        "place" => Roles::PLACE,
        "org" => Roles::ORG,
        "closing" => Roles::CLOSING,
        "unit" => Roles::UNIT,
        _ => Roles::default(),
    }
}

fn section_medical(section: &str) -> Option<Medical> {
    match section {
        "diagnosis" => Some(Medical::Diagnosis),
        "drug" => Some(Medical::Drug),
        "code" => Some(Medical::Code),
        "procedure" => Some(Medical::Procedure),
        _ => None,
    }
}

fn section_label(section: &str) -> Label {
    match section {
        "card" => Label::Card,
        "account" => Label::Account,
        "device" => Label::Device,
        "phone" => Label::Phone,
        "date" => Label::Date,
        "address" => Label::Address,
        "person" => Label::Person,
        "ticket" => Label::Ticket,
        _ => Label::Id,
    }
}

/// The form in which words are compared: lower case, without accents and ordinal marks.
pub fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    fold_into(word, &mut out);
    out
}

/// Appends the folded form.
pub fn fold_into(word: &str, out: &mut String) {
    for c in word.chars() {
        if c.is_ascii() {
            out.push(c.to_ascii_lowercase());
            continue;
        }
        match c {
            'º' | 'ª' | '°' => {}
            'ø' | 'Ø' => out.push('o'),
            'ł' | 'Ł' => out.push('l'),
            'đ' | 'Đ' => out.push('d'),
            'ß' => out.push_str("ss"),
            'æ' | 'Æ' => out.push_str("ae"),
            _ => unicode_normalization::char::decompose_canonical(c, |part| {
                if !unicode_normalization::char::is_combining_mark(part) {
                    out.extend(part.to_lowercase());
                }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fold_and_labels_take_the_longest() {
        assert_eq!(fold("JosÉ"), "jose");
        assert_eq!(fold("Nº"), "n");
        assert_eq!(fold("Łódź"), "lodz");
        let lexicon = Lexicon::new(&["Zorblax".to_owned()], &["Rosetta".to_owned()]);
        assert!(lexicon.roles("zorblax").has(Roles::GIVEN));
        assert_eq!(lexicon.phrase("rosetta", |_| None), Some((0, Verdict::Never)));
        let next = |at: usize| ["security", "number", "is"].get(at).copied();
        assert_eq!(lexicon.label("social", next), Some((2, Label::Id)));
    }
}
