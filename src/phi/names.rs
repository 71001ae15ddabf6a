//! Names of persons: behind forms of address, roles and labels; by the name lists; and again
//! wherever a name once accepted recurs. Takes a cut page, what other rules found, and the author;
//! gives findings. The author's own name stays in greeting and signature, and nowhere behind a
//! role: a patient may share it.

use std::collections::{HashMap, HashSet};

use super::chains::{Chains, Ground};
use super::finding::{Finding, Kind};
use super::lexicon::{Label, Roles};
use super::likely;
use super::model::Chance;
use super::page::{Page, Shape, Token, Zone};
use super::sender::Sender;
use crate::domain::message::Language;

/// Words that may stand between a ground and the name.
const LINKS: [&str; 26] = [
    "a",
    "as",
    "os",
    "el",
    "la",
    "il",
    "o",
    "is",
    "es",
    "e",
    "was",
    "called",
    "named",
    "llamado",
    "llamada",
    "chamado",
    "chamada",
    "s",
    "for",
    "por",
    "al",
    "clinico",
    "responsable",
    "me",
    "name",
    "ao",
];

/// Words behind which capital words are rather a thing's name than a person's.
const THINGS: [&str; 46] = [
    "in",
    "on",
    "at",
    "into",
    "onto",
    "using",
    "via",
    "the",
    "a",
    "an",
    "our",
    "your",
    "my",
    "en",
    "el",
    "la",
    "un",
    "una",
    "nuestro",
    "nuestra",
    "usando",
    "desde",
    "o",
    "os",
    "as",
    "no",
    "na",
    "um",
    "uma",
    "nosso",
    "nossa",
    "il",
    "lo",
    "su",
    "sul",
    "nel",
    "nella",
    "nostro",
    "usa",
    "app",
    "software",
    "sistema",
    "system",
    "modulo",
    "plataforma",
    "version",
];

/// Endings of English nouns and adjectives that stand in headings.
const NOUN_ENDINGS: [&str; 22] = [
    "ment", "tion", "sion", "ing", "ity", "ness", "ware", "logy", "ance", "ence", "ics", "able", "ful",
    "ous", "ive", "ed", "ship", "age", "ers", "ions", "ies", "ical",
];

/// What persons do and programs do not.
const DEEDS: [&str; 34] = [
    "lives", "lived", "told", "asked", "wrote", "called", "phoned", "came", "went", "died", "married",
    "moved", "grew", "gave", "thinks", "likes", "loves", "wants", "visited", "arrived", "vive", "llamo",
    "pregunta", "dijo", "escribio", "mora", "ligou", "pediu", "disse", "abita", "chiamato", "chiede",
    "scrive", "born",
];

/// Looks for names on one page.
pub struct Names<'p, 'a> {
    page: &'p Page<'a>,
    sender: &'p Sender,
    chains: Chains<'p, 'a>,
    /// What the page is written in, where known.
    language: Option<Language>,
    /// Tokens of names found so far.
    named: Vec<bool>,
    /// What the model thinks of each token.
    chances: Vec<Chance>,
}

/// First token, last token, why.
type Hit = (usize, usize, Ground);

impl<'p, 'a> Names<'p, 'a> {
    /// Prepares; `found` is what other rules hold, `links` bytes of mail addresses and links.
    pub fn new(page: &'p Page<'a>, sender: &'p Sender, found: &[Finding], links: &[(usize, usize)]) -> Self {
        let mut taken = vec![false; page.tokens.len()];
        for (start, end) in found.iter().map(|f| (f.start, f.end)).chain(links.iter().copied()) {
            let from = page.token_at(start);
            let held =
                taken.iter_mut().zip(&page.tokens).skip(from).take_while(|(_, token)| token.start < end);
            held.for_each(|(held, _)| *held = true);
        }
        Self {
            page,
            sender,
            language: None,
            named: vec![false; page.tokens.len()],
            chances: Vec::new(),
            chains: Chains { page, taken },
        }
    }

