//! Every limit of reading mail, in one table with its reason, and the check of the raw octets that
//! runs before any parser sees them. Takes bytes, gives a refusal or nothing; one pass, no memory.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

use super::Refused;

/// The contract of `inspect` ends at 50 MB; the poller stops far below (`max_message_bytes`).
pub const BYTES: usize = 50 * 1024 * 1024;
/// The parser builds and drops nested messages by recursion; 40,000 levels overflow a 2 MiB stack.
pub const NESTED_MESSAGES: usize = 50;
/// A part costs some hundred octets of memory whatever its size.
pub const PARTS: usize = 20_000;
/// Pairs of dashes in a mail that has a boundary: the parser begins a part behind any pair that the
/// boundary follows, also within a line, and each costs some hundred octets.
pub const DASH_PAIRS: usize = 200_000;
/// Nested messages that were encoded against RFC 2046 5.2.1: each is decoded once more to look inside.
pub const ENCODED_MESSAGES: usize = 8;
/// Encodings within encodings that the parser follows.
const ENCODED_DEPTH: usize = 3;
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
/// Octets of HTML that are sanitised and rendered; above it only its bare text is kept. The tree of
/// 2 MiB of list items takes 200 MB.
pub const HTML_BYTES: usize = 1024 * 1024;
/// Octets of a text part that are decoded; what is kept of it is less.
pub const DECODED_BYTES: usize = 6 * 1024 * 1024;
/// Octets above 127: the parser makes three of each that is no character.
pub const EIGHT_BIT: usize = 16 * 1024 * 1024;
/// Octets of the machine-readable part of a report; 200 recipients with long reasons take less.
pub const REPORT: usize = 1024 * 1024;
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
/// Entries of an archive whose names are looked at.
pub const ARCHIVE_ENTRIES: usize = 1000;
/// Octets that an archive may unpack to whatever its proportion.
pub const ARCHIVE_UNPACKED: u64 = 1024 * 1024 * 1024;
/// How many times its size an archive may unpack to above that.
pub const ARCHIVE_RATIO: u64 = 100;
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
    check_within(bytes, ENCODED_DEPTH)
}

fn check_within(bytes: &[u8], depth: usize) -> Result<(), Refused> {
    if bytes.len() > BYTES {
        return Err(Refused { code: "too_large" });
    }
    if bytes.len() > EIGHT_BIT && bytes.iter().filter(|b| !b.is_ascii()).count() > EIGHT_BIT {
        return Err(Refused { code: "too_large" });
    }
    let mut count = Count { in_header: true, ..Count::default() };
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len())) {
        count.line(bytes.get(from..end).unwrap_or_default());
        from = end + 1;
        if std::mem::take(&mut count.opens_encoded) {
            count.encoded.push(from);
        }
    }
    count.verdict()?;
    let pairs = memchr::memmem::find_iter(bytes, b"--").take(DASH_PAIRS + 1).count();
    if pairs > DASH_PAIRS && has_boundary(bytes) {
        return Err(Refused { code: "too_many_parts" });
    }
    look_inside(bytes, &count.encoded, depth)
}

/// Nested messages behind an encoding hide their own from the count of lines.
fn look_inside(bytes: &[u8], starts: &[usize], depth: usize) -> Result<(), Refused> {
    if starts.len() > ENCODED_MESSAGES {
        return Err(Refused { code: "too_deep" });
    }
    for start in starts {
        let rest = bytes.get(*start..).unwrap_or_default();
        let decoded = [base64_part(rest), quoted_printable_decode(rest)];
        for inner in decoded.iter().flatten().filter(|_| depth > 0) {
            check_within(inner, depth - 1)?;
        }
    }
    Ok(())
}

/// Base64 up to the first line that cannot be any.
fn base64_part(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = memchr::memmem::find(bytes, b"\n--").unwrap_or(bytes.len());
    base64_decode(bytes.get(..end)?)
}

fn has_boundary(bytes: &[u8]) -> bool {
    let mut words = memchr::memchr2_iter(b'b', b'B', bytes);
    words.any(|at| bytes.get(at..at + 8).is_some_and(|word| word.eq_ignore_ascii_case(b"boundary")))
}

#[derive(Default)]
struct Count {
    in_header: bool,
    nested_next: bool,
    nested: usize,
    header_lines: usize,
    header_bytes: usize,
    /// The lines since the last blank one declare a nested message, or may (a digest was seen).
    block_nests: bool,
    /// They declare an encoding.
    block_encodes: bool,
    digest: bool,
    opens_encoded: bool,
    /// Where encoded nested messages begin.
    encoded: Vec<usize>,
}

