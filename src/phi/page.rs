//! A text cut into tokens, labels and zones: what every rule looks at. Takes text and a lexicon;
//! offsets are bytes of the text.

use super::lexicon::{Label, Lexicon, Medical, Roles, Verdict, fold_into};

/// How a token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Small letters, or letters of a script without case.
    Lower,
    /// One capital, then small letters; also `McCall`.
    Title,
    /// Two capitals or more.
    Upper,
    /// One capital letter.
    Initial,
    /// Capitals inside: the way products are written.
    Camel,
    /// Digits.
    Number,
    /// Letters and digits.
    Mixed,
    /// One character that is neither.
    Punct(char),
}

/// A run of letters and digits, or one other character.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
    /// The line it stands on, from 0.
    pub line: usize,
    /// How it is written.
    pub shape: Shape,
    /// What the lexicon knows.
    pub roles: Roles,
    folded: (usize, usize),
}

impl Token {
    /// True for letters only.
    pub const fn is_word(&self) -> bool {
        matches!(self.shape, Shape::Lower | Shape::Title | Shape::Upper | Shape::Initial | Shape::Camel)
    }
    /// True when it begins with a capital and holds letters only.
    pub const fn is_capital(&self) -> bool {
        matches!(self.shape, Shape::Title | Shape::Upper | Shape::Initial | Shape::Camel)
    }
    /// True when it holds a digit.
    pub const fn has_digit(&self) -> bool {
        matches!(self.shape, Shape::Number | Shape::Mixed)
    }
    /// True for this punctuation mark.
    pub fn is(&self, mark: char) -> bool {
        self.shape == Shape::Punct(mark)
    }
    /// True for a word that a name list knows and that is no ordinary word.
    pub const fn is_listed(&self) -> bool {
        self.roles.has(Roles::NAME) && !self.roles.has(Roles::COMMON)
    }
    /// True for an ordinary word, a month, a word of organisations.
    pub const fn is_ordinary(&self) -> bool {
        self.roles.has(Roles::COMMON) || self.roles.has(Roles::ORG) || self.roles.has(Roles::MONTH)
    }
    /// The punctuation mark, if it is one.
    pub const fn mark(&self) -> Option<char> {
        match self.shape {
            Shape::Punct(mark) => Some(mark),
            _ => None,
        }
    }
}

/// A label in the text.
#[derive(Debug, Clone, Copy)]
pub struct LabelAt {
    /// Its first token.
    pub first: usize,
    /// Its last token.
    pub last: usize,
    /// What it says.
    pub label: Label,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Written for us.
    Body,
    /// Behind `>`.
    Quoted,
    /// The author's closing lines.
    Signature,
    /// Out of a log.
    Log,
}

/// The cut text.
pub struct Page<'a> {
    /// The text itself.
    pub text: &'a str,
    /// Its tokens, in order.
    pub tokens: Vec<Token>,
    /// Its labels, in order, none inside another.
    pub labels: Vec<LabelAt>,
    /// The zone of each line.
    pub zones: Vec<Zone>,
    /// Clinical phrases: first token, last token, what they are; in order, none inside another.
    pub medical: Vec<(usize, usize, Medical)>,
    /// Persons of the operator's list: first and last token.
    pub listed: Vec<(usize, usize)>,
    folded: String,
}

impl<'a> Page<'a> {
    /// Cuts a text; in `placeholders` (bytes, sorted) no label is read.
    pub fn new(text: &'a str, lexicon: &Lexicon, placeholders: &[(usize, usize)]) -> Self {
        let mut page = Self {
            text,
            tokens: Vec::with_capacity(text.len() / 4),
            labels: Vec::new(),
            zones: Vec::new(),
            medical: Vec::new(),
            listed: Vec::new(),
            folded: String::with_capacity(text.len()),
        };
        page.cut(lexicon);
        for (start, end) in placeholders {
            let inside = page.token_at(*start)..page.token_at(*end);
            for token in page.tokens.get_mut(inside).unwrap_or_default() {
                token.roles = Roles::NEVER.with(Roles::REPLACED);
            }
        }
        page.find_phrases(lexicon);
        page.find_labels(lexicon);
        page.find_medical(lexicon);
        page.zones = super::zones::zones(&page);
        page
    }

    /// The token at an index.
    pub fn get(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    /// The token before an index.
    pub fn before(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at.checked_sub(1)?)
    }