    /// The same, for a page of a known language.
    pub fn in_language(self, language: Option<Language>) -> Self {
        Self { language, ..self }
    }

    /// The same, with the model's opinion of each token.
    pub fn with_chances(self, chances: Vec<Chance>) -> Self {
        Self { chances, ..self }
    }

    /// Adds the names of the page, `known` (folded words) being names of the ticket already.
    pub fn find(mut self, known: &HashSet<String>, found: &mut Vec<Finding>) {
        let mut names: Vec<Hit> = Vec::new();
        let mut at = 0;
        while at < self.page.tokens.len() {
            match self.grounded(at).or_else(|| self.by_look(at)) {
                Some(hit) if !self.spared(hit) => {
                    let (first, last, _) = hit;
                    if let Some(tokens) = self.named.get_mut(first..=last) {
                        tokens.fill(true);
                    }
                    names.push(hit);
                    at = last + 1;
                }
                Some((_, last, _)) => at = last + 1,
                None => at += 1,
            }
        }
        self.likely(&mut names);
        let words = self.words_of(&names, known);
        found.extend(
            names.iter().filter_map(|(first, last, ground)| self.finding(*first, *last, ground.rule())),
        );
        self.again(&words, found);
        self.join(found);
    }

    /// `Virginia Alcântara de Menezes`: a particle between two names belongs to them.
    fn join(&self, found: &mut Vec<Finding>) {
        let names = found.iter().filter(|f| f.kind == Kind::Name);
        let (starts, ends): (HashMap<usize, usize>, HashMap<usize, usize>) =
            names.map(|f| ((f.start, f.end), (f.end, f.start))).unzip();
        let tokens = &self.page.tokens;
        for (at, token) in tokens.iter().enumerate() {
            let particle = token.shape == Shape::Lower
                && token.roles.has(Roles::PARTICLE)
                && !matches!(self.page.word(at), "e" | "y" | "a" | "al");
            let Some((prev, next)) = self.page.before(at).zip(tokens.get(at + 1)).filter(|_| particle) else {
                continue;
            };
            let near = prev.line == token.line && next.line == token.line;
            if let (true, Some(start), Some(end)) = (near, ends.get(&prev.end), starts.get(&next.start)) {
                found.push(Finding::new(*start, *end, Kind::Name, "name.join"));
            }
        }
    }

    /// Adds what the model takes for a name and no rule holds.
    fn likely(&mut self, names: &mut Vec<Hit>) {
        for (first, last) in likely::names(self.page, &self.chances, &self.named, &self.chains) {
            let hit = (first, last, Ground::Model);
            if self.spared(hit) {
                continue;
            }
            if let Some(tokens) = self.named.get_mut(first..=last) {
                tokens.fill(true);
            }
            names.push(hit);
        }
    }

    fn finding(&self, first: usize, last: usize, rule: &'static str) -> Option<Finding> {
        let (start, end) = (self.page.get(first)?.start, self.page.get(last)?.end);
        Some(Finding::new(start, end, Kind::Name, rule))
    }

    /// A name behind the title, role or label that begins at `at`.
    fn grounded(&self, at: usize) -> Option<Hit> {
        let token = self.chains.free(at)?;
        let label = self.page.label_at(at).filter(|label| label.label == Label::Person);
        let counted = self.page.before(at).is_some_and(|prev| prev.has_digit() && prev.line == token.line);
        let title = token.roles.has(Roles::TITLE) && !counted;
        let role = [Roles::ROLE, Roles::SEEK, Roles::GREET].iter().any(|role| token.roles.has(*role));
        if label.is_none() && !role && !title {
            return None;
        }
        let (first, mut ground) = self.skip(label.map_or(at, |label| label.last) + 1, token)?;
        if ground == Ground::Role && title {
            ground = Ground::Title;
        }
        let last = self.chains.follow(first, ground)?;
        let words = (first..=last).filter_map(|i| self.page.get(i)).filter(|t| t.is_word());
        let sure = words.clone().any(Token::is_listed) || words.count() > 1;
        let hailed = token.roles.has(Roles::GREET)
            && self.opens_line(at)
            && self.page.get(last + 1).is_some_and(|t| t.is(',') || t.is('!') || t.is(':'));
        let weak =
            !hailed && label.is_none() && !title && !token.roles.has(Roles::ROLE) && ground == Ground::Role;
        (!weak || sure).then_some((first, last, ground))
    }

