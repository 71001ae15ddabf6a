//! Links that gateways rewrote, read back (L39): Microsoft Safe Links, Proofpoint URL Defense 2 and
//! 3, Barracuda, Google's redirect. Takes a URL, gives the one a person meant; the original stays in
//! the sealed mail. Never fetches.

use super::pattern::pattern;

pattern!(URLS, r#"https?://[^\s<>"\]\[()]+"#);

/// The target of a rewritten link, or the link itself.
pub fn unwrap(url: &str) -> String {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = bare.split(['/', '?']).next().unwrap_or_default().to_ascii_lowercase();
    let target = if host.ends_with("safelinks.protection.outlook.com") {
        parameter(bare, "url").map(|v| percent(&v))
    } else if host == "urldefense.com" && bare.contains("/v3/__") {
        version_three(bare)
    } else if host == "urldefense.proofpoint.com" || host == "urldefense.com" {
        parameter(bare, "u").map(|v| percent(&v.replace('-', "%").replace('_', "/")))
    } else if host == "linkprotect.cudasvc.com" {
        parameter(bare, "a").map(|v| percent(&v))
    } else if host == "www.google.com" && bare.contains("/url?") {
        parameter(bare, "q").or_else(|| parameter(bare, "url")).map(|v| percent(&v))
    } else {
        None
    };
    target.filter(|t| t.starts_with("http://") || t.starts_with("https://")).unwrap_or_else(|| url.to_owned())
}

/// A text with every rewritten link in it read back.
pub fn unwrap_all(text: &str) -> String {
    if !text.contains("://")
        || !["safelinks", "urldefense", "cudasvc", "google.com/url"].iter().any(|mark| text.contains(mark))
    {
        return text.to_owned();
    }
    URLS.replace_all(text, |found| found.get(0).map_or_else(String::new, |url| unwrap(url.as_str())))
}

/// Does the text of a link say something else than its target? Schemes, `www.` and a closing slash
/// do not count.
pub fn differs(shown: &str, target: &str) -> bool {
    let lower = target.to_ascii_lowercase();
    if !(lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("ftp://")) {
        // mailto: and tel: differ where they name someone else.
        let Some((scheme, rest)) = lower.split_once(':') else { return false };
        let address = rest.split('?').next().unwrap_or_default();
        return scheme == "mailto"
            && shown.contains('@')
            && !shown.to_ascii_lowercase().contains(&percent(address));
    }
    bare(shown) != bare(target)
}

fn bare(url: &str) -> String {
    let url = url.trim().trim_matches(['<', '>']).to_lowercase();
    let url = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    url.strip_prefix("www.").unwrap_or(url).trim_end_matches('/').to_owned()
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let query = query.replace("&amp;", "&");
    query.split('&').find_map(|pair| {
        pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    })
}

fn version_three(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("/v3/__")?;
    let (target, _) = rest.split_once("__;")?;
    // One slash is lost where the gateway wrote `https:/`.
    Some(if target.contains("://") { target.to_owned() } else { target.replacen(":/", "://", 1) })
}

fn percent(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut ahead = bytes.clone();
            let digits = ahead.next().zip(ahead.next());
            let value = digits
                .and_then(|(a, b)| Some(char::from(a).to_digit(16)? * 16 + char::from(b).to_digit(16)?));
            if let Some(value) = value.and_then(|v| u8::try_from(v).ok()) {
                out.push(value);
                bytes = ahead;
                continue;
            }
        }
        out.push(byte);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l39_rewritten_links_are_read_back() {
        let cases = [
            (
                "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fclinic.example%2Fa%3Fb%3D1&amp;data=05",
                "https://clinic.example/a?b=1",
            ),
            (
                "https://urldefense.proofpoint.com/v2/url?u=https-3A__clinic.example_a-2Db&d=Dw",
                "https://clinic.example/a-b",
            ),
            ("https://urldefense.com/v3/__https://clinic.example/a__;!!abc$", "https://clinic.example/a"),
            // One slash was lost on the way.
            ("https://urldefense.com/v3/__https:/clinic.example/a__;!!abc$", "https://clinic.example/a"),
            (
                "https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fclinic.example&c=E",
                "https://clinic.example",
            ),
            ("https://www.google.com/url?q=https://clinic.example/&sa=D", "https://clinic.example/"),
            (
                "https://clinic.example/?url=https%3A%2F%2Fother.example",
                "https://clinic.example/?url=https%3A%2F%2Fother.example",
            ),
            (
                "https://x.safelinks.protection.outlook.com/?url=javascript%3Aalert(1)",
                "https://x.safelinks.protection.outlook.com/?url=javascript%3Aalert(1)",
            ),
        ];
        for (url, want) in cases {
            assert_eq!(unwrap(url), want);
        }
        assert_eq!(
            unwrap_all("go to https://urldefense.com/v3/__https://clinic.example/a__;!!abc$ now"),
            "go to https://clinic.example/a now"
        );
    }

    #[test]
    fn a_link_that_lies_is_told() {
        assert!(differs("bank.example", "https://evil.example/bank.example"));
        assert!(!differs("www.bank.example", "https://bank.example/"));
        assert!(differs("a@b.example", "mailto:c@d.example"));
        assert!(!differs("write us", "mailto:c@d.example"));
    }
}
