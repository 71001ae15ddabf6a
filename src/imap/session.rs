//! One logged-in connection (L27: one an account). Takes commands one at a time, reads each answer
//! to its tagged end, and knows whether the server owes one. Uses async-imap as parser and writer
//! only: its own command methods report NO, EOF and BYE as an empty success.

use async_imap::imap_proto::{Capability, MailboxDatum, Outcome, Response, ResponseCode, Status};
use tokio::time::timeout;

use super::wire::Wire;
use super::{ImapError, Limits};
use crate::clock::Life;
use crate::domain::ids::{AccountName, FolderName, Uid, UidValidity};

/// What any answer without mail in it may weigh.
pub(super) const SMALL: u64 = 1 << 20;
/// One SEARCH asks for so many UIDs at most: the parser reads a line again with each packet.
const SEARCH_WIDTH: u32 = 100_000;
/// A SEARCH answer of [`SEARCH_WIDTH`] ten-digit numbers, and some room.
const SEARCH_BYTES: u64 = 4 << 20;

/// A folder as SELECT showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderStatus {
    /// A change means that every UID is new (L30).
    pub uidvalidity: UidValidity,
    /// The next UID; found out where the server does not say it; `None` for an empty folder whose
    /// server does not say it.
    pub uidnext: Option<u32>,
    /// Mails in it.
    pub exists: u32,
}

/// What the server can, asked for after the login: Exchange shows MOVE only then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Abilities {
    pub(super) moves: bool,
    pub(super) idle: bool,
    pub(super) uidplus: bool,
}

/// The folder that is open.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) folder: FolderName,
    pub(super) uidvalidity: UidValidity,
    /// False where flags and moves would be refused.
    pub(super) writable: bool,
    /// True where new keywords may be set (PERMANENTFLAGS with `\*`).
    pub(super) keywords: bool,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Ok,
    /// OK with READ-ONLY.
    ReadOnly,
    No,
    /// NO with TRYCREATE (RFC 3501 7.1): the target folder is missing.
    TryCreate,
    /// NO that concerns the server as a whole and will pass (RFC 5530 3; Google's and Exchange's
    /// limits of the day, L38): no mail and no folder is to blame.
    Later,
    Bad,
}

impl Answer {
    fn read(status: &Status, outcome: &Outcome<'_>) -> Self {
        match (status, &outcome.code) {
            (Status::Ok, Some(ResponseCode::ReadOnly)) => Self::ReadOnly,
            (Status::Ok | Status::PreAuth, _) => Self::Ok,
            (Status::No, Some(ResponseCode::TryCreate)) => Self::TryCreate,
            (Status::No, _) if passing(outcome.information.as_deref().unwrap_or_default()) => Self::Later,
            (Status::No, _) => Self::No,
            (Status::Bad | Status::Bye, _) => Self::Bad,
        }
    }

    pub(super) fn ok(self, doing: &'static str) -> Result<(), ImapError> {
        match self {
            Self::Ok | Self::ReadOnly => Ok(()),
            Self::Later => Err(ImapError::PutOff(doing)),
            Self::No | Self::TryCreate | Self::Bad => Err(ImapError::Refused(doing)),
        }
    }
}

/// True when the text of a NO says that it will pass; imap-proto leaves codes it does not know in
/// the text.
pub(super) fn passing(text: &str) -> bool {
    let signs =
        ["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[THROTTLED]", "bandwidth limit", "too many simultaneous"];
    let text = text.to_ascii_lowercase();
    signs.iter().any(|sign| text.contains(&sign.to_ascii_lowercase()))
}

/// A logged-in session.
#[derive(Debug)]
pub struct Session {
    pub(super) inner: async_imap::Session<Wire>,
    pub(super) limits: Limits,
    pub(super) account: AccountName,
    pub(super) can: Abilities,
    pub(super) open: Option<Open>,
    /// The server owes an answer: after a lost deadline the session is good for nothing.
    pub(super) owing: bool,
    /// EXISTS was seen since the caller last looked.
    pub(super) news: bool,
    /// How long mails may be moved or flagged.
    pub(super) life: Life,
}

