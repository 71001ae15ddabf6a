//! A mailbox behind an IMAP server of our own, which keeps its state from connection to connection and
//! misbehaves where it is told to: NO, BAD, BYE and silence in the middle of a command, answers
//! without data. It stands for what real servers do once in a year.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use super::scripted::{Conversation, Scripted};

/// What happens instead of the right answer.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// This line as the tagged answer.
    Answer(&'static str),
    /// BYE and the end of the connection.
    Bye,
    /// The end without a word.
    HangUp,
    /// The end in the middle of the next mail's octets; only where mails are fetched.
    Truncate,
    /// Everything is done, and then the connection ends before the answer.
    EndBeforeAnswer,
    /// Nothing is said any more.
    Silence,
    /// The rest of the mails is left out, and the answer is OK.
    LeaveOut,
    /// The rest comes with NIL in the place of its octets.
    Nil,
    /// The rest comes as this mail instead.
    Instead(&'static str),
}

/// A fault: at a command that contains the word, once `after` of its mails were served.
#[derive(Debug, Clone, Copy)]
pub struct Mischief {
    pub at: &'static str,
    pub after: usize,
    pub act: Act,
    pub times: u32,
}

#[derive(Debug)]
struct Shelf {
    uidvalidity: u32,
    inbox: BTreeMap<u32, String>,
    deleted: BTreeSet<u32>,
    hidden: BTreeSet<u32>,
    /// The UIDs that were copied or moved, in order.
    elsewhere: Vec<u32>,
    mischief: Vec<Mischief>,
    heard: Vec<String>,
    abilities: &'static str,
    /// What is told of a mail's size, if not the truth.
    told_size: Option<usize>,
}

/// The running server.
#[derive(Debug)]
pub struct Mailbox {
    pub server: Scripted,
    shelf: Arc<Mutex<Shelf>>,
}

impl Mailbox {
    /// Holds these mails under UIDs from 1 on.
    pub fn start(mails: &[String]) -> Self {
        let shelf = Arc::new(Mutex::new(Shelf {
            uidvalidity: 7,
            inbox: (1..).zip(mails.iter().cloned()).collect(),
            deleted: BTreeSet::new(),
            hidden: BTreeSet::new(),
            elsewhere: Vec::new(),
            mischief: Vec::new(),
            heard: Vec::new(),
            abilities: "IMAP4rev1 MOVE UIDPLUS",
            told_size: None,
        }));
        let shared = Arc::clone(&shelf);
        let server = Scripted::start(move |talk| serve(talk, &shared));
        Self { server, shelf }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap()
    }

    pub fn mischief(&self, mischief: Mischief) {
        self.shelf().mischief.push(mischief);
    }

    pub fn abilities(&self, abilities: &'static str) {
        self.shelf().abilities = abilities;
    }

    pub fn tell_size(&self, size: usize) {
        self.shelf().told_size = Some(size);
    }

    /// SEARCH does not name this UID until it is shown: an index that lags behind.
    pub fn hide(&self, uid: u32) {
        self.shelf().hidden.insert(uid);
    }

    pub fn show(&self, uid: u32) {
        self.shelf().hidden.remove(&uid);
    }

    pub fn put(&self, mail: &str) {
        let mut shelf = self.shelf();
        let uid = shelf.next();
        shelf.inbox.insert(uid, mail.to_owned());
    }

    /// The server forgets its UIDs: everything is counted anew.
    pub fn renumber(&self) {
        let mut shelf = self.shelf();
        shelf.uidvalidity += 1;
        let mails: Vec<String> = shelf.inbox.values().cloned().collect();
        shelf.inbox = (1..).zip(mails).collect();
        shelf.deleted.clear();
    }

    /// What was copied or moved to the other folder.
    pub fn elsewhere(&self) -> Vec<u32> {
        self.shelf().elsewhere.clone()
    }

    /// What a person still sees in the folder.
    pub fn left(&self) -> Vec<u32> {
        let shelf = self.shelf();
        shelf.inbox.keys().copied().filter(|uid| !shelf.deleted.contains(uid)).collect()
    }

    pub fn heard(&self) -> Vec<String> {
        self.shelf().heard.clone()
    }
}

impl Shelf {
    fn next(&self) -> u32 {
        self.inbox
            .keys()
            .next_back()
            .map_or(1, |uid| uid + 1)
            .max(self.elsewhere.iter().max().map_or(1, |u| u + 1))
    }

    fn mischief_at(&mut self, command: &str) -> Option<(usize, Act)> {
        let found = self.mischief.iter_mut().find(|m| m.times > 0 && command.contains(m.at))?;
        found.times -= 1;
        Some((found.after, found.act))
    }

    /// The UIDs of a set that are there.
    fn named(&self, set: &str) -> Vec<u32> {
        let last = self.inbox.keys().next_back().copied().unwrap_or(0);
        let number = |text: &str| if text == "*" { last } else { text.parse().unwrap() };
        let mut uids = BTreeSet::new();
        for part in set.split(',') {
            let (low, high) = part.split_once(':').unwrap_or((part, part));
            let (low, high) = (number(low).min(number(high)), number(low).max(number(high)));
            uids.extend(self.inbox.range(low..=high).map(|(uid, _)| *uid));
        }
        uids.into_iter().collect()
    }
}

fn serve(talk: &mut Conversation, shelf: &Mutex<Shelf>) -> Option<()> {
    talk.say("* OK a mailbox")?;
    loop {
        let line = talk.line()?;
        let (tag, command) = line.split_once(' ')?;
        talk.tag = tag.to_owned();
        let command = command.to_owned();
        let fault = {
            let mut shelf = shelf.lock().unwrap();
            shelf.heard.push(command.clone());
            shelf.mischief_at(&command)
        };
        let words: Vec<&str> = command.split(' ').collect();
        let uids = match words.as_slice() {
            ["UID", "SEARCH", ..] => Vec::new(),
            ["UID", _, set, ..] => shelf.lock().unwrap().named(set),
            _ => Vec::new(),
        };
        let served = fault.as_ref().map_or(uids.len(), |(after, _)| (*after).min(uids.len()));
        let (good, rest) = uids.split_at(served);
        answer(talk, shelf, &words, good)?;
        match fault.map(|(_, act)| act) {
            None => talk.done("OK done")?,
            Some(act) => misbehave(talk, shelf, (&words, rest), act)?,
        }
    }
}

/// The untagged part of the right answer, for these UIDs.
fn answer(talk: &mut Conversation, shelf: &Mutex<Shelf>, words: &[&str], uids: &[u32]) -> Option<()> {
    let mut shelf = shelf.lock().unwrap();
    match words {
        ["CAPABILITY", ..] => talk.say(&format!("* CAPABILITY {}", shelf.abilities))?,
        ["SELECT", ..] => talk.say(&format!(
            "* {} EXISTS\n* OK [UIDVALIDITY {}] .\n* OK [UIDNEXT {}] .\n* OK [PERMANENTFLAGS (\\Seen \\*)] .",
            shelf.inbox.len(),
            shelf.uidvalidity,
            shelf.next()
        ))?,
        ["LOGOUT", ..] => talk.say("* BYE till next time")?,
        ["UID", "SEARCH", .., set] => {
            let found = shelf.named(set).into_iter().filter(|uid| !shelf.hidden.contains(uid));
            let found: Vec<String> = found.map(|uid| uid.to_string()).collect();
            talk.say(&format!("* SEARCH {}", found.join(" ")))?;
        }
        ["UID", "FETCH", ..] => {
            for uid in uids {
                let mail = shelf.inbox.get(uid).cloned().unwrap_or_default();
                if words.contains(&"RFC822.SIZE") {
                    let size = shelf.told_size.unwrap_or(mail.len());
                    let date = "INTERNALDATE \"05-May-2025 06:08:09 +0000\"";
                    talk.say(&format!("* {uid} FETCH (UID {uid} RFC822.SIZE {size} {date})"))?;
                } else {
                    let most = partial(words).unwrap_or(mail.len()).min(mail.len());
                    talk.mail(*uid, mail.get(..most).unwrap_or_default())?;
                }
            }
        }
        ["UID", verb @ ("MOVE" | "COPY"), ..] => {
            shelf.elsewhere.extend(uids);
            if *verb == "MOVE" {
                shelf.inbox.retain(|uid, _| !uids.contains(uid));
            }
        }
        ["UID", "STORE", .., flags] if flags.contains("Deleted") => shelf.deleted.extend(uids),
        ["UID", "EXPUNGE", ..] => {
            let gone: Vec<u32> = uids.iter().copied().filter(|uid| shelf.deleted.contains(uid)).collect();
            shelf.inbox.retain(|uid, _| !gone.contains(uid));
        }
        _ => {}
    }
    Some(())
}

/// The length asked for in `BODY.PEEK[]<0.LENGTH>` (RFC 3501 6.4.5).
fn partial(words: &[&str]) -> Option<usize> {
    words.last()?.split_once("<0.")?.1.split_once('>')?.0.parse().ok()
}

fn misbehave(
    talk: &mut Conversation,
    shelf: &Mutex<Shelf>,
    (words, rest): (&[&str], &[u32]),
    act: Act,
) -> Option<()> {
    match act {
        Act::Answer(line) => talk.done(line),
        Act::Bye => {
            talk.say("* BYE the server is going down")?;
            None
        }
        Act::HangUp => None,
        Act::Truncate => {
            talk.raw(b"* 1 FETCH (UID 1 BODY[]<0> {500}\r\nSubject: half of")?;
            None
        }
        Act::EndBeforeAnswer => {
            answer(talk, shelf, words, rest)?;
            None
        }
        Act::Silence => talk.fall_silent(),
        Act::LeaveOut => talk.done("OK done"),
        Act::Nil => {
            for uid in rest {
                talk.say(&format!("* {uid} FETCH (UID {uid} BODY[]<0> NIL)"))?;
            }
            talk.done("OK done")
        }
        Act::Instead(mail) => {
            for uid in rest {
                talk.mail(*uid, mail)?;
            }
            talk.done("OK done")
        }
    }
}