impl Count {
    fn line(&mut self, line: &[u8]) {
        if line.starts_with(b"--") {
            self.in_header = true;
            self.nested_next = false;
            self.block_nests = false;
            self.block_encodes = false;
            return;
        }
        if matches!(line, [] | [b'\r']) {
            self.in_header = std::mem::take(&mut self.nested_next);
            let nests = std::mem::take(&mut self.block_nests) || self.digest;
            let encodes = std::mem::take(&mut self.block_encodes);
            self.opens_encoded = nests && encodes && self.encoded.len() <= ENCODED_MESSAGES;
        }
        if let Some(digest) = names_message(line) {
            self.nested += 1;
            self.nested_next = self.in_header;
            self.block_nests = true;
            self.digest |= digest;
        }
        self.block_encodes |= names_encoding(line);
        if self.in_header {
            self.header_lines += 1;
            self.header_bytes += line.len();
        }
    }
    const fn verdict(&self) -> Result<(), Refused> {
        let code = if self.nested > NESTED_MESSAGES {
            "too_deep"
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

/// Does a line declare a nested message? `Some(true)` for a digest, whose parts are messages without
/// a word (RFC 2046 5.1.5). Between the words the parser takes white space, quotes and comments;
/// the type may stand on the line above.
fn names_message(line: &[u8]) -> Option<bool> {
    memchr::memchr(b'/', line)?;
    // Lines of base64 end here.
    if !(line.contains(&b':') || line.starts_with(b" ") || line.starts_with(b"\t")) {
        return None;
    }
    let bare = |comments: bool| -> Vec<u8> {
        let mut depth = 0_usize;
        let mut out = Vec::with_capacity(line.len());
        for byte in line {
            match byte {
                b'(' if comments => depth += 1,
                b')' if comments => depth = depth.saturating_sub(1),
                b'"' | b' ' | b'\t' | b'\r' => {}
                byte if depth == 0 => out.push(byte.to_ascii_lowercase()),
                _ => {}
            }
        }
        out
    };
    [bare(false), bare(true)].iter().find_map(|bare| {
        memchr::memchr_iter(b'/', bare).find_map(|at| {
            let (before, behind) = bare.split_at_checked(at + 1)?;
            let within = |word: &[u8]| before.len() == 1 || before.ends_with(word);
            let message =
                within(b"message/") && (behind.starts_with(b"rfc822") || behind.starts_with(b"global"));
            let digest = within(b"multipart/") && behind.starts_with(b"digest");
            (message || digest).then_some(digest)
        })
    })
}

/// Does a line declare base64 or quoted-printable, in its own field or below it?
fn names_encoding(line: &[u8]) -> bool {
    if line.len() > 4096 || memchr::memchr3(b'b', b'q', b'B', line).is_none() && !line.contains(&b'Q') {
        return false;
    }
    let field = line.get(..25).is_some_and(|name| name.eq_ignore_ascii_case(b"content-transfer-encoding"));
    if !(field || line.starts_with(b" ") || line.starts_with(b"\t")) {
        return false;
    }
    let lower = line.to_ascii_lowercase();
    memchr::memmem::find(&lower, b"base64").is_some()
        || memchr::memmem::find(&lower, b"quoted-printable").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l25_what_would_harm_the_parser_is_refused() {
        let nested = "Content-Type: message/rfc822\n\n".repeat(40_000);
        let spaced = "Content-Type: Message / RFC822\n\n".repeat(51);
        let folded = "Content-Type: message\n /rfc822\n\n".repeat(51);
        let comment = "Content-Type: message/(x)rfc822\n\n".repeat(51);
        let quoted = "Content-Type: message/\"rfc822\"\n\n".repeat(51);
        let headers = "A: b\n".repeat(1_000_000);
        let multipart = "Content-Type: multipart/mixed; boundary=b\n\n";
        let parts = format!("{multipart}{}", "\n--b".repeat(201_000));
        let within = format!("{multipart}{}", "a--b\n\n".repeat(201_000));
        let wide = format!("To: {}\n\nx", "a@b,".repeat(1_100_000));
        let cases: [(&str, &str); 11] = [
            ("", "empty"),
            (" \r\n\n", "empty"),
            (&nested, "too_deep"),
            (&spaced, "too_deep"),
            (&folded, "too_deep"),
            (&comment, "too_deep"),
            (&quoted, "too_deep"),
            (&headers, "too_many_headers"),
            (&parts, "too_many_parts"),
            (&within, "too_many_parts"),
            (&wide, "headers_too_large"),
        ];
        for (text, code) in cases {
            assert_eq!(check(text.as_bytes()), Err(Refused { code }), "{code}");
        }
    }

    #[test]
    fn l25_nested_messages_behind_an_encoding_count() {
        let inner = "Content-Type: message/rfc822\n\n".repeat(51);
        let base64 = data_encoding::BASE64.encode(inner.as_bytes());
        let printable = inner.replace("rfc822", "rfc=3822");
        let head = "From: a@b.example\nContent-Type: message/rfc822\nContent-Transfer-Encoding:";
        let digest = "Content-Type: multipart/digest; boundary=b\n\n--b\nContent-Transfer-Encoding:";
        for text in [
            format!("{head} base64\n\n{base64}\n"),
            format!("{head}\n BASE64\n\n{base64}\n"),
            format!("{head} quoted-printable\n\n{printable}\n"),
            format!("{digest} base64\n\n{base64}\n--b--\n"),
        ] {
            assert_eq!(check(text.as_bytes()), Err(Refused { code: "too_deep" }), "{text:.90}");
        }
        let one = format!("{head} base64\n\n{}\n", data_encoding::BASE64.encode(b"Subject: x\n\nhello\n"));
        assert_eq!(check(one.as_bytes()), Ok(()));
    }

    #[test]
    fn what_only_speaks_of_such_things_passes() {
        let rules = format!("From: a@b.example\n\n{}", "-----\n".repeat(200_000));
        let links = format!("From: a@b.example\n\n{}", "https://clinic.example/global\n".repeat(500));
        let report = format!("From: a@b.example\n\n{}", "Final-Recipient: rfc822; a@b.example\n".repeat(500));
        for text in [&rules, &links, &report, "From: a@b.example\n\nhello message/rfc822\n"] {
            assert_eq!(check(text.as_bytes()), Ok(()));
        }
    }
}
