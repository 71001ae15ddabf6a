//! Segments of HL7 version 2 that a mail or a log quotes: `PID|1||784512^^^HOSP|O'BRIEN^PATRICK|...`.
//! Takes text, gives a finding for each field that names a person, by the standard's field numbers.

use super::finding::{Finding, Kind};

/// A segment's name and its fields of persons (HL7 v2.5 chapters 3 and 6).
const SEGMENTS: [(&str, &[(usize, Kind)]); 5] = [
    (
        "PID",
        &[
            (2, Kind::Id),
            (3, Kind::Id),
            (4, Kind::Id),
            (5, Kind::Name),
            (6, Kind::Name),
            (7, Kind::Date),
            (9, Kind::Name),
            (11, Kind::Address),
            (13, Kind::Phone),
            (14, Kind::Phone),
            (18, Kind::Id),
            (19, Kind::Id),
            (20, Kind::Id),
            (21, Kind::Id),
            (23, Kind::Address),
            (29, Kind::Date),
        ],
    ),
    ("NK1", &[(2, Kind::Name), (4, Kind::Address), (5, Kind::Phone), (6, Kind::Phone)]),
    (
        "GT1",
        &[
            (2, Kind::Id),
            (3, Kind::Name),
            (5, Kind::Address),
            (6, Kind::Phone),
            (8, Kind::Date),
            (12, Kind::Id),
        ],
    ),
    ("IN1", &[(2, Kind::Id), (16, Kind::Name), (18, Kind::Date), (19, Kind::Address), (36, Kind::Id)]),
    (
        "PV1",
        &[
            (7, Kind::Name),
            (8, Kind::Name),
            (9, Kind::Name),
            (17, Kind::Name),
            (19, Kind::Id),
            (44, Kind::Date),
        ],
    ),
];

/// Adds the fields of persons.
pub fn find(text: &str, found: &mut Vec<Finding>) {
    if !text.contains('|') {
        return;
    }
    for (name, fields) in SEGMENTS {
        let mut done = 0;
        for (at, _) in text.match_indices(name) {
            if at < done {
                continue;
            }
            let line = text.get(at..).and_then(|rest| rest.split(['\r', '\n']).next()).unwrap_or_default();
            if line.as_bytes().get(name.len()) != Some(&b'|') {
                continue;
            }
            done = at + line.len();
            let mut start = at;
            for (number, field) in line.split('|').enumerate() {
                let kind = fields.iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind);
                if let Some(kind) = kind.filter(|_| field.chars().any(char::is_alphanumeric)) {
                    found.push(Finding::new(start, start + field.len(), kind, "hl7.field"));
                }
                start += field.len() + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_persons_are_found_and_the_rest_stays() {
        let text = "see:\r\nPID|1||784512^^^HOSP||ROE^RICHARD||19500704|M|||12 MAIN ST^^ALBANY||5550100\r\nMSH|^~\\&|A";
        let mut found = Vec::new();
        find(text, &mut found);
        let values: Vec<&str> = found.iter().filter_map(|f| text.get(f.start..f.end)).collect();
        assert_eq!(values, ["784512^^^HOSP", "ROE^RICHARD", "19500704", "12 MAIN ST^^ALBANY", "5550100"]);
        let mut none = Vec::new();
        find("the PID was killed, PID 4411|x", &mut none);
        assert!(none.is_empty());
    }
}
