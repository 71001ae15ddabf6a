//! How far the sender is who it says (L16, L22). Takes header fields and the account's own kind of
//! evidence, gives a grade and its reasons. Only the account's own server is believed: the topmost
//! Authentication-Results (RFC 8601) of a configured authserv-id, or Exchange Online's under its own
//! Received. Never looks at DKIM-Signature, ARC or Received-SPF, which anyone may write.

use super::headers::Headers;
use super::results::{self, Results};
use crate::domain::account::AuthEvidence;
use crate::domain::address::EmailAddress;
use crate::domain::message::{Authentication, Grade};

/// Grades the sender. `from` is the only author; `from_count` how many there are.
pub fn grade(
    headers: &Headers,
    from: Option<&EmailAddress>,
    from_count: usize,
    evidence: &AuthEvidence,
) -> Authentication {
    let found = match evidence {
        AuthEvidence::None => return because("no_evidence_configured"),
        AuthEvidence::Rfc8601 { authserv_ids } => own_results(headers, authserv_ids),
        AuthEvidence::ExchangeOnline { accepted_domains } => {
            if let Some(internal) = internal(headers, from, from_count, accepted_domains) {
                return internal;
            }
            exchange_results(headers)
        }
    };
    let Some(found) = found else { return because("no_result") };
    let mut authentication = judge(&found, from);
    if from_count != 1 && authentication.grade == Grade::Pass {
        authentication.grade = Grade::None;
        authentication.reasons.push("several_from");
    }
    authentication
}

/// Does the account's own evidence prove that the mail came through the list? A DKIM signature of the
/// list's own domain must have passed (L14).
pub fn proves_list(headers: &Headers, list_id: &str, evidence: &AuthEvidence) -> bool {
    let found = match evidence {
        AuthEvidence::None => None,
        AuthEvidence::Rfc8601 { authserv_ids } => own_results(headers, authserv_ids),
        AuthEvidence::ExchangeOnline { .. } => exchange_results(headers),
    };
    let ours =
        |domain: &str| !domain.is_empty() && (list_id == domain || list_id.ends_with(&format!(".{domain}")));
    found.is_some_and(|found| {
        found.of("dkim").filter(|r| r.result == "pass").any(|r| {
            let signer = r.property("header.d").or_else(|| r.property("header.i")).unwrap_or_default();
            ours(&signer.rsplit('@').next().unwrap_or_default().to_ascii_lowercase())
        })
    })
}

fn because(reason: &'static str) -> Authentication {
    Authentication { reasons: vec![reason], ..Authentication::default() }
}

/// RFC 8601 2.5 and 5: only the id of our own border counts, and of those only the topmost.
fn own_results(headers: &Headers, ids: &[String]) -> Option<Results> {
    let mut parsed = headers.all("authentication-results").map(results::parse);
    parsed
        .find(|r| r.authserv_id.as_ref().is_some_and(|id| ids.iter().any(|own| own.eq_ignore_ascii_case(id))))
}

/// Hosts that Exchange Online's own Received fields name behind `by`.
const PROVIDER: [&str; 3] = [".prod.outlook.com", ".protection.outlook.com", ".prod.exchangelabs.com"];

fn by_provider(received: &str) -> bool {
    let lower = received.to_ascii_lowercase();
    let mut words = lower.split_whitespace();
    let host = words.find(|word| *word == "by").and_then(|_| words.next()).unwrap_or_default();
    PROVIDER.iter().any(|suffix| host.trim_end_matches(';').ends_with(suffix))
}

/// The topmost Authentication-Results, which must name no authserv-id and stand directly under a
/// Received of the provider, with no foreign Received above it.
fn exchange_results(headers: &Headers) -> Option<Results> {
    let mut above: Option<(&str, &str)> = None;
    for (name, value) in headers.iter() {
        match name {
            "received" if !by_provider(value) => return None,
            "authentication-results" => {
                above.filter(|(name, value)| *name == "received" && by_provider(value))?;
                return Some(results::parse(value)).filter(|r| r.authserv_id.is_none());
            }
            _ => {}
        }
        above = Some((name, value));
    }
    None
}

