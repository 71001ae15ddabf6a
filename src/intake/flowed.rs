//! format=flowed (RFC 3676): lines that end in a space go on in the next one of the same quote
//! depth. Takes decoded text, gives text with its paragraphs whole.

/// Joins; `delsp` drops the space a line was broken at (RFC 3676 4).
pub fn join(text: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // Depth of the line that waits for its continuation.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        let content = line.trim_start_matches('>');
        let depth = line.len() - content.len();
        let content = content.strip_prefix(' ').unwrap_or(content);
        if open != Some(depth) {
            if open.is_some() {
                out.push('\n');
            }
            if depth > 0 {
                out.push_str(&">".repeat(depth));
                out.push(' ');
            }
        }
        // The signature's mark ends in a space and is never flowed (4.3).
        let flows = content.ends_with(' ') && content != "-- " && !content.trim().is_empty();
        let content = if flows && delsp { content.strip_suffix(' ').unwrap_or(content) } else { content };
        out.push_str(content);
        if flows {
            open = Some(depth);
        } else {
            out.push('\n');
            open = None;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3676_lines_flow_within_their_depth() {
        let cases = [
            ("one \ntwo\nthree", false, "one two\nthree\n"),
            ("> one \n> two\nthree", false, "> one two\nthree\n"),
            (">> one \n> two\n", false, ">> one \n> two\n"),
            ("end\n-- \nme\n", false, "end\n-- \nme\n"),
            ("\u{4e00} \n\u{4e8c}\n", true, "\u{4e00}\u{4e8c}\n"),
            (" >not a quote\n", false, ">not a quote\n"),
        ];
        for (text, delsp, want) in cases {
            assert_eq!(join(text, delsp), want, "{text:?}");
        }
    }
}
