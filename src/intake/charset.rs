//! Octets to text (L33): the declared charset in its WHATWG superset, then UTF-8, then detection,
//! then windows-1252. Takes octets and the declared label, gives text and the code of what was
//! wrong; never fails, never keeps NUL or control characters that a database or a terminal fears.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// Decodes.
pub fn decode(bytes: &[u8], declared: Option<&str>) -> (String, Option<&'static str>) {
    let label = declared.map(|l| l.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    let label = label.as_deref().filter(|l| !l.is_empty());
    let ascii = bytes.is_ascii();
    let plain = matches!(label, None | Some("us-ascii" | "ascii" | "utf-8" | "utf8"));
    if ascii && plain && !bytes.contains(&0x1b) {
        return (String::from_utf8_lossy(bytes).into_owned(), None);
    }
    let known = label.and_then(encoding);
    // UTF-8 that says it is something else: its own form is proof enough against a single-byte label.
    if !ascii
        && known.is_none_or(Encoding::is_single_byte)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return (text.to_owned(), (!plain).then_some("charset_mislabelled"));
    }
    if let Some(encoding) = known.filter(|_| !matches!(label, Some("us-ascii" | "ascii"))) {
        let (text, _, lossy) = encoding.decode(bytes);
        if !lossy {
            return (text.into_owned(), None);
        }
        // A stray octet in good UTF-8 or a cut character is less wrong than another charset.
        if encoding == UTF_8
            && text.matches('\u{fffd}').count() * 20 < text.chars().filter(|c| !c.is_ascii()).count()
        {
            return (text.into_owned(), Some("charset_loss"));
        }
    } else if let Some(decoder) =
        label.and_then(|l| charset_decoder(l.as_bytes())).filter(|_| !plain && known.is_none())
    {
        return (decoder(bytes), None);
    }
    detected(bytes, label)
}

/// The WHATWG encoding of a label, as written or in one of the spellings that mail has:
/// `win-1257`, `cp-1252`, `latin-1`, `8859-1`, `iso8859_15`.
fn encoding(label: &str) -> Option<&'static Encoding> {
    if let Some(encoding) = Encoding::for_label(label.as_bytes()) {
        return Some(encoding);
    }
    let bare: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
    let digits: String = bare.chars().skip_while(|c| !c.is_ascii_digit()).collect();
    let spelled = if let Some(part) = digits.strip_prefix("8859") {
        format!("iso-8859-{part}")
    } else if digits.starts_with("125") || digits == "874" {
        format!("windows-{digits}")
    } else if bare.starts_with("latin") {
        format!("latin{digits}")
    } else {
        bare
    };
    Encoding::for_label(spelled.as_bytes())
}

fn detected(bytes: &[u8], label: Option<&str>) -> (String, Option<&'static str>) {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Allow);
    let (text, _, lossy) = guess.decode(bytes);
    if lossy {
        let (text, _, _) = WINDOWS_1252.decode(bytes);
        return (text.into_owned(), Some("charset_loss"));
    }
    let defect = if label.is_none() { "charset_undeclared" } else { "charset_unknown" };
    (text.into_owned(), Some(defect))
}

/// Drops what no reader and no database wants: NUL, other control characters but tab and line feed,
/// bidirectional overrides (they hide what an address or a name says). CR LF and lone CR become LF.
pub fn clean(text: &str) -> String {
    if !text.contains(|c: char| c != '\n' && c != '\t' && (c.is_control() || is_override(c))) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() || is_override(c) => {}
            c => out.push(c),
        }
    }
    out
}

const fn is_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line: every run of white space and control characters is one space.
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first `max` bytes at most, cut at a character.
pub fn cut(mut text: String, max: usize) -> (String, bool) {
    if text.len() <= max {
        return (text, false);
    }
    let mut at = max;
    while at > 0 && !text.is_char_boundary(at) {
        at -= 1;
    }
    text.truncate(at);
    (text, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l33_charsets_in_their_order() {
        type Case = (&'static [u8], Option<&'static str>, &'static str, Option<&'static str>);
        let cases: [Case; 10] = [
            (b"\xd5\xc4", Some("win-1257"), "\u{d5}\u{c4}", None),
            (b"ol\xe1", Some("iso-8859-1"), "ol\u{e1}", None),
            (b"\x93quoted\x94", Some("ISO-8859-1"), "\u{201c}quoted\u{201d}", None),
            ("ol\u{e1}".as_bytes(), Some("iso-8859-1"), "ol\u{e1}", Some("charset_mislabelled")),
            ("ol\u{e1}".as_bytes(), None, "ol\u{e1}", None),
            (b"plain", Some("x-nonsense"), "plain", Some("charset_unknown")),
            (
                b"a informa\xe7\xe3o n\xe3o chegou \xe0 recep\xe7\xe3o",
                None,
                "a informa\u{e7}\u{e3}o n\u{e3}o chegou \u{e0} recep\u{e7}\u{e3}o",
                Some("charset_undeclared"),
            ),
            (b"\x1b$B$3$s\x1b(B", Some("iso-2022-jp"), "\u{3053}\u{3093}", None),
            (b"+AOE-", Some("utf-7"), "\u{e1}", None),
            (b"caf\xe9", Some("utf-8"), "caf\u{e9}", Some("charset_unknown")),
        ];
        for (bytes, label, want, defect) in cases {
            assert_eq!(decode(bytes, label), (want.to_owned(), defect), "{label:?}");
        }
    }

    #[test]
    fn control_characters_go() {
        assert_eq!(clean("a\u{0}b\r\nc\rd\u{202e}e\tf"), "ab\nc\nde\tf");
    }
}