    /// Steps over marks, articles and further titles to where the name begins.
    fn skip(&self, behind: usize, trigger: &Token) -> Option<(usize, Ground)> {
        let mut ground = Ground::Role;
        for at in behind..behind + 8 {
            let token = self.page.get(at)?;
            if token.line != trigger.line && ground != Ground::Field {
                return None;
            }
            let word = self.page.word(at);
            let before = at.checked_sub(1).map_or("", |prev| self.page.word(prev));
            let naming = matches!(before, "name" | "nombre" | "nome");
            match token.mark() {
                Some(':' | '=') => ground = Ground::Field,
                Some('?') if naming => {}
                Some('.') => {
                    let prev = self.page.before(at).filter(|t| t.end == token.start && t.is_word());
                    prev.filter(|t| t.roles.has(Roles::TITLE) || t.end - t.start <= 3)?;
                }
                Some('(' | ')' | '"' | '\'' | '“' | '«' | '*' | '/' | 'ª' | 'º') => {}
                Some(_) => return None,
                None if token.roles.has(Roles::TITLE) && !token.roles.has(Roles::NAME) => {
                    if ground == Ground::Role {
                        ground = Ground::Title;
                    }
                }
                None if naming && matches!(word, "is" | "es" | "e") => ground = Ground::Field,
                None if token.shape == Shape::Lower && LINKS.contains(&word) => {}
                None if token.shape == Shape::Initial && self.page.get(at + 1).is_some_and(|t| t.is(')')) => {
                }
                None => return Some((at, ground)),
            }
        }
        None
    }

    /// A name by its look: listed words, capital, not part of an organisation's or a street's name.
    fn by_look(&self, first: usize) -> Option<Hit> {
        let token = self.chains.free(first).filter(|token| token.is_word())?;
        let small = token.shape == Shape::Lower;
        let next = || {
            self.chains
                .free(first + 1)
                .is_some_and(|t| t.is_capital() && t.is_listed() && t.line == token.line)
        };
        let particle = token.shape == Shape::Title && token.roles.has(Roles::PARTICLE) && next();
        if token.shape == Shape::Title && self.acts(first) {
            return Some((first, first, Ground::Look));
        }
        if small && !token.roles.has(Roles::GIVEN)
            || !particle && !self.chains.accepts(first, Ground::Look, 0)
        {
            return None;
        }
        let last = self.chains.follow(first, Ground::Look)?;
        let particle = |t: &&Token| t.shape == Shape::Lower && t.roles.has(Roles::PARTICLE);
        let tokens = (first..=last).filter_map(|i| self.page.get(i)).filter(|t| t.is_word());
        let words: Vec<&Token> = tokens.filter(|t| !particle(t)).collect();
        let sure = words.iter().filter(|t| t.is_listed()).count();
        let listed = words.iter().filter(|t| t.roles.has(Roles::NAME)).count();
        let formed = words.iter().filter(|t| t.roles.has(Roles::NAMELIKE)).count();
        let enough = match words.as_slice() {
            [] => false,
            [one] => {
                let single =
                    one.shape == Shape::Title && one.end - one.start > 2 && !one.roles.has(Roles::PLACE);
                single && (sure == 1 || formed == 1)
            }
            _ => sure + formed >= 1 || listed >= 2 || self.strangers(first, &words),
        };
        let foreign = self.organised(first, last) && (sure < 2 || self.organised_before(first));
        (enough && !foreign).then_some((self.headed(first), last, Ground::Look))
    }

