//! Diagnoses, drugs and their codes, where a person stands near: by themselves they are the help
//! desk's daily words. Takes a cut page, its numbers, and what was found of persons; gives findings.
//! How much is asked for is the desk's policy.

use std::collections::HashSet;

use super::chunks::Chunk;
use super::finding::{Finding, Kind};
use super::lexicon::{Medical, Roles};
use super::page::{Page, Token};
use crate::domain::desk::ClinicalWords;

/// So many lines away a person still stands near.
const NEAR: usize = 2;
/// A label governs a code over so many words.
const REACH: usize = 3;

/// A clinical word on a page: first token, last token, what it is.
#[derive(Clone, Copy)]
struct Term {
    first: usize,
    last: usize,
    what: Medical,
}

/// Adds the clinical words that the policy asks for.
pub fn find(page: &Page<'_>, chunks: &[Chunk], policy: ClinicalWords, found: &mut Vec<Finding>) {
    if policy == ClinicalWords::Off {
        return;
    }
    let terms: Vec<Term> =
        page.medical.iter().map(|(first, last, what)| widened(page, *first, *last, *what)).collect();
    if terms.is_empty() {
        return;
    }
    let mut hits: Vec<(usize, usize, usize, &'static str)> = Vec::new();
    for term in &terms {
        let rule = match term.what {
            Medical::Diagnosis => "clinical.diagnosis",
            Medical::Drug => "clinical.drug",
            Medical::Code | Medical::Procedure => continue,
        };
        if let (Some(first), Some(last)) = (page.get(term.first), page.get(term.last)) {
            hits.push((first.line, first.start, last.end, rule));
        }
    }
    codes(page, chunks, &terms, &mut hits);
    let persons = lines_of_persons(page, found);
    let near = |line: usize| (line.saturating_sub(NEAR)..=line + NEAR).any(|line| persons.contains(&line));
    let wanted = hits.into_iter().filter(|(line, ..)| policy == ClinicalWords::Always || near(*line));
    found.extend(wanted.map(|(_, start, end, rule)| Finding::new(start, end, Kind::Clinical, rule)));
}

/// The lines on which something of a person was found, or was replaced already.
fn lines_of_persons(page: &Page<'_>, found: &[Finding]) -> HashSet<usize> {
    let line = |at: usize| page.get(at).map(|token| token.line);
    let tells = |f: &&Finding| !matches!(f.kind, Kind::Url | Kind::Ip | Kind::Device | Kind::Clinical);
    let mut lines: HashSet<usize> =
        found.iter().filter(tells).filter_map(|f| line(page.token_at(f.start))).collect();
    lines.extend(page.tokens.iter().filter(|t| t.roles.has(Roles::REPLACED)).map(|t| t.line));
    lines
}

/// With what belongs to it: `tipo 2`, `mellito`; of a drug its dose.
fn widened(page: &Page<'_>, first: usize, last: usize, what: Medical) -> Term {
    let mut last = last;
    let line = page.get(first).map_or(0, |token| token.line);
    let on_line = |at: usize| page.get(at).filter(|token| token.line == line);
    while let Some(next) = on_line(last + 1) {
        let number = |at: usize| on_line(at).is_some_and(Token::has_digit);
        last = match what {
            Medical::Diagnosis if next.roles.has(Roles::TAIL) => last + 1,
            Medical::Diagnosis if next.roles.has(Roles::COUNTED) && number(last + 2) => last + 2,
            Medical::Drug if number(last + 1) && dose(page, last + 2) => last + 2,
            _ => break,
        };
    }
    Term { first, last, what }
}

fn dose(page: &Page<'_>, at: usize) -> bool {
    matches!(page.word(at), "mg" | "mcg" | "ug" | "ml" | "g" | "iu" | "ui" | "cp" | "cpr")
}

/// Codes: behind a word that says so, in brackets behind a diagnosis, or beside another code.
fn codes(
    page: &Page<'_>,
    chunks: &[Chunk],
    terms: &[Term],
    hits: &mut Vec<(usize, usize, usize, &'static str)>,
) {
    let mut last_code = None;
    for chunk in chunks {
        let text = page.slice(chunk.start, chunk.end);
        let (disease, procedure) =
            (disease_code(text), chunk.letters == 0 && text.len() == 5 && chunk.digits == 5);
        let old = chunk.letters == 0 && old_disease_code(text);
        if !disease && !procedure && !old {
            continue;
        }
        let governed = governing(page, chunk, terms);
        let beside = last_code
            .is_some_and(|last: usize| chunk.first - last <= 3 && same_line(page, last, chunk.first));
        let rule = match governed {
            Some(Medical::Procedure) if procedure || disease => "clinical.procedure",
            Some(Medical::Code | Medical::Diagnosis) if disease || old => "clinical.icd",
            _ if beside && disease => "clinical.icd",
            _ => continue,
        };
        last_code = Some(chunk.last);
        let line = page.get(chunk.first).map_or(0, |token| token.line);
        hits.push((line, chunk.start, chunk.end, rule));
    }
}

fn same_line(page: &Page<'_>, one: usize, two: usize) -> bool {
    page.get(one).map(|token| token.line) == page.get(two).map(|token| token.line)
}

/// What stands before a code and makes it one: a label within reach, or a diagnosis and `(`.
fn governing(page: &Page<'_>, chunk: &Chunk, terms: &[Term]) -> Option<Medical> {
    let before = terms.partition_point(|term| term.last < chunk.first);
    let term = before.checked_sub(1).and_then(|at| terms.get(at))?;
    if !same_line(page, term.last, chunk.first) {
        return None;
    }
    let between = page.tokens.get(term.last + 1..chunk.first)?;
    let words = between.iter().filter(|token| token.is_word()).count();
    let stopped = between.iter().any(|token| token.is('.') || token.is(';'));
    match term.what {
        Medical::Code | Medical::Procedure => (words <= REACH && !stopped).then_some(term.what),
        Medical::Diagnosis => {
            let marked =
                between.iter().all(|token| matches!(token.mark(), Some('(' | ',' | ':' | '-' | '[')));
            (marked && !between.is_empty()).then_some(term.what)
        }
        Medical::Drug => None,
    }
}

/// `E11`, `E11.9`, `B24X`, `S72.001A` (ICD-10): a letter, a digit, a letter or digit, and up to four
/// more behind a point.
fn disease_code(text: &str) -> bool {
    let (head, tail) = text.split_once('.').unwrap_or((text, ""));
    let mut letters = head.bytes();
    let begins = letters.next().is_some_and(|b| b.is_ascii_uppercase())
        && letters.next().is_some_and(|b| b.is_ascii_digit())
        && letters.next().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'A' | b'B'));
    let rest: Vec<u8> = letters.collect();
    let ended = matches!(rest.as_slice(), [] | [b'0'..=b'9' | b'X']) && (rest.is_empty() || tail.is_empty());
    begins && ended && tail.len() <= 4 && tail.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// `174.9`, `250.00` (ICD-9), still written in Italy.
fn old_disease_code(text: &str) -> bool {
    let Some((head, tail)) = text.split_once('.') else { return false };
    head.len() == 3
        && matches!(tail.len(), 1 | 2)
        && head.bytes().chain(tail.bytes()).all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::redact::{Context, Lists, Redactor};
    use super::*;
    use crate::domain::text::RawText;

    fn check(policy: ClinicalWords, cases: &[(&str, &str)]) {
        let redactor = Redactor::new(&Lists::default());
        let context = Context { clinical: policy, ..Context::default() };
        for (text, want) in cases {
            assert_eq!(redactor.redact(&RawText::new(*text), &context).text.as_str(), *want, "{text}");
        }
    }

    #[test]
    fn clinical_words_go_where_a_person_stands_near() {
        check(
            ClinicalWords::Near,
            &[
                (
                    "Patient Mary Major (MRN 0045567) has type 2 diabetes (E11.9) and takes metformin 500 mg.",
                    "Patient [NAME-1] (MRN [ID-1]) has [CLINICAL-1] ([CLINICAL-2]) and takes [CLINICAL-3].",
                ),
                (
                    "CPF 529.982.247-25: diagnóstico hipertensão arterial, CID I10; receita de losartana 50 mg.",
                    "CPF [ID-1]: diagnóstico [CLINICAL-1], CID [CLINICAL-2]; receita de [CLINICAL-3].",
                ),
                (
                    "Il paziente Mario Rossi: diagnosi diabete mellito tipo 2, codice 250.00; atorvastatina 20 mg",
                    "Il paziente [NAME-1]: diagnosi [CLINICAL-1], codice [CLINICAL-2]; [CLINICAL-3]",
                ),
                (
                    "La señora Luz Marina Cárdenas, CIE-10 B24X y F33.1, CPT 99214.",
                    "La señora [NAME-1], CIE-10 [CLINICAL-1] y [CLINICAL-2], CPT [CLINICAL-3].",
                ),
            ],
        );
    }

    #[test]
    fn without_a_person_they_stay() {
        let texts = [
            "The diabetes module drops the ICD-10 code E11.9 and CPT 99214 since 4.12.",
            "A tela de hipertensão trava com o CID I10.",
            "Error E11 in build B24X, port 99214",
        ];
        for text in texts {
            check(ClinicalWords::Near, &[(text, text)]);
        }
        check(ClinicalWords::Always, &[(texts[1], "A tela de [CLINICAL-1] trava com o CID [CLINICAL-2].")]);
        let kept = ("Patient Mary Major has HIV (B20).", "Patient [NAME-1] has HIV (B20).");
        check(ClinicalWords::Off, &[kept]);
        check(ClinicalWords::Near, &[(kept.0, "Patient [NAME-1] has [CLINICAL-1] ([CLINICAL-2]).")]);
        let far = "Patient Mary Major called.\n\n\n\nThe HIV form is blank, error E11.";
        check(
            ClinicalWords::Near,
            &[(far, "Patient [NAME-1] called.\n\n\n\nThe HIV form is blank, error E11.")],
        );
    }

    #[test]
    fn forms_of_codes() {
        for code in ["E11", "E11.9", "B24X", "S72.001A", "C50.911", "I10X", "Z3A.20"] {
            assert!(disease_code(code), "{code}");
        }
        for other in ["E-4017", "E4017", "E1", "11.9", "e11.9", "E11.12345", "0x80", "E11.9.1", "AB1"] {
            assert!(!disease_code(other), "{other}");
        }
        assert!(old_disease_code("174.9") && !old_disease_code("17.9") && !old_disease_code("174"));
    }
}
