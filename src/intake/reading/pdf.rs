//! PDF: the text of its pages, as far as its fonts say which characters they draw. Bounded in size,
//! pages and unpacked octets; a page without text is a picture, and nobody claims to have read it.

use lopdf::{Document, LoadOptions};

use super::Text;
use crate::intake::limits;

/// Text of the pages, and of the document's own properties.
pub(super) fn text(content: &[u8], budget: usize) -> Text {
    let options = LoadOptions::with_max_decompressed_size(limits::UNFOLDED);
    let document = Document::load_mem_with_options(content, options).map_err(|_| "unreadable")?;
    if document.is_encrypted() {
        return Err("encrypted");
    }
    let mut missing = pictures(&document).then_some("image");
    let mut out = properties(&document);
    for (number, _) in document.get_pages() {
        if number > limits::PAGES || out.len() > budget {
            missing = Some("too_large");
            break;
        }
        match document.extract_text_with_limit(&[number], limits::UNFOLDED) {
            Ok(page) if page.trim().is_empty() => missing = missing.or(Some("image")),
            Ok(page) => {
                let lost = page.contains(char::REPLACEMENT_CHARACTER);
                missing = missing.or(lost.then_some("unreadable"));
                out.push_str(&page);
                out.push('\n');
            }
            Err(_) => missing = missing.or(Some("unreadable")),
        }
    }
    if out.trim().is_empty() { Err("image") } else { Ok((out, missing)) }
}

/// Pictures that may show words; a logo is small.
fn pictures(document: &Document) -> bool {
    let wide = |dict: &lopdf::Dictionary| {
        let side = |key: &[u8]| dict.get(key).and_then(lopdf::Object::as_i64).unwrap_or(0);
        side(b"Width") * side(b"Height") > 200 * 200
    };
    document.objects.values().filter_map(|object| object.as_stream().ok()).any(|stream| {
        let kind = stream.dict.get(b"Subtype").and_then(lopdf::Object::as_name);
        kind.is_ok_and(|kind| kind == b"Image") && wide(&stream.dict)
    })
}

/// Title, subject, author, keywords: a name in a title is a name.
fn properties(document: &Document) -> String {
    let info = document.trailer.get(b"Info").ok();
    let info = info.and_then(|info| document.dereference(info).ok()).and_then(|(_, o)| o.as_dict().ok());
    let Some(info) = info else { return String::new() };
    let mut out = String::new();
    for key in [b"Title".as_slice(), b"Subject", b"Author", b"Keywords"] {
        let text = info.get(key).ok().and_then(|value| lopdf::decode_text_string(value).ok());
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            out.push_str(&text);
            out.push('\n');
        }
    }
    out
}
