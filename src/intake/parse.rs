//! MIME to headers, text and parts (RFC 2045, 2046, 5322), by mail-parser behind the limits. Takes
//! octets, gives the message and its bodies as text; what is wrong is told as defects. Never
//! panics, never recurses by what the mail says.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use super::headers::Headers;
use super::uu::{self, Inside};
use super::{Refused, charset, flowed, limits, render};

/// A mail taken apart.
#[derive(Debug)]
pub struct Mail<'m> {
    /// The parser's view: parts and their headers.
    pub message: Message<'m>,
    /// The fields of the top level.
    pub headers: Headers,
    /// The decoded text; rendered from HTML where there is no plain text.
    pub text: String,
    /// True when [`Mail::text`] was rendered from HTML.
    pub rendered: bool,
    /// The decoded HTML.
    pub html: Option<String>,
    /// Files that stood within the text.
    pub inside: Vec<Inside>,
    /// What was wrong.
    pub defects: Vec<&'static str>,
}

/// Makes the octets fit for the parser: an mbox `From ` line and bare CR line ends are none of mail.
pub fn prepare<'b>(bytes: &'b [u8], defects: &mut Vec<&'static str>) -> Cow<'b, [u8]> {
    let mut out = Cow::Borrowed(bytes);
    if bytes.contains(&b'\r') && !bytes.contains(&b'\n') {
        defects.push("bare_cr");
        out = Cow::Owned(bytes.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect());
    }
    let start = header_start(&out);
    if start > 0 {
        defects.push("leading_lines");
        out = Cow::Owned(out.get(start..).unwrap_or_default().to_vec());
    }
    if out.contains(&0) {
        defects.push("nul");
    }
    out
}

/// Where the header begins: behind blank lines, and an mbox `From ` line. Blank lines before anything
/// but a field are the end of an empty header, and stay.
fn header_start(bytes: &[u8]) -> usize {
    let mut start = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let envelope = start < 4096 && (line.starts_with(b"From ") || line.starts_with(b">From "));
        if !envelope && !line.iter().all(u8::is_ascii_whitespace) {
            break;
        }
        start += line.len();
    }
    let name = bytes.iter().skip(start).take(80).take_while(|b| **b != b':').count();
    let colon = bytes.get(start + name) == Some(&b':');
    let field =
        colon && (1..80).contains(&name) && bytes.iter().skip(start).take(name).all(u8::is_ascii_graphic);
    if field { start } else { 0 }
}

/// Takes a mail apart.
///
/// # Errors
/// [`Refused`] when a limit forbids it or nothing in it is a header.
pub fn parse<'m>(bytes: &'m [u8], mut defects: Vec<&'static str>) -> Result<Mail<'m>, Refused> {
    // mail-parser asserts its own bookkeeping in debug builds, and mutated multiparts break it (L25).
    let parsed = std::panic::catch_unwind(|| MessageParser::default().parse(bytes));
    let message =
        parsed.map_err(|_| Refused { code: "parser_failed" })?.ok_or(Refused { code: "no_header" })?;
    if message.parts.len() > limits::PARTS {
        return Err(Refused { code: "too_many_parts" });
    }
    let headers = Headers::of(&message);
    if headers.iter().next().is_none() {
        defects.push("no_header");
    }
    if headers.eight_bit {
        defects.push("header_8bit");
    }
    if message.parts.iter().any(|part| part.is_encoding_problem) {
        defects.push("encoding_damaged");
    }
    let (text, inside, rendered) = plain(&message, &mut defects);
    let html = html(&message, &mut defects);
    let mut mail = Mail { message, headers, text, rendered, html, inside, defects };
    if let Some(html) = mail.html.as_deref().filter(|_| mail.text.trim().is_empty()) {
        mail.text = render_within_limits(html, &mut mail.defects);
        mail.rendered = true;
    }
    Ok(mail)
}

fn part<'p, 'm>(message: &'p Message<'m>, id: u32) -> Option<&'p MessagePart<'m>> {
    message.parts.get(usize::try_from(id).ok()?)
}

fn plain(message: &Message<'_>, defects: &mut Vec<&'static str>) -> (String, Vec<Inside>, bool) {
    let mut text = String::new();
    let mut inside = Vec::new();
    let mut rendered = false;
    for part in message.text_body.iter().filter_map(|id| part(message, *id)) {
        let piece = match &part.body {
            PartType::Text(_) => {
                let piece = decoded(message, part, defects);
                let (piece, files) = uu::extract(&piece);
                inside.extend(files);
                if is_flowed(part) { flowed::join(&piece, is_delsp(part)) } else { piece.into_owned() }
            }
            PartType::Html(_) => {
                rendered = true;
                let html = decoded(message, part, defects);
                render_within_limits(&html, defects)
            }
            _ => continue,
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&piece);
        if text.len() > limits::TEXT_BYTES {
            break;
        }
    }
    let (text, cut) = charset::cut(charset::clean(&text), limits::TEXT_BYTES);
    if cut {
        defects.push("text_cut");
    }
    if inside.iter().any(|file| !file.whole) {
        defects.push("uuencode_damaged");
    }
    if ARMOUR.iter().any(|mark| text.contains(mark)) {
        defects.push("pgp_inline");
    }
    (text, inside, rendered)
}

