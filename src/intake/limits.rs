//! Every limit of reading mail, in one table with its reason, and the check of the raw octets that
//! runs before any parser sees them. Takes bytes, gives a refusal or nothing; one pass, no memory.

use super::Refused;

/// The contract of `inspect` ends at 50 MB; the poller stops far below (`max_message_bytes`).
pub const BYTES: usize = 50 * 1024 * 1024;
/// The parser builds and drops nested messages by recursion; 40,000 levels overflow a 2 MiB stack.
pub const NESTED_MESSAGES: usize = 50;
/// A part costs some hundred octets of memory whatever its size.
pub const PARTS: usize = 20_000;
/// Lines that look like a boundary, in text or not; above it the mail is an attack on the parser.
pub const BOUNDARY_LINES: usize = 100_000;
/// Header lines of all parts together; real mail stays below 500.
pub const HEADER_LINES: usize = 20_000;
/// Octets of header lines of all parts together; an address list of this size takes 50 MB parsed.
pub const HEADER_BYTES: usize = 4 * 1024 * 1024;
/// Addresses kept of To and Cc each.
pub const RECIPIENTS: usize = 500;
/// Identifiers kept of References; the newest ones.
pub const REFERENCES: usize = 200;
/// Characters kept of a subject: RFC 5322 2.1.1 allows 998 a line.
pub const SUBJECT_CHARS: usize = 998;
/// Octets of decoded text kept for reading; the sealed original keeps all.
pub const TEXT_BYTES: usize = 1024 * 1024;
/// Octets of HTML that are sanitised and rendered; above it only its bare text is kept.
pub const HTML_BYTES: usize = 2 * 1024 * 1024;
/// Open elements at once: ammonia's cost grows with the square of the nesting.
pub const HTML_DEPTH: usize = 400;
/// Character references in one HTML part: the tree builder takes the square of those in a row.
pub const HTML_REFERENCES: usize = 100_000;
/// Attachments described.
pub const ATTACHMENTS: usize = 1000;
/// Octets of text read of all attachments of a mail, for the redactor: it takes them at some 8 MB/s.
pub const READING_BYTES: usize = 512 * 1024;
/// Octets of an attachment that is unpacked or parsed for its text; above it nobody reads it here.
pub const READING_INPUT: usize = 8 * 1024 * 1024;
/// Octets that one packed attachment may unfold to: a bomb unfolds a thousandfold.
pub const UNFOLDED: usize = 16 * 1024 * 1024;
/// Members looked at of a packed document.
pub const MEMBERS: usize = 500;
/// Pages looked at of a PDF.
pub const PAGES: u32 = 200;
/// Characters kept of an attachment's name.
pub const NAME_CHARS: usize = 200;
/// Lines of text looked at for quotes and signatures; what follows counts as text.
pub const VISIBLE_LINES: usize = 20_000;
/// Octets of a line that patterns are tried on; a longer line is nobody's attribution or tag line.
pub const PATTERN_LINE: usize = 2000;
/// Octets of a paragraph that may be a disclaimer; the longest real ones stay below.
pub const PARAGRAPH: usize = 12_000;
/// Octets of a notice that recipients and codes are looked for in.
pub const NOTICE: usize = 64 * 1024;
/// Recipients a bounce may name.
pub const FAILED_RECIPIENTS: usize = 200;
/// Octets of the text a language is told from; more changes the answer of one mail in thousands.
pub const LANGUAGE_BYTES: usize = 300;

/// Refuses what a parser must not see.
///
/// # Errors
/// [`Refused`] with the code of the limit that was passed.
pub fn check(bytes: &[u8]) -> Result<(), Refused> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Refused { code: "empty" });
    }
    if bytes.len() > BYTES {
        return Err(Refused { code: "too_large" });
    }
    let mut count = Count { in_header: true, ..Count::default() };
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len())) {
        count.line(bytes.get(from..end).unwrap_or_default());
        from = end + 1;
    }
    count.verdict()
}

#[derive(Default)]
struct Count {
    in_header: bool,
    nested_next: bool,
    nested: usize,
    boundaries: usize,
    header_lines: usize,
    header_bytes: usize,
}

impl Count {
    fn line(&mut self, line: &[u8]) {
        if line.starts_with(b"--") {
            self.boundaries += 1;
            self.in_header = true;
            self.nested_next = false;
            return;
        }
        if matches!(line, [] | [b'\r']) {
            self.in_header = std::mem::take(&mut self.nested_next);
        }
        if names_message(line) {
            self.nested += 1;
            self.nested_next = self.in_header;
        }
        if self.in_header {
            self.header_lines += 1;
            self.header_bytes += line.len();
        }
    }
    const fn verdict(&self) -> Result<(), Refused> {
        let code = if self.nested > NESTED_MESSAGES {
            "too_deep"
        } else if self.boundaries > BOUNDARY_LINES {
            "too_many_parts"
        } else if self.header_lines > HEADER_LINES {
            "too_many_headers"
        } else if self.header_bytes > HEADER_BYTES {
            "headers_too_large"
        } else {
            return Ok(());
        };
        Err(Refused { code })
    }
}

/// Does a line declare a nested message? Only short lines can; `multipart/digest` implies one
/// (RFC 2046 5.1.5). Between the words the parser takes white space.
fn names_message(line: &[u8]) -> bool {
    line.len() <= 4096
        && memchr::memchr_iter(b'/', line).any(|at| {
            let behind = line.get(at + 1..).unwrap_or_default();
            let letters = behind.iter().filter(|b| !b.is_ascii_whitespace()).take(6);
            let word = letters.map(u8::to_ascii_lowercase);
            [b"rfc822", b"global", b"digest"].iter().any(|name| word.clone().eq(name.iter().copied()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l25_what_would_harm_the_parser_is_refused() {
        let nested = "Content-Type: message/rfc822\n\n".repeat(40_000);
        let spaced = "Content-Type: Message / RFC822\n\n".repeat(51);
        let headers = "A: b\n".repeat(1_000_000);
        let parts = "\n--b".repeat(200_000);
        let wide = format!("To: {}\n\nx", "a@b,".repeat(1_100_000));
        let cases: [(&str, &str); 7] = [
            ("", "empty"),
            (" \r\n\n", "empty"),
            (&nested, "too_deep"),
            (&spaced, "too_deep"),
            (&headers, "too_many_headers"),
            (&parts, "too_many_parts"),
            (&wide, "headers_too_large"),
        ];
        for (text, code) in cases {
            assert_eq!(check(text.as_bytes()), Err(Refused { code }), "{code}");
        }
        assert_eq!(check(b"From: a@b.example\n\nhello message/rfc822\n"), Ok(()));
    }
}