    /// An unknown word that opens a sentence and does what persons do: `Zyta lives`, `Zyta, can you`.
    fn acts(&self, at: usize) -> bool {
        let unknown = self.page.get(at).is_some_and(|t| t.roles == Roles::default());
        let next = at + 1;
        let addressed = self.opens_line(at)
            && self.page.get(next).is_some_and(|t| t.is(','))
            && matches!(
                self.page.word(next + 1),
                "can" | "could" | "would" | "will" | "please" | "do" | "are" | "i" | "you"
            )
            && !self.page.word(at).ends_with("ly");
        unknown && self.opens_sentence(at) && (addressed || DEEDS.contains(&self.page.word(next)))
    }

    /// `DOE, John`: where the name begins, when a family name in capitals heads it.
    fn headed(&self, first: usize) -> usize {
        let comma = self.page.before(first).is_some_and(|t| t.is(','));
        let head = first.checked_sub(2).filter(|_| comma).and_then(|at| self.chains.free(at));
        let line = self.page.get(first).map_or(0, |t| t.line);
        match head {
            Some(t)
                if t.shape == Shape::Upper && t.line == line && t.end - t.start > 2 && !t.is_ordinary() =>
            {
                first - 2
            }
            _ => first,
        }
    }

    /// Two unknown words with capitals, where things of software are not spoken of: behind an
    /// article or a preposition of place they are rather a product.
    fn strangers(&self, first: usize, words: &[&Token]) -> bool {
        /// Less, and the model is sure that it is a thing.
        const LEAST: f32 = 0.05;
        let unknown =
            |t: &&&Token| t.shape == Shape::Title && t.roles == Roles::default() && t.end - t.start > 2;
        let before =
            first.checked_sub(1).filter(|at| !self.opens_sentence(first) && self.page.get(*at).is_some());
        let placed = before.is_some_and(|at| {
            THINGS.contains(&self.page.word(at)) || self.page.get(at).is_some_and(Token::is_capital)
        });
        let noun = |t: &&Token| {
            let word = self.page.slice(t.start, t.end);
            NOUN_ENDINGS.iter().any(|ending| word.ends_with(ending))
        };
        let english = matches!(self.language, None | Some(Language::En));
        let doubted = self.chances.get(first).is_some_and(|chance| chance.name < LEAST);
        english
            && !doubted
            && words.iter().filter(unknown).count() >= 2
            && !placed
            && !words.last().is_some_and(noun)
    }

    /// True when the words belong to the name of an organisation or a product: such a word or a
    /// version stands in them or beside them.
    fn organised(&self, first: usize, last: usize) -> bool {
        let line = self.page.get(first).map_or(0, |t| t.line);
        let next = self.page.get(last + 1).filter(|t| t.line == line);
        let versioned = matches!(self.page.word(last + 1), "build" | "version" | "v");
        let version = next.is_some_and(|t| t.has_digit() || t.is('+') || versioned);
        self.beside_organisation(first, last) || version && first == last
    }

    /// True when an organisation's word stands in the words or beside them.
    fn beside_organisation(&self, first: usize, last: usize) -> bool {
        let line = self.page.get(first).map_or(0, |t| t.line);
        let next = self.page.get(last + 1).filter(|t| t.line == line);
        let org = |t: &Token| t.roles.has(Roles::ORG) && !t.roles.has(Roles::NAME);
        let inside = (first..=last).any(|at| self.page.get(at).is_some_and(org));
        inside || self.organised_before(first) || next.is_some_and(of_organisation)
    }

    /// True when an organisation's or a street's word stands before.
    fn organised_before(&self, first: usize) -> bool {
        let line = self.page.get(first).map_or(0, |t| t.line);
        let near =
            |back: usize| first.checked_sub(back).and_then(|at| self.page.get(at)).filter(|t| t.line == line);
        let joint = near(1).is_some_and(|t| t.roles.has(Roles::PARTICLE) || t.is('.'));
        near(1).is_some_and(of_organisation) || joint && near(2).is_some_and(of_organisation)
    }

