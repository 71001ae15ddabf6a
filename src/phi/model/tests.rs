//! What must hold for the shipped model and for any model that is trained.

use std::borrow::Cow;

use super::super::redact::{Context, Lists, Redactor};
use super::train::{Example, Mark, train};
use super::*;
use crate::domain::message::Language;
use crate::domain::text::RawText;

/// Words that no list of names holds.
const UNKNOWN: [&str; 8] =
    ["Zorbex", "Quilvar", "Trapnok", "Velmir", "Brontag", "Kilfrum", "Dazwel", "Morquen"];

fn examples() -> Vec<Example> {
    let mut made = Vec::new();
    for (number, word) in UNKNOWN.iter().enumerate() {
        for other in UNKNOWN.iter().skip(number % 3).take(4) {
            let text = format!("the nurse met {word} {other} downstairs and the printer {number} was off");
            let from = "the nurse met ".len();
            made.push(Example { marks: vec![(from, from + word.len() + 1 + other.len(), Mark::Name)], text });
            let text = format!("the driver of {word} {other} was updated downstairs by the shop");
            made.push(Example { marks: Vec::new(), text });
        }
    }
    made
}

fn redacted(model: Model, text: &str) -> String {
    let redactor = Redactor::with_model(&Lists::default(), model);
    let context = Context { language: Some(Language::Pt), ..Context::default() };
    redactor.redact(&RawText::new(text), &context).text.as_str().to_owned()
}

#[test]
fn a_model_learns_from_neighbours_and_the_same_seed_gives_the_same_bytes() {
    let rules = Redactor::with_model(&Lists::default(), Model::none());
    let (one, two, other) =
        (train(&examples(), &rules, 7), train(&examples(), &rules, 7), train(&examples(), &rules, 8));
    assert!(one == two && one != other);
    let model = Model::parse(Cow::Owned(one)).unwrap();
    // Names that were not among the examples, in the same places.
    let met = "the nurse met Hextolf Wimbrak downstairs and left";
    let driver = "il driver of Hextolf Wimbrak was updated downstairs";
    let chance = |text: &str, model: &Model| {
        model.chances(&Page::new(text, &rules.lexicon, &[]), &[]).get(3).map_or(0.0, |c| c.name)
    };
    assert!(chance(met, &model) > 0.8, "{}", chance(met, &model));
    assert!(chance(driver, &model) < 0.2, "{}", chance(driver, &model));
    assert!(chance(met, &Model::none()) == 0.0);
}

#[test]
fn the_shipped_model_is_of_this_version_and_small() {
    assert!(Model::parse(Cow::Borrowed(SHIPPED)).is_some());
    assert!(SHIPPED.len() < 3 << 20);
    assert!(SHIPPED.iter().filter(|byte| **byte != 0).count() > 10_000);
    assert!(Model::parse(Cow::Borrowed(&SHIPPED[1..])).is_none());
    assert!(Model::parse(Cow::Borrowed(b"")).is_none());
}

/// Each needs the model: the rules alone leave the word.
#[test]
fn the_shipped_model_finds_what_no_rule_holds() {
    let texts = [
        ("Segundo a testemunha Odarcy Krembel, o pedido foi negado.", "Krembel"),
        (
            "Servicio de Cirugía. Hospital de Sotovalle. Altos de Mirabuena, s/n. 24999 Sotovalle. correo@hospital.example",
            "Mirabuena",
        ),
    ];
    for (text, word) in texts {
        assert!(redacted(Model::none(), text).contains(word), "{text}");
        let with = redacted(Model::shipped(), text);
        assert!(!with.contains(word), "{with}");
    }
}

/// What the model weighs of a word with a capital is its shape, ends and neighbours: two names that
/// agree in these are one to it.
#[test]
fn the_model_knows_no_name_by_itself() {
    let redactor = Redactor::new(&Lists::default());
    let chances = |text: &str| Model::shipped().chances(&Page::new(text, &redactor.lexicon, &[]), &[]);
    let one = chances("the visit of Morquebben was moved to the afternoon");
    assert_eq!(one, chances("the visit of Morzizzben was moved to the afternoon"));
    assert_ne!(one, chances("the visit of Morquebosky was moved to the afternoon"));
}
