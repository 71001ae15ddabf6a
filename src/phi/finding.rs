//! What a redactor found: kinds, findings and the laying together of overlapping ones.

/// Kinds of identifiers, after the 18 of HIPAA Safe Harbor (45 CFR 164.514(b)(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A person's name.
    Name,
    /// A date that belongs to a person: birth, admission, service.
    Date,
    /// Telephone or fax.
    Phone,
    /// Mail address.
    Email,
    /// A number that stands for a person or provider: national, record, plan, licence.
    Id,
    /// Street, place, postal code.
    Address,
    /// An age of 90 or more.
    Age90,
    /// A link that carries more than a host.
    Url,
    /// An IP address.
    Ip,
    /// A bank account.
    Account,
    /// A payment card.
    Card,
    /// A device's serial number.
    Device,
    /// A diagnosis, drug or procedure beside a person.
    Clinical,
}

impl Kind {
    /// Every kind, in the order of the documents.
    pub const ALL: [Self; 13] = [
        Self::Name,
        Self::Date,
        Self::Phone,
        Self::Email,
        Self::Id,
        Self::Address,
        Self::Age90,
        Self::Url,
        Self::Ip,
        Self::Account,
        Self::Card,
        Self::Device,
        Self::Clinical,
    ];
    /// The word in placeholders and in the output of `mailward redact`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Date => "DATE",
            Self::Phone => "PHONE",
            Self::Email => "EMAIL",
            Self::Id => "ID",
            Self::Address => "ADDRESS",
            Self::Age90 => "AGE90",
            Self::Url => "URL",
            Self::Ip => "IP",
            Self::Account => "ACCOUNT",
            Self::Card => "CARD",
            Self::Device => "DEVICE",
            Self::Clinical => "CLINICAL",
        }
    }
}

/// One redacted stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// First byte in the original.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// The rule that found it; never text of the mail.
    pub rule: &'static str,
}

impl Finding {
    /// A finding over `start..end`.
    pub const fn new(start: usize, end: usize, kind: Kind, rule: &'static str) -> Self {
        Self { start, end, kind, rule }
    }
    /// True when the two share a byte.
    pub const fn meets(&self, start: usize, end: usize) -> bool {
        self.start < end && start < self.end
    }
}

/// A finding with offsets in Unicode code points, as `mailward redact --jsonl` prints it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Span {
    /// First code point.
    pub start: usize,
    /// The code point behind the last.
    pub end: usize,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The rule that found it.
    pub rule: &'static str,
}

/// Sorts and unites what overlaps; the longer one of two names kind and rule.
pub fn unite(mut found: Vec<Finding>) -> Vec<Finding> {
    found.retain(|f| f.start < f.end);
    found.sort_by_key(|f| (f.start, std::cmp::Reverse(f.end)));
    let mut united: Vec<Finding> = Vec::with_capacity(found.len());
    for next in found {
        match united.last_mut() {
            Some(last) if next.start < last.end => {
                if next.end - next.start > last.end - last.start {
                    last.kind = next.kind;
                    last.rule = next.rule;
                }
                last.end = last.end.max(next.end);
            }
            _ => united.push(next),
        }
    }
    united
}

/// The same findings with offsets in code points. `found` is sorted and disjoint.
pub fn in_code_points(text: &str, found: &[Finding]) -> Vec<Span> {
    let mut edges = found.iter().flat_map(|f| [f.start, f.end]).peekable();
    let mut points = Vec::with_capacity(found.len() * 2);
    let mut count = 0;
    for (at, _) in text.char_indices() {
        while edges.next_if(|edge| *edge <= at).is_some() {
            points.push(count);
        }
        count += 1;
    }
    points.extend(edges.map(|_| count));
    let pairs = points.chunks_exact(2);
    found
        .iter()
        .zip(pairs)
        .filter_map(|(f, pair)| match *pair {
            [start, end] => Some(Span { start, end, kind: f.kind, rule: f.rule }),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_unite_under_the_longer_one() {
        let found = vec![
            Finding::new(5, 9, Kind::Id, "b"),
            Finding::new(0, 6, Kind::Phone, "a"),
            Finding::new(9, 12, Kind::Date, "c"),
        ];
        let united = unite(found);
        assert_eq!(united, vec![Finding::new(0, 9, Kind::Phone, "a"), Finding::new(9, 12, Kind::Date, "c")]);
    }

    #[test]
    fn offsets_are_code_points_in_every_script() {
        for text in ["añb12", "Ωжb12", "😀🏥b12", "中文b12"] {
            let start = text.find("12").unwrap();
            let spans = in_code_points(text, &[Finding::new(start, start + 2, Kind::Id, "x")]);
            assert_eq!((spans[0].start, spans[0].end), (3, 5), "{text}");
        }
    }
}
