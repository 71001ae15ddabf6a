//! Files within the text: uuencode (POSIX 1003.1 `uuencode`), as Outlook once sent, and yEnc 1.2, as
//! newsreaders do. Takes decoded text, gives the text without them and the files; yEnc is only
//! recognised, since its octets do not survive a charset. Never trusts a length it did not check.

use std::borrow::Cow;

use super::{charset, limits};

/// A file found in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Its name as written.
    pub name: String,
    /// Its octets; of yEnc the lines as they stand.
    pub content: Vec<u8>,
    /// `uuencoded` or `yenc`.
    pub flag: &'static str,
    /// False where its end was missing.
    pub whole: bool,
}

/// Takes the files out of a text.
pub fn extract(text: &str) -> (Cow<'_, str>, Vec<Inside>) {
    let begins = |line: &str| line.starts_with("begin ") || line.starts_with("=ybegin ");
    if !text.lines().any(begins) {
        return (Cow::Borrowed(text), Vec::new());
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut files = Vec::new();
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let room = files.len() < limits::ATTACHMENTS;
        let after = lines.get(at + 1..).unwrap_or_default();
        let found = if !room {
            None
        } else if line.starts_with("=ybegin ") {
            yenc(line, after)
        } else {
            name_of(line).and_then(|name| uuencoded(name, after))
        };
        if let Some((file, length)) = found {
            files.push(file);
            at += 1 + length;
            continue;
        }
        rest.push_str(line);
        rest.push('\n');
        at += 1;
    }
    (Cow::Owned(rest), files)
}

/// The name in `begin 644 name`; the mode has three or four octal digits.
fn name_of(line: &str) -> Option<&str> {
    let (mode, name) = line.strip_prefix("begin ")?.trim_start().split_once(' ')?;
    let octal = (3..=4).contains(&mode.len()) && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
    (octal && !name.trim().is_empty()).then(|| name.trim())
}

/// The file and how many lines it takes; nothing where the first line is not of one.
fn uuencoded(name: &str, lines: &[&str]) -> Option<(Inside, usize)> {
    let mut content = Vec::new();
    let mut length = 0;
    let mut whole = false;
    for line in lines {
        if line.trim_end() == "end" {
            length += 1;
            whole = true;
            break;
        }
        let Some(octets) = decoded(line) else { break };
        content.extend(octets);
        length += 1;
    }
    let plausible = whole || length >= 3;
    plausible.then(|| (Inside { name: name.to_owned(), content, flag: "uuencoded", whole }, length))
}

/// A line: its first character is the number of octets, then four characters for each three.
fn decoded(line: &str) -> Option<Vec<u8>> {
    let mut bytes = line.trim_end_matches(['\r', '\n']).bytes();
    let value = |byte: u8| (0x20..=0x60).contains(&byte).then(|| (byte - 0x20) & 0x3f);
    let count = usize::from(value(bytes.next()?)?);
    let values: Vec<u8> = bytes.map(value).collect::<Option<_>>()?;
    let needed = count.div_ceil(3) * 4;
    // Blanks at the end are often cut off, a check character sometimes follows.
    if values.len() > needed + 2 || values.len() + 4 < needed {
        return None;
    }
    let mut octets = Vec::with_capacity(needed);
    for group in values.chunks(4) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|n| u32::from(group.get(n).copied().unwrap_or_default()));
        let word = a << 18 | b << 12 | c << 6 | d;
        octets.extend(word.to_be_bytes().into_iter().skip(1));
    }
    octets.resize(count, 0);
    Some(octets)
}

fn yenc(first: &str, lines: &[&str]) -> Option<(Inside, usize)> {
    let (_, name) = first.split_once(" name=")?;
    let end = lines.iter().position(|line| line.starts_with("=yend"));
    let length = end.map_or(lines.len(), |end| end + 1);
    let content: Vec<u8> = lines.iter().take(length).flat_map(|line| line.bytes()).collect();
    let name = charset::one_line(name);
    Some((Inside { name, content, flag: "yenc", whole: end.is_some() }, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_leave_the_text_and_keep_their_octets() {
        let text = "See the log.\n\nbegin 644 log file.txt\n#0V%T\n`\nend\n\nThanks\n";
        let (rest, files) = extract(text);
        assert_eq!(rest, "See the log.\n\n\nThanks\n");
        let file = files.first().unwrap();
        assert_eq!(
            (file.name.as_str(), file.content.as_slice(), file.whole),
            ("log file.txt", &b"Cat"[..], true)
        );
        let (rest, files) = extract("a\r\nbegin 0644 b\r\n#0V%T\r\n#0V%T\r\n#0V%T\r\n");
        assert_eq!(
            (rest.as_ref(), files.first().map(|f| (f.content.len(), f.whole))),
            ("a\n", Some((9, false)))
        );
        let (rest, files) = extract("a\n=ybegin line=128 size=3 name=x.bin\nabc\n=yend size=3\nb\n");
        assert_eq!((rest.as_ref(), files.first().map(|f| f.flag)), ("a\nb\n", Some("yenc")));
    }

    #[test]
    fn prose_that_begins_is_prose() {
        for text in
            ["begin 644 the work\nof this day\n", "begin with the door\n", "begin 9 x\nend\n", "=ybegin\n"]
        {
            let (rest, files) = extract(text);
            assert_eq!((rest.as_ref(), files.len()), (text, 0));
        }
    }
}
