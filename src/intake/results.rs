//! The grammar of Authentication-Results (RFC 8601 2.2): comments, quoted strings, versions,
//! `reason=`, properties. Takes an unfolded value, gives results; what it cannot read it leaves out.

/// One Authentication-Results field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Results {
    /// Who says so; Exchange Online names nobody.
    pub authserv_id: Option<String>,
    results: Vec<Result>,
}

/// One `method=result`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Result {
    /// Lower-cased, without its version.
    pub method: String,
    /// Lower-cased.
    pub result: String,
    /// Lower-cased text of its comments.
    pub comment: String,
    properties: Vec<(String, String)>,
}

impl Results {
    /// The results of a method.
    pub fn of(&self, method: &str) -> impl Iterator<Item = &Result> {
        self.results.iter().filter(move |r| r.method == method)
    }
}

impl Result {
    /// A property's value, by its lower-cased name, for example `header.from`.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
    /// Does the domain's policy ask for quarantine or rejection? Gmail writes `(p=REJECT sp=.. dis=..)`,
    /// Exchange `action=quarantine|oreject|reject`, others `policy.dmarc=` or `policy.p=`.
    pub fn is_enforced(&self) -> bool {
        let strict = |policy: &str| matches!(policy, "quarantine" | "reject" | "oreject" | "o.reject");
        let named =
            ["action", "policy.dmarc", "policy.p", "policy.published-domain-policy", "dmarc.policy", "p"];
        let by_property = named
            .iter()
            .filter_map(|name| self.property(name))
            .any(|value| strict(&value.to_ascii_lowercase()));
        let mut words = self.comment.split([' ', ',', ';']);
        by_property
            || words.any(|word| {
                word.strip_prefix("p=").or_else(|| word.strip_prefix("policy=")).is_some_and(strict)
            })
    }
}

/// Reads a field's value.
pub fn parse(value: &str) -> Results {
    let mut results = Results::default();
    for (at, piece) in pieces(value).into_iter().enumerate() {
        let Some(first) = piece.words.first() else { continue };
        if at == 0 && !first.contains('=') {
            results.authserv_id = Some(first.clone());
            continue;
        }
        let Some((method, result)) = first.split_once('=') else { continue };
        let method = method.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let properties = piece.words.iter().skip(1).filter_map(|word| word.split_once('='));
        let properties =
            properties.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        results.results.push(Result {
            method,
            result: result.to_ascii_lowercase(),
            comment: piece.comment,
            properties,
        });
    }
    results
}

#[derive(Default)]
struct Piece {
    words: Vec<String>,
    comment: String,
}

/// Splits at `;`, words at white space, both outside quotes and comments; white space around `=`
/// and `.` and `/` is allowed (RFC 8601 2.2) and dropped.
fn pieces(value: &str) -> Vec<Piece> {
    let mut pieces = vec![Piece::default()];
    let mut word = String::new();
    let (mut depth, mut quoted, mut escaped, mut gap) = (0_usize, false, false, false);
    for c in value.chars() {
        if escaped {
            escaped = false;
            push(&mut pieces, &mut word, c, depth);
        } else if c == '\\' && (quoted || depth > 0) {
            escaped = true;
        } else if quoted {
            if c == '"' {
                quoted = false;
            } else {
                word.push(c);
            }
        } else if c == '(' {
            depth += 1;
            if let Some(piece) = pieces.last_mut() {
                piece.comment.push(' ');
            }
            gap = true;
        } else if depth > 0 {
            if c == ')' {
                depth -= 1;
            } else {
                push(&mut pieces, &mut word, c.to_ascii_lowercase(), depth);
            }
        } else if c == '"' {
            gap = end_word(&mut pieces, &mut word, gap, '"');
            quoted = true;
        } else if c == ';' {
            end_word(&mut pieces, &mut word, true, ' ');
            pieces.push(Piece::default());
            gap = false;
        } else if c.is_whitespace() {
            gap = true;
        } else {
            gap = end_word(&mut pieces, &mut word, gap, c);
            word.push(c);
        }
    }
    end_word(&mut pieces, &mut word, true, ' ');
    pieces
}

fn push(pieces: &mut [Piece], word: &mut String, c: char, depth: usize) {
    match pieces.last_mut() {
        Some(piece) if depth > 0 => piece.comment.push(c),
        _ => word.push(c),
    }
}

/// Ends the word when white space stood before `next`, unless either side is a joint.
fn end_word(pieces: &mut [Piece], word: &mut String, gap: bool, next: char) -> bool {
    let joint = word.ends_with(['=', '/']) || matches!(next, '=' | '/');
    if let Some(piece) = pieces.last_mut().filter(|_| gap && !joint && !word.is_empty()) {
        piece.words.push(std::mem::take(word));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8601_every_form_of_the_grammar() {
        let value = r#"mx.example 1; dmarc=fail (p=REJECT sp=NONE dis=NONE) header.from=bank.example; spf = pass (a;b) reason="good; \"sender\"" smtp.mailfrom=x@y.example; dkim/1=pass header.d="bank.example""#;
        let parsed = parse(value);
        assert_eq!(parsed.authserv_id.as_deref(), Some("mx.example"));
        let dmarc = parsed.of("dmarc").next().unwrap();
        assert!(dmarc.result == "fail" && dmarc.is_enforced());
        assert_eq!(dmarc.property("header.from"), Some("bank.example"));
        let spf = parsed.of("spf").next().unwrap();
        assert_eq!(
            (spf.result.as_str(), spf.property("reason"), spf.property("smtp.mailfrom")),
            ("pass", Some("good; \"sender\""), Some("x@y.example"))
        );
        assert_eq!(parsed.of("dkim").next().and_then(|r| r.property("header.d")), Some("bank.example"));
    }

    #[test]
    fn l22_exchange_names_no_authserv_id() {
        let parsed = parse(
            "spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=a.example; dkim=none; dmarc=fail action=oreject header.from=a.example;compauth=fail reason=000",
        );
        assert_eq!(parsed.authserv_id, None);
        assert!(parsed.of("dmarc").next().is_some_and(Result::is_enforced));
        assert!(!parse("x; dmarc=fail (p=NONE)").of("dmarc").any(Result::is_enforced));
        assert_eq!(parse("mx.example; none").of("dmarc").count(), 0);
        assert_eq!(parse("(unclosed").of("dmarc").count(), 0);
    }
}
