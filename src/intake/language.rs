//! The language of the visible text among those the gateway writes in. Takes text, gives a language
//! only where it is clear; the caller falls back on what the customer or the desk uses.

use std::sync::LazyLock;

use lingua::{Language as Lingua, LanguageDetector, LanguageDetectorBuilder};

use super::limits;
use crate::domain::message::Language;

/// How far the first language must be ahead of the second, on a scale of 0 to 1.
const MARGIN: f64 = 0.08;
/// Fewer letters tell nothing.
const LETTERS: usize = 12;

/// The models load once, on first use.
static DETECTOR: LazyLock<LanguageDetector> = LazyLock::new(|| {
    LanguageDetectorBuilder::from_languages(&[
        Lingua::English,
        Lingua::Spanish,
        Lingua::Portuguese,
        Lingua::Italian,
    ])
    .with_minimum_relative_distance(MARGIN)
    .build()
});

/// Words that are frequent in one language and are none in the others, nor in their neighbours.
const TELLING: [(Language, &[&str]); 4] = [
    (
        Language::En,
        &[
            "the", "and", "of", "with", "this", "that", "have", "has", "you", "your", "are", "would",
            "please", "from", "when", "there", "which", "been", "could", "their", "they", "our", "not",
        ],
    ),
    (
        Language::Es,
        &[
            "el",
            "los",
            "las",
            "y",
            "del",
            "una",
            "pero",
            "por",
            "esta",
            "est\u{e1}",
            "muy",
            "hola",
            "gracias",
            "usted",
            "ustedes",
            "desde",
            "hoy",
            "ayer",
            "cuando",
            "tambi\u{e9}n",
            "mi",
            "nos",
            "ha",
            "sin",
        ],
    ),
    (
        Language::Pt,
        &[
            "n\u{e3}o",
            "uma",
            "em",
            "os",
            "s\u{e3}o",
            "voc\u{ea}",
            "voc\u{ea}s",
            "ao",
            "obrigado",
            "obrigada",
            "com",
            "foi",
            "meu",
            "minha",
            "mas",
            "pela",
            "pelo",
            "num",
            "numa",
            "h\u{e1}",
            "j\u{e1}",
            "um",
            "isso",
            "seu",
        ],
    ),
    (
        Language::It,
        &[
            "il",
            "che",
            "non",
            "di",
            "della",
            "sono",
            "gli",
            "nel",
            "questo",
            "questa",
            "anche",
            "\u{e8}",
            "ho",
            "alla",
            "nella",
            "delle",
            "degli",
            "dei",
            "ci",
            "mio",
            "grazie",
            "pi\u{f9}",
            "perch\u{e9}",
            "stato",
        ],
    ),
];
/// So many telling words of one language...
const HITS: usize = 5;
/// ...and so many times those of the next one are proof without a model, which costs a hundred times more.
const AHEAD: usize = 4;

/// The language by its frequent words alone, where there is no doubt.
fn by_words(text: &str) -> Option<Language> {
    let mut counts = [0_usize; 4];
    let mut all = 0;
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        all += 1;
        let word = word.to_lowercase();
        for (count, (_, words)) in counts.iter_mut().zip(&TELLING) {
            *count += usize::from(words.contains(&word.as_str()));
        }
    }
    let (best, language) =
        counts.iter().zip(&TELLING).map(|(n, (language, _))| (*n, *language)).max_by_key(|(n, _)| *n)?;
    let next =
        counts.iter().zip(&TELLING).filter(|(_, (other, _))| *other != language).map(|(n, _)| *n).max()?;
    (best >= HITS && best >= AHEAD * next && best * 8 >= all).then_some(language)
}

/// Tells the language, `None` where it is not clear.
pub fn tell(text: &str) -> Option<Language> {
    let words = text
        .split_whitespace()
        .filter(|word| !word.contains(['@', '/', '<', '>']) && !word.chars().any(|c| c.is_ascii_digit()));
    let mut plain = String::new();
    for word in words {
        if plain.len() + word.len() > limits::LANGUAGE_BYTES {
            break;
        }
        plain.push_str(word);
        plain.push(' ');
    }
    if plain.chars().filter(|c| c.is_alphabetic()).count() < LETTERS {
        return None;
    }
    if let Some(language) = by_words(&plain) {
        return Some(language);
    }
    match DETECTOR.detect_language_of(plain)? {
        Lingua::English => Some(Language::En),
        Lingua::Spanish => Some(Language::Es),
        Lingua::Portuguese => Some(Language::Pt),
        Lingua::Italian => Some(Language::It),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_of_the_four_languages() {
        let cases = [
            ("The printer on the second floor does not answer any more", Some(Language::En)),
            ("No puedo entrar al sistema desde esta ma\u{f1}ana", Some(Language::Es)),
            ("N\u{e3}o consigo acessar o sistema desde hoje de manh\u{e3}", Some(Language::Pt)),
            ("Non riesco ad accedere al sistema da stamattina", Some(Language::It)),
            ("ok", None),
            ("4711 0815 https://clinic.example", None),
        ];
        for (text, want) in cases {
            assert_eq!(tell(text), want, "{text}");
        }
    }
}