impl Session {
    pub(super) fn new(inner: async_imap::Session<Wire>, limits: Limits, account: AccountName) -> Self {
        let (can, life) = (Abilities::default(), Life::endless());
        Self { inner, limits, account, can, open: None, owing: false, news: false, life }
    }

    /// From now on the mailbox is changed only while this lasts: afterwards another gateway may do it.
    pub fn change_while(&mut self, life: Life) {
        self.life = life;
    }

    /// Sends one command and reads to its tagged answer; `each` sees everything in between.
    pub(super) async fn command(
        &mut self,
        doing: &'static str,
        line: &str,
        budget: u64,
        each: impl FnMut(&Response<'_>) + Send,
    ) -> Result<Answer, ImapError> {
        if self.owing {
            return Err(ImapError::Transient("a session left in the middle of a command"));
        }
        self.owing = true;
        self.inner.as_mut().allow(budget, self.limits.stall);
        let answer = match timeout(self.limits.command, self.exchange(doing, line, each)).await {
            Ok(answer) => answer?,
            Err(_) => return Err(ImapError::Timeout(doing)),
        };
        self.owing = false;
        Ok(answer)
    }

    async fn exchange(
        &mut self,
        doing: &'static str,
        line: &str,
        mut each: impl FnMut(&Response<'_>) + Send,
    ) -> Result<Answer, ImapError> {
        let ours = self.inner.run_command(line).await.map_err(|e| ImapError::from_imap(&e, doing))?;
        loop {
            let read = self.inner.read_response().await.map_err(|e| ImapError::from_io(&e, doing))?;
            let response = read.ok_or(ImapError::Transient(doing))?;
            match response.parsed() {
                Response::Done { tag, status, outcome } if *tag == ours => {
                    return Ok(Answer::read(status, outcome));
                }
                Response::Data { status: Status::Bye, .. } => {
                    return Err(ImapError::Transient("the server said goodbye"));
                }
                Response::MailboxData(MailboxDatum::Exists(_)) => {
                    self.news = true;
                    each(response.parsed());
                }
                other => each(other),
            }
        }
    }

    /// Asks what the server can.
    pub(super) async fn learn_abilities(&mut self) -> Result<(), ImapError> {
        let mut can = Abilities::default();
        let answer = self
            .command("CAPABILITY", "CAPABILITY", SMALL, |response| {
                if let Response::Capabilities(list) = response {
                    for ability in list {
                        let Capability::Atom(atom) = ability else { continue };
                        can.moves |= atom.eq_ignore_ascii_case("MOVE");
                        can.idle |= atom.eq_ignore_ascii_case("IDLE");
                        can.uidplus |= atom.eq_ignore_ascii_case("UIDPLUS");
                    }
                }
            })
            .await?;
        self.can = can;
        answer.ok("CAPABILITY")
    }

    /// Opens a folder. Call it at the start of every poll: only here a changed UIDVALIDITY shows.
    pub async fn select(&mut self, folder: &FolderName) -> Result<FolderStatus, ImapError> {
        let (mut validity, mut uidnext, mut exists, mut keywords) = (None, None, 0, false);
        self.open = None;
        let line = format!("SELECT {}", quoted_folder(folder));
        let answer = self
            .command("SELECT", &line, SMALL, |response| match response {
                Response::MailboxData(MailboxDatum::Exists(n)) => exists = *n,
                Response::Data { status: Status::Ok, outcome } => match &outcome.code {
                    Some(ResponseCode::UidValidity(n)) => validity = Some(UidValidity(*n)),
                    Some(ResponseCode::UidNext(n)) => uidnext = Some(*n),
                    Some(ResponseCode::PermanentFlags(flags)) => {
                        keywords = flags.iter().any(|flag| flag == "\\*");
                    }
                    _ => {}
                },
                _ => {}
            })
            .await?;
        self.news = false;
        match answer {
            Answer::Ok | Answer::ReadOnly => {}
            Answer::Later => return Err(ImapError::PutOff("SELECT")),
            _ => return Err(ImapError::FolderMissing),
        }
        let uidvalidity = validity.ok_or(ImapError::Protocol("a folder without UIDVALIDITY"))?;
        let writable = answer == Answer::Ok;
        self.open = Some(Open { folder: folder.clone(), uidvalidity, writable, keywords });
        if uidnext.is_none() && exists > 0 {
            uidnext = self.highest().await?.map(|uid| uid.saturating_add(1));
        }
        Ok(FolderStatus { uidvalidity, uidnext, exists })
    }

    async fn highest(&mut self) -> Result<Option<u32>, ImapError> {
        let mut highest = None;
        let line = "UID FETCH * (UID)";
        let answer = self
            .command("UID FETCH", line, SMALL, |response| {
                highest = highest.max(super::fetch::uid_of(response).map(Uid::get));
            })
            .await?;
        answer.ok("UID FETCH").map(|()| highest)
    }

    /// The UIDs from `from` to `to` that the folder holds now, ascending. Nothing else is in the
    /// answer, whatever the server sends: `n:*` would always name the last mail (L30).
    pub async fn list_uids(&mut self, from: Uid, to: Uid) -> Result<Vec<Uid>, ImapError> {
        let mut found = Vec::new();
        let mut low = from.get();
        while low <= to.get() {
            let high = low.saturating_add(SEARCH_WIDTH - 1).min(to.get());
            self.search(low, high, &mut found).await?;
            let Some(next) = high.checked_add(1) else { break };
            low = next;
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The UIDs from `from` on, ascending. NOOP goes first, because a server may keep new mail
    /// to itself until then.
    pub async fn new_uids(&mut self, from: Uid) -> Result<Vec<Uid>, ImapError> {
        self.command("NOOP", "NOOP", SMALL, |_| {}).await?.ok("NOOP")?;
        self.news = false;
        let mut found = Vec::new();
        self.search(from.get(), u32::MAX, &mut found).await?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    async fn search(&mut self, low: u32, high: u32, found: &mut Vec<Uid>) -> Result<(), ImapError> {
        let line = format!("UID SEARCH UID {low}:{high}");
        let answer = self
            .command("UID SEARCH", &line, SEARCH_BYTES, |response| {
                if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                    let within = uids.iter().filter(|uid| (low..=high).contains(*uid));
                    found.extend(within.filter_map(|uid| Uid::new(*uid).ok()));
                }
            })
            .await?;
        answer.ok("UID SEARCH")
    }

    /// Says goodbye where the server can still hear it; call it on every path (L27).
    pub async fn logout(mut self) {
        if self.owing {
            return;
        }
        self.limits.command = self.limits.command.min(std::time::Duration::from_secs(3));
        // BYE comes before OK and ends the exchange: both are a good end here.
        let _ = self.command("LOGOUT", "LOGOUT", SMALL, |_| {}).await;
    }
}

/// A folder's name as a quoted string (RFC 3501 9); one that is not ASCII is put into modified
/// UTF-7 (5.1.3), one that is ASCII stands as the server spells it.
pub(super) fn quoted_folder(folder: &FolderName) -> String {
    let name = folder.as_str();
    let spelt = if name.is_ascii() { name.to_owned() } else { modified_utf7(name) };
    format!("\"{}\"", spelt.replace('\\', "\\\\").replace('"', "\\\""))
}

fn modified_utf7(name: &str) -> String {
    let mut out = String::new();
    let mut run: Vec<u8> = Vec::new();
    let close = |out: &mut String, run: &mut Vec<u8>| {
        if !run.is_empty() {
            let base64 = data_encoding::BASE64_NOPAD.encode(run).replace('/', ",");
            out.push('&');
            out.push_str(&base64);
            out.push('-');
            run.clear();
        }
    };
    for c in name.chars() {
        if c.is_ascii() {
            close(&mut out, &mut run);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            run.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    close(&mut out, &mut run);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_spelt_as_the_server_wants_them() {
        let cases = [
            ("INBOX", "\"INBOX\""),
            ("a \"b\" \\c", "\"a \\\"b\\\" \\\\c\""),
            ("Entw&APw-rfe", "\"Entw&APw-rfe\""),
            ("Entwürfe", "\"Entw&APw-rfe\""),
            ("台北", "\"&U,BTFw-\""),
            ("R&D é", "\"R&-D &AOk-\""),
        ];
        for (name, spelt) in cases {
            assert_eq!(quoted_folder(&FolderName::parse(name).unwrap()), spelt);
        }
    }
}