/// How PGP begins within a text (RFC 9580 6.2).
const ARMOUR: [&str; 2] = ["-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP MESSAGE-----"];

fn html(message: &Message<'_>, defects: &mut Vec<&'static str>) -> Option<String> {
    let mut html = String::new();
    for part in message.html_body.iter().filter_map(|id| part(message, *id)) {
        if html.len() > limits::HTML_BYTES {
            break;
        }
        if matches!(part.body, PartType::Html(_)) {
            html.push_str(&decoded(message, part, defects));
        }
    }
    Some(charset::clean(&html)).filter(|html| !html.trim().is_empty())
}

/// HTML to text; above the limits only its first part, told by a defect.
pub fn render_within_limits(html: &str, defects: &mut Vec<&'static str>) -> String {
    let (html, cut) = charset::cut(html.to_owned(), limits::HTML_BYTES);
    if cut {
        defects.push("html_cut");
    }
    charset::cut(charset::clean(&render::text(&html)), limits::TEXT_BYTES).0
}

fn is_flowed(part: &MessagePart<'_>) -> bool {
    let format = part.content_type().and_then(|ct| ct.attribute("format"));
    format.is_some_and(|format| format.eq_ignore_ascii_case("flowed"))
}

fn is_delsp(part: &MessagePart<'_>) -> bool {
    let delsp = part.content_type().and_then(|ct| ct.attribute("delsp"));
    delsp.is_some_and(|delsp| delsp.eq_ignore_ascii_case("yes"))
}

/// The text of a part in the order of charsets of L33. The parser decoded it already; where that
/// may have gone wrong its octets are decoded again.
pub fn decoded(message: &Message<'_>, part: &MessagePart<'_>, defects: &mut Vec<&'static str>) -> String {
    let (PartType::Text(text) | PartType::Html(text)) = &part.body else { return String::new() };
    let label = part.content_type().and_then(|ct| ct.attribute("charset"));
    if text.is_ascii()
        && !text.contains('\u{1b}')
        && label.is_none_or(|l| !l.to_ascii_lowercase().contains("utf-7"))
    {
        return head(text);
    }
    let start = usize::try_from(part.offset_body).unwrap_or(usize::MAX);
    let end = usize::try_from(part.offset_end).unwrap_or(usize::MAX);
    let end = end.min(start.saturating_add(limits::DECODED_BYTES));
    let Some(raw) = message.raw_message.get(start..end) else { return head(text) };
    let octets = match part.encoding {
        Encoding::None => Some(Cow::Borrowed(raw)),
        Encoding::Base64 => base64_decode(raw).map(Cow::Owned),
        Encoding::QuotedPrintable => quoted_printable_decode(raw).map(Cow::Owned),
    };
    let Some(octets) = octets else { return head(text) };
    let inner =
        if label.is_none() && matches!(part.body, PartType::Html(_)) { meta_charset(&octets) } else { None };
    let (text, defect) = charset::decode(&octets, label.or(inner.as_deref()));
    defects.extend(defect);
    text
}

/// As much of a text as is ever looked at.
fn head(text: &str) -> String {
    let mut end = text.len().min(limits::DECODED_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// `<meta charset>` within the first kilobyte (HTML 13.2.3.2), for HTML that declares none outside.
fn meta_charset(octets: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(octets.get(..octets.len().min(1024)).unwrap_or_default())
        .to_ascii_lowercase();
    let (_, after) = head.split_once("charset=")?;
    let label: String = after
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'))
        .collect();
    Some(label).filter(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Mail<'_> {
        parse(text.as_bytes(), Vec::new()).unwrap()
    }

    #[test]
    fn text_is_found_wherever_it_lies() {
        let cases = [
            ("A: b\n\nhello", "hello"),
            ("Content-Type: text/html\n\n<p>hello</p>", "hello"),
            (
                "Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain\n\nhello\n--x\nContent-Type: text/html\n\n<b>hello</b>\n--x--\n",
                "hello",
            ),
            (
                "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\nb2zh\n",
                "ol\u{e1}",
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nol=C3=A1=\n!\n",
                "ol\u{e1}!\n",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(read(text).text, want, "{text}");
        }
    }

    #[test]
    fn l33_meta_charset_counts_where_nothing_else_does() {
        let html = b"Content-Type: text/html\n\n<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2</p>";
        let mail = parse(html, Vec::new()).unwrap();
        assert_eq!(mail.text, "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}");
    }
}