/// Mail within one tenant passes no DMARC: Exchange says so itself, and strips the header from
/// outside.
fn internal(
    headers: &Headers,
    from: Option<&EmailAddress>,
    from_count: usize,
    accepted: &[String],
) -> Option<Authentication> {
    let mut auth_as = headers.all("x-ms-exchange-organization-authas");
    let only = auth_as.next().filter(|_| auth_as.next().is_none())?;
    let domain = from?.domain();
    let ours = accepted.iter().any(|known| known.eq_ignore_ascii_case(domain));
    let border = headers.first("received").is_some_and(by_provider);
    if only.trim().eq_ignore_ascii_case("internal") && ours && border && from_count == 1 {
        return Some(Authentication {
            grade: Grade::Pass,
            reasons: vec!["same_tenant"],
            ..Authentication::default()
        });
    }
    None
}

fn judge(found: &Results, from: Option<&EmailAddress>) -> Authentication {
    let keyword = |method: &str| found.of(method).next().map(|r| r.result.clone());
    let mut authentication = Authentication {
        dmarc: keyword("dmarc"),
        dkim: keyword("dkim"),
        spf: keyword("spf"),
        ..Authentication::default()
    };
    let dmarc: Vec<_> = found.of("dmarc").collect();
    let aligned =
        |r: &results::Result| r.property("header.from").is_none_or(|domain| names_domain(domain, from));
    if dmarc.is_empty() {
        authentication.reasons.push("no_dmarc");
    } else if dmarc.iter().any(|r| r.result == "fail") {
        let enforced = dmarc.iter().any(|r| r.result == "fail" && r.is_enforced());
        authentication.grade = if enforced { Grade::Fail } else { Grade::None };
        authentication.reasons.push(if enforced { "dmarc_fail_enforced" } else { "dmarc_fail_unenforced" });
    } else if dmarc.iter().any(|r| r.result != "pass") {
        authentication.reasons.push("dmarc_undecided");
    } else if from.is_some() && dmarc.iter().all(|r| aligned(r)) {
        authentication.grade = Grade::Pass;
        authentication.reasons.push("dmarc_pass");
    } else {
        authentication.reasons.push("other_from");
    }
    authentication
}

