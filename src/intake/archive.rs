//! What lies in an archive, by its table of names only: ZIP (APPNOTE 4.3), tar (POSIX ustar), gzip
//! (RFC 1952 2.3.1). Takes octets, gives names and what the table says of sizes and locks; never
//! unpacks a byte, so no bomb can go off. RAR and 7z are known by their type alone.

use super::{charset, limits};

/// What a table of names says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Names of the entries, in the table's order, at most [`limits::ARCHIVE_ENTRIES`].
    pub names: Vec<String>,
    /// An entry needs a password.
    pub locked: bool,
    /// Unpacked it would be out of proportion, or it has more entries than are looked at.
    pub bomb: bool,
}

/// Lists an archive; nothing where the octets are none.
pub fn list(content: &[u8]) -> Option<Listing> {
    if content.starts_with(b"PK\x03\x04") || content.starts_with(b"PK\x05\x06") {
        return zip(content);
    }
    if content.starts_with(b"\x1f\x8b") {
        return gzip(content);
    }
    (content.get(257..262) == Some(b"ustar")).then(|| tar(content))
}

fn number(content: &[u8], at: usize, width: usize) -> Option<u64> {
    let octets = content.get(at..at.checked_add(width)?)?;
    Some(octets.iter().rev().fold(0, |value, octet| value << 8 | u64::from(*octet)))
}

fn index(content: &[u8], at: usize, width: usize) -> Option<usize> {
    usize::try_from(number(content, at, width)?).ok()
}

fn zip(content: &[u8]) -> Option<Listing> {
    // The end record stands in the last 64 KiB, behind it only a comment.
    let tail = content.len().saturating_sub(66_000);
    let end = tail + memchr::memmem::rfind(content.get(tail..)?, b"PK\x05\x06")?;
    let mut at = index(content, end + 16, 4)?;
    let mut listing = Listing::default();
    let mut unpacked = 0_u64;
    while content.get(at..at.checked_add(4)?) == Some(b"PK\x01\x02") {
        if listing.names.len() >= limits::ARCHIVE_ENTRIES {
            listing.bomb = true;
            break;
        }
        listing.locked |= number(content, at + 8, 2)? & 1 == 1;
        unpacked = unpacked.saturating_add(number(content, at + 24, 4)?);
        let (name, extra, comment) =
            (index(content, at + 28, 2)?, index(content, at + 30, 2)?, index(content, at + 32, 2)?);
        let octets = content.get(at + 46..(at + 46).checked_add(name)?)?;
        listing.names.push(charset::one_line(&String::from_utf8_lossy(octets)));
        at += 46 + name + extra + comment;
    }
    let packed = u64::try_from(content.len()).unwrap_or(u64::MAX);
    listing.bomb |= unpacked > limits::ARCHIVE_UNPACKED && unpacked / packed.max(1) > limits::ARCHIVE_RATIO;
    Some(listing)
}

fn gzip(content: &[u8]) -> Option<Listing> {
    let flags = *content.get(3)?;
    let mut listing = Listing::default();
    // The name follows the fixed header and the extra field.
    let extra = if flags & 4 == 4 { 2 + index(content, 10, 2)? } else { 0 };
    if flags & 8 == 8 {
        let rest = content.get(10 + extra..)?;
        let name = rest.split(|b| *b == 0).next().unwrap_or_default();
        let name = name.get(..1000).unwrap_or(name);
        listing.names.push(charset::one_line(&String::from_utf8_lossy(name)));
    }
    Some(listing)
}

fn tar(content: &[u8]) -> Listing {
    let mut listing = Listing::default();
    let mut at = 0_usize;
    while let Some(header) = content.get(at..at.saturating_add(512)) {
        if header.first().is_none_or(|b| *b == 0) {
            break;
        }
        if listing.names.len() >= limits::ARCHIVE_ENTRIES {
            listing.bomb = true;
            break;
        }
        let name = header.split(|b| *b == 0).next().unwrap_or_default();
        let name = name.get(..100).unwrap_or(name);
        listing.names.push(charset::one_line(&String::from_utf8_lossy(name)));
        let digits = String::from_utf8_lossy(header.get(124..136).unwrap_or_default()).into_owned();
        let size = u64::from_str_radix(digits.trim_matches(['\0', ' ']), 8).unwrap_or(0);
        let blocks = usize::try_from(size.div_ceil(512)).unwrap_or(usize::MAX);
        at = at.saturating_add(512).saturating_add(blocks.saturating_mul(512));
    }
    listing
}

#[cfg(test)]
/// Archives for tests.
pub mod testing {
    /// A ZIP with nothing but its table.
    ///
    /// # Panics
    /// Where a name is longer than a table can say.
    pub fn zip_of(names: &[&str], locked: bool, unpacked: u32) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        let start = u32::try_from(out.len()).unwrap();
        for name in names {
            let mut entry = vec![0_u8; 46];
            entry[..4].copy_from_slice(b"PK\x01\x02");
            entry[8] = u8::from(locked);
            entry[24..28].copy_from_slice(&unpacked.to_le_bytes());
            entry[28..30].copy_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
            out.extend(entry);
            out.extend(name.as_bytes());
        }
        let mut end = vec![0_u8; 22];
        end[..4].copy_from_slice(b"PK\x05\x06");
        end[16..20].copy_from_slice(&start.to_le_bytes());
        out.extend(end);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::testing::zip_of;
    use super::*;

    #[test]
    fn names_come_from_the_table_alone() {
        let listing = list(&zip_of(&["a.txt", "b/run.exe"], false, 10)).unwrap();
        assert_eq!(
            (listing.names, listing.locked, listing.bomb),
            (vec!["a.txt".into(), "b/run.exe".into()], false, false)
        );
        assert!(list(&zip_of(&["a"], true, 10)).unwrap().locked);
        assert!(list(&zip_of(&["a"], false, u32::MAX)).unwrap().bomb);
        let gzip = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03report.exe\0data";
        assert_eq!(list(gzip).unwrap().names, ["report.exe"]);
        let mut tar = vec![0_u8; 1024];
        tar[..7].copy_from_slice(b"run.exe");
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(list(&tar).unwrap().names, ["run.exe"]);
        assert_eq!(list(b"hello"), None);
    }

    #[test]
    fn damaged_tables_end() {
        let whole = zip_of(&["a.txt", "b.txt"], false, 10);
        for end in 0..whole.len() {
            let _ = list(&whole[..end]);
        }
        let mut far = whole;
        let at = far.len() - 6;
        far[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(list(&far).is_none_or(|listing| listing.names.is_empty()));
    }
}