    /// The folded word of a token.
    pub fn word(&self, at: usize) -> &str {
        self.get(at).map_or("", |token| self.folded.get(token.folded.0..token.folded.1).unwrap_or_default())
    }

    /// The text of a byte range.
    pub fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// True when no white space stands between a token and the one behind it.
    pub fn glued(&self, at: usize) -> bool {
        matches!((self.get(at), self.get(at + 1)), (Some(a), Some(b)) if a.end == b.start)
    }

    /// The zone of a token's line.
    pub fn zone(&self, at: usize) -> Zone {
        self.get(at).and_then(|token| self.zones.get(token.line)).copied().unwrap_or(Zone::Body)
    }

    /// The index of the first token that starts at or behind a byte.
    pub fn token_at(&self, byte: usize) -> usize {
        self.tokens.partition_point(|token| token.start < byte)
    }

    /// The last label that ends before a token.
    pub fn label_before(&self, at: usize) -> Option<LabelAt> {
        let behind = self.labels.partition_point(|label| label.last < at);
        self.labels.get(behind.checked_sub(1)?).copied()
    }

    /// The label that begins at a token.
    pub fn label_at(&self, at: usize) -> Option<LabelAt> {
        let index = self.labels.binary_search_by_key(&at, |label| label.first).ok()?;
        self.labels.get(index).copied()
    }

    fn cut(&mut self, lexicon: &Lexicon) {
        let text = self.text;
        let mut line = 0;
        let mut chars = text.char_indices().peekable();
        while let Some((start, c)) = chars.next() {
            if c == '\n' {
                line += 1;
            }
            if c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}') {
                continue;
            }
            let mut end = start + c.len_utf8();
            if !part_of_word(c) {
                let token = Token {
                    start,
                    end,
                    line,
                    shape: Shape::Punct(c),
                    roles: Roles::default(),
                    folded: (0, 0),
                };
                self.tokens.push(token);
                continue;
            }
            let mut form = Form::default();
            form.add(c);
            while let Some((at, next)) = chars.next_if(|(_, next)| part_of_word(*next)) {
                form.add(next);
                end = at + next.len_utf8();
            }
            let word = self.slice(start, end);
            let from = self.folded.len();
            fold_into(word, &mut self.folded);
            let folded = (from, self.folded.len());
            let shape = form.shape(word);
            let roles = match shape {
                Shape::Number | Shape::Mixed => Roles::default(),
                _ => roles_of(word, self.folded.get(from..).unwrap_or_default(), shape, lexicon),
            };
            self.tokens.push(Token { start, end, line, shape, roles, folded });
        }
    }

    /// Marks what the operator's lists say.
    fn find_phrases(&mut self, lexicon: &Lexicon) {
        for first in 0..self.tokens.len() {
            let Some(token) = self.get(first).filter(|token| token.roles.has(Roles::PHRASE)) else {
                continue;
            };
            let next = |step: usize| {
                self.word_after(first, step).filter(|at| self.get(*at).is_some_and(|t| t.line == token.line))
            };
            let found = lexicon.phrase(self.word(first), |step| next(step).map(|at| self.word(at)));
            let Some((more, verdict)) = found else { continue };
            let last = more.checked_sub(1).and_then(next).unwrap_or(first);
            match verdict {
                Verdict::Name => self.listed.push((first, last)),
                Verdict::Never => {
                    for token in self.tokens.get_mut(first..=last).unwrap_or_default() {
                        token.roles = token.roles.with(Roles::NEVER);
                    }
                }
            }
        }
    }

    /// Finds the clinical phrases, and drugs by their ending.
    fn find_medical(&mut self, lexicon: &Lexicon) {
        let mut at = 0;
        while let Some(token) = self.get(at) {
            let next = |step: usize| {
                self.word_after(at, step).filter(|at| self.get(*at).is_some_and(|t| t.line == token.line))
            };
            let listed = || lexicon.medical(self.word(at), |step| next(step).map(|at| self.word(at)));
            let found = if token.roles.has(Roles::CLINICAL) { listed() } else { None };
            let ending = || token.roles.has(Roles::DRUG).then_some((0, Medical::Drug));
            let Some((more, what)) = found.or_else(ending) else {
                at += 1;
                continue;
            };
            let last = more.checked_sub(1).and_then(next).unwrap_or(at);
            self.medical.push((at, last, what));
            at = last + 1;
        }
    }

    fn find_labels(&mut self, lexicon: &Lexicon) {
        let mut at = 0;
        while at < self.tokens.len() {
            let found = self.label_from(at, lexicon);
            at = match found {
                Some(label) => {
                    self.labels.push(label);
                    label.last + 1
                }
                None => at + 1,
            };
        }
    }

    fn label_from(&self, first: usize, lexicon: &Lexicon) -> Option<LabelAt> {
        let token = self.get(first).filter(|token| token.roles.has(Roles::LABEL))?;
        let next = |step: usize| {
            self.word_after(first, step).filter(|at| self.get(*at).is_some_and(|t| t.line == token.line))
        };
        let (more, label) = lexicon.label(self.word(first), |step| next(step).map(|at| self.word(at)))?;
        let last = more.checked_sub(1).and_then(next).unwrap_or(first);
        Some(LabelAt { first, last, label })
    }

    /// The index of the word `step` words behind `first + 1`, over marks that words are cut with.
    fn word_after(&self, first: usize, step: usize) -> Option<usize> {
        let mut at = first;
        for _ in 0..=step {
            at += 1;
            while self.get(at)?.mark().is_some_and(|mark| matches!(mark, '.' | '-' | '/' | '\'' | '’' | '_'))
            {
                at += 1;
            }
        }
        self.get(at).filter(|token| token.is_word() || token.shape == Shape::Number).map(|_| at)
    }
}