    /// The author's own name: anywhere in the signature as far as it agrees with From, elsewhere
    /// where nothing but its look speaks for a name and all its words agree.
    fn spared(&self, (first, last, ground): Hit) -> bool {
        if self.sender.is_unknown() {
            return false;
        }
        let word =
            |at: &usize| self.page.get(*at).is_some_and(|t| t.is_word() && !t.roles.has(Roles::PARTICLE));
        let mut words = (first..=last).filter(word);
        let agrees = |at: usize| self.sender.has(self.page.word(at));
        let line = |at: usize| self.page.get(at).map_or(0, |token| token.line);
        match (self.page.zone(first), ground) {
            (Zone::Signature, Ground::Look | Ground::Title) => words.any(agrees),
            (Zone::Signature, Ground::Model) => {
                words.any(agrees) || self.signed_lines().contains(&line(first))
            }
            (Zone::Body, Ground::Look | Ground::Model) => words.all(agrees),
            _ => false,
        }
    }

    /// The folded words of the accepted names, as far as they are telling.
    fn words_of(&self, names: &[Hit], known: &HashSet<String>) -> HashSet<String> {
        let mut words = known.clone();
        for at in names.iter().flat_map(|(first, last, _)| *first..=*last) {
            let Some(token) = self.page.get(at).filter(|t| t.is_word() && t.end - t.start > 2) else {
                continue;
            };
            let ordinary = token.is_ordinary() && !token.roles.has(Roles::NAME);
            if !ordinary && !token.roles.has(Roles::PARTICLE) {
                words.insert(self.page.word(at).to_owned());
            }
        }
        words
    }

    /// Finds accepted words again.
    fn again(&self, words: &HashSet<String>, found: &mut Vec<Finding>) {
        if words.is_empty() {
            return;
        }
        let signed = self.signed_lines();
        for (at, token) in self.page.tokens.iter().enumerate() {
            let held = self.named.get(at).copied().unwrap_or(true) || self.chains.free(at).is_none();
            if held
                || !token.is_word()
                || token.roles.has(Roles::NEVER)
                || !words.contains(self.page.word(at))
            {
                continue;
            }
            let ordinary = token.is_ordinary() || token.roles.has(Roles::PLACE);
            let written = token.is_capital() || !ordinary && token.roles.has(Roles::NAME);
            let doubtful = ordinary && (token.shape == Shape::Lower || self.opens_sentence(at));
            if written && !doubtful && !self.own(at, token, &signed) && !self.beside_organisation(at, at) {
                found.push(Finding::new(token.start, token.end, Kind::Name, "name.again"));
            }
        }
    }

    /// True for a word of the author's name in what they wrote, and for all of the line that they
    /// sign with.
    fn own(&self, at: usize, token: &Token, signed: &HashSet<usize>) -> bool {
        match self.page.zone(at) {
            Zone::Signature => signed.contains(&token.line),
            Zone::Body => self.sender.has(self.page.word(at)),
            _ => false,
        }
    }

    /// The lines of the signature on which a word of the author's name stands.
    fn signed_lines(&self) -> HashSet<usize> {
        let tokens = self.page.tokens.iter().enumerate();
        let own = tokens.filter(|(at, t)| {
            t.is_word() && self.page.zone(*at) == Zone::Signature && self.sender.has(self.page.word(*at))
        });
        own.map(|(_, t)| t.line).collect()
    }

    fn opens_line(&self, at: usize) -> bool {
        self.page.before(at).is_none_or(|prev| self.page.get(at).is_some_and(|t| t.line != prev.line))
    }

    fn opens_sentence(&self, at: usize) -> bool {
        match (self.page.before(at), self.page.get(at)) {
            (Some(prev), Some(token)) => {
                prev.line != token.line || matches!(prev.mark(), Some('.' | '!' | '?' | ':' | '>' | '-'))
            }
            _ => true,
        }
    }
}

fn of_organisation(token: &Token) -> bool {
    token.is_capital()
        && (token.roles.has(Roles::ORG) || token.roles.has(Roles::STREET) || token.shape == Shape::Camel)
}
