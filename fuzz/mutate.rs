//! Makes damaged mail out of good mail: a small generator, so that every failure comes again from
//! its seed, and the cuts, splices and words that readers of mail stumble over. Used by the fuzzer
//! and by the tests of `intake`.

/// Xorshift: the same seed gives the same throws.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `below`, zero where that is zero.
    pub fn throw(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.throw(of.len()))
    }
}

/// What breaks readers: line ends, boundaries, encoded words, nesting, markup, words of attributions
/// and of notices.
const WORDS: [&[u8]; 64] = [
    b"\0",
    b"\r",
    b"\n",
    b"\n\n",
    b"\r\n",
    b" ",
    b"\xff",
    b"\x80",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x1b$B",
    b"--",
    b"--x--",
    b"\n--x\n",
    b"=?utf-8?b?",
    b"=?utf-8?q?=?=",
    b"?=",
    b"=\n",
    b"=3D",
    b"*0*=utf-8''%",
    b"\nContent-Type: message/rfc822\n\n",
    b"\nContent-Type: multipart/mixed; boundary=x\n\n--x\n",
    b"\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\n",
    b"\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;",
    b"\nContent-Type: text/html; charset=utf-7\n\n",
    b"\nContent-Transfer-Encoding: base64\n",
    b"\nContent-Disposition: attachment; filename*0=\"",
    b"\nbegin 644 a.txt\n",
    b"\n`\nend\n",
    b"\n=ybegin line=128 size=9 name=",
    b"\n-- \n",
    b"\n> ",
    b"\n>> ",
    b"\nOn 1 Jan 2026 at 10:00, ",
    b" wrote:\n",
    b"\nFrom: ",
    b"\nSent: ",
    b"\nSubject: Re: ",
    b"\n-----Original Message-----\n",
    b"\nSent from my iPhone\n",
    b"\nfailed: 550 5.1.1 ",
    b"\nmailer-daemon",
    b"<a@b.example>",
    b"((((",
    b"\"",
    b";;",
    b"&#x110000;",
    b"&amp",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"<div>",
    b"</div>",
    b"<table><tr><td>",
    b"<a href=\"javascript:",
    b"<img src=x onerror=y>",
    b"<svg><style>",
    b"<math><mtext><table><mglyph><style>",
    b"<blockquote type=cite>",
    b"<div class=gmail_quote>",
    b"<h1><a><h6>",
    b"<select><option><p>",
    b"\xe2\x80\xae",
    b"\xe2\x80\xa8",
];

/// Damages `bytes` in one to six places; `others` are what pieces are borrowed from.
pub fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], dice: &mut Dice) {
    for _ in 0..=dice.throw(6) {
        let at = dice.throw(bytes.len());
        let end = (at + 1 + dice.throw(60)).min(bytes.len());
        match dice.throw(9) {
            0 => {
                let octet = u8::try_from(dice.throw(256)).unwrap_or(0);
                if let Some(place) = bytes.get_mut(at) {
                    *place = octet;
                }
            }
            1 | 2 => insert(bytes, at, dice.pick(&WORDS).copied().unwrap_or_default()),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes.get(at..end).unwrap_or_default().repeat(1 + dice.throw(8));
                insert(bytes, end, &piece);
            }
            5 => bytes.truncate(at.max(1)),
            6 => swap_lines(bytes, dice),
            7 => change_ends(bytes, dice),
            _ => {
                let other = dice.pick(others).map(Vec::as_slice).unwrap_or_default();
                let from = dice.throw(other.len());
                let to = (from + 1 + dice.throw(400)).min(other.len());
                insert(bytes, at, other.get(from..to).unwrap_or_default());
            }
        }
        if bytes.is_empty() {
            bytes.push(b'x');
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    drop(bytes.splice(at..at, piece.iter().copied()));
}

fn swap_lines(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let mut lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    let (one, two) = (dice.throw(lines.len()), dice.throw(lines.len()));
    lines.swap(one, two);
    *bytes = lines.join(&b'\n');
}

fn change_ends(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let end: &[u8] = [&b"\r\n"[..], b"\r", b"\n\r"].get(dice.throw(3)).copied().unwrap_or(b"\n");
    let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    *bytes = lines.join(end);
}