/// What the lexicon knows; of an unknown word with a capital, whether it is formed as names are.
fn roles_of(word: &str, folded: &str, shape: Shape, lexicon: &Lexicon) -> Roles {
    let roles = lexicon.roles(folded);
    let unknown = roles == Roles::default() && matches!(shape, Shape::Title | Shape::Upper | Shape::Lower);
    let foreign =
        || word.chars().any(|c| !c.is_ascii() && !HOME_LETTERS.contains(c)) && word.chars().count() > 2;
    if unknown && lexicon.ends_as_drug(folded) {
        return roles.with(Roles::DRUG);
    }
    if unknown && (lexicon.ends_as_name(folded) || foreign()) { roles.with(Roles::NAMELIKE) } else { roles }
}

/// Letters beyond ASCII that English, Spanish, Portuguese and Italian write.
const HOME_LETTERS: &str = "áàâãéèêíìîóòôõúùûüçñÁÀÂÃÉÈÊÍÌÎÓÒÔÕÚÙÛÜÇÑºª";

/// Letters, digits and the marks that combine with them.
fn part_of_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && unicode_normalization::char::is_combining_mark(c))
}

/// What a run of letters and digits is made of.
#[derive(Default)]
struct Form {
    capitals: usize,
    smalls: usize,
    digits: usize,
    others: usize,
    first_capital: bool,
    inner_capital: bool,
}

impl Form {
    fn add(&mut self, c: char) {
        let first = self.capitals + self.smalls + self.digits + self.others == 0;
        if c.is_ascii_digit() || c.is_numeric() && !matches!(c, 'º' | 'ª') {
            self.digits += 1;
        } else if c.is_uppercase() {
            self.first_capital |= first;
            self.inner_capital |= self.smalls > 0;
            self.capitals += 1;
        } else if c.is_lowercase() && !matches!(c, 'º' | 'ª') {
            self.smalls += 1;
        } else {
            self.others += 1;
        }
    }

    fn shape(&self, word: &str) -> Shape {
        match (self.digits, self.capitals, self.smalls) {
            (1.., 0, 0) if self.others == 0 => Shape::Number,
            (1.., ..) => Shape::Mixed,
            (0, 1, 0) if self.others == 0 => Shape::Initial,
            (0, 1.., 0) => Shape::Upper,
            (0, 1, _) if self.first_capital => Shape::Title,
            (0, 1.., _) if patronymic(word) => Shape::Title,
            (0, 2, 2..) if self.first_capital && !self.inner_capital => Shape::Title,
            (0, 1.., _) => Shape::Camel,
            _ => Shape::Lower,
        }
    }
}

/// `McCall`, `MacArthur`, `DeLuca`: a prefix of names, then one word with a capital.
fn patronymic(word: &str) -> bool {
    ["Mc", "Mac", "De", "Di", "Da", "Du", "La", "Le", "Van", "Fitz", "O"].iter().any(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            let mut rest = rest.chars();
            rest.next().is_some_and(char::is_uppercase)
                && rest.clone().count() > 1
                && rest.all(char::is_lowercase)
        })
    })
}