fn names_domain(domain: &str, from: Option<&EmailAddress>) -> bool {
    let domain = domain.rsplit('@').next().unwrap_or_default().trim_end_matches('.');
    from.is_some_and(|from| from.domain().eq_ignore_ascii_case(domain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::parse;

    const PASS: &str = "dmarc=pass header.from=clinic.example";
    const FROM: &str = "From: Mary <mary@clinic.example>\n";

    fn check(fields: &str, evidence: &AuthEvidence, want: (Grade, &str)) {
        let text = format!("{fields}\nx");
        let mail = parse::parse(text.as_bytes(), Vec::new()).unwrap();
        let from = mail.headers.mailboxes("from", 9);
        let got = grade(&mail.headers, from.first().map(|m| &m.address), from.len(), evidence);
        assert_eq!((got.grade, got.reasons.last().copied().unwrap_or_default()), want, "{fields}");
    }

    #[test]
    fn l22_only_the_topmost_result_of_our_own_server_counts() {
        let ours = AuthEvidence::Rfc8601 { authserv_ids: vec!["mx.desk.example".to_owned()] };
        let field = |id: &str, results: &str| format!("Authentication-Results: {id}; {results}\n");
        let fail = "dmarc=fail (p=QUARANTINE sp=NONE dis=NONE) header.from=clinic.example";
        let cases = [
            (field("mx.desk.example", PASS), (Grade::Pass, "dmarc_pass")),
            (field("MX.desk.example 1", PASS), (Grade::Pass, "dmarc_pass")),
            (field("other.example", PASS), (Grade::None, "no_result")),
            (
                field("mx.desk.example", fail) + &field("mx.desk.example", PASS),
                (Grade::Fail, "dmarc_fail_enforced"),
            ),
            (field("other.example", fail) + &field("mx.desk.example", PASS), (Grade::Pass, "dmarc_pass")),
            (
                field("mx.desk.example", "dmarc=fail (p=NONE) header.from=clinic.example"),
                (Grade::None, "dmarc_fail_unenforced"),
            ),
            (
                field("mx.desk.example", "dmarc=fail header.from=clinic.example"),
                (Grade::None, "dmarc_fail_unenforced"),
            ),
            (field("mx.desk.example", "dmarc=pass header.from=other.example"), (Grade::None, "other_from")),
            (
                field("mx.desk.example", "dkim=pass header.d=clinic.example; spf=pass"),
                (Grade::None, "no_dmarc"),
            ),
            (field("mx.desk.example", "arc=pass; dmarc=temperror"), (Grade::None, "dmarc_undecided")),
            (field("mx.desk.example", "(dmarc=pass) spf=none"), (Grade::None, "no_dmarc")),
            (field("mx.desk.example", "spf=none reason=\"; dmarc=pass\""), (Grade::None, "no_dmarc")),
            (String::new(), (Grade::None, "no_result")),
            (
                format!("ARC-Authentication-Results: i=1; mx.desk.example; {PASS}\n"),
                (Grade::None, "no_result"),
            ),
        ];
        for (fields, want) in cases {
            check(&(fields + FROM), &ours, want);
        }
        let two = field("mx.desk.example", PASS) + FROM + "From: x@evil.example\n";
        check(&two, &ours, (Grade::None, "several_from"));
        check(
            &(field("mx.desk.example", PASS) + FROM),
            &AuthEvidence::None,
            (Grade::None, "no_evidence_configured"),
        );
    }

    #[test]
    fn l14_a_list_is_proven_by_its_own_signature() {
        let ours = AuthEvidence::Rfc8601 { authserv_ids: vec!["mx.desk.example".to_owned()] };
        for (results, want) in [
            ("mx.desk.example; dkim=pass header.d=desk.example", true),
            ("mx.desk.example; dkim=pass header.i=@desk.example", true),
            ("mx.desk.example; dkim=fail header.d=desk.example", false),
            ("mx.desk.example; dkim=pass header.d=evil.example", false),
            ("evil.example; dkim=pass header.d=desk.example", false),
        ] {
            let text = format!("Authentication-Results: {results}\n\nx");
            let mail = parse::parse(text.as_bytes(), Vec::new()).unwrap();
            assert_eq!(proves_list(&mail.headers, "help.desk.example", &ours), want, "{results}");
        }
    }

    #[test]
    fn l22_exchange_online_counts_only_under_its_own_received() {
        let tenant = AuthEvidence::ExchangeOnline { accepted_domains: vec!["clinic.example".to_owned()] };
        let own = "Received: from a by B.eurprd01.prod.outlook.com with HTTPS; date\n";
        let edge = "Received: from x.example (192.0.2.1) by C.mail.protection.outlook.com with SMTP; date\n";
        let foreign = "Received: from x by mx.evil.example; date\n";
        let pass = "Authentication-Results: spf=pass smtp.mailfrom=clinic.example; dmarc=pass action=none header.from=clinic.example;compauth=pass\n";
        let fail = "Authentication-Results: spf=fail; dmarc=fail action=oreject header.from=clinic.example\n";
        let inside = "X-MS-Exchange-Organization-AuthAs: Internal\n";
        let cases = [
            (format!("{own}{edge}{pass}"), (Grade::Pass, "dmarc_pass")),
            (format!("{own}{edge}{fail}{foreign}{pass}"), (Grade::Fail, "dmarc_fail_enforced")),
            (format!("{own}X-Foo: y\n{pass}"), (Grade::None, "no_result")),
            (format!("{own}{foreign}{pass}"), (Grade::None, "no_result")),
            (format!("{pass}{own}"), (Grade::None, "no_result")),
            (format!("{own}Authentication-Results: mx.evil.example; {PASS}\n"), (Grade::None, "no_result")),
            (format!("{own}{inside}"), (Grade::Pass, "same_tenant")),
            (format!("{own}{inside}{inside}"), (Grade::None, "no_result")),
            (format!("{foreign}{inside}"), (Grade::None, "no_result")),
            (format!("{own}X-MS-Exchange-Organization-AuthAs: Anonymous\n"), (Grade::None, "no_result")),
        ];
        for (fields, want) in cases {
            check(&(fields + FROM), &tenant, want);
        }
        check(&format!("{own}{inside}From: x@evil.example\n"), &tenant, (Grade::None, "no_result"));
    }
}
