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
