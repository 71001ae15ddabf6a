//! Fetching mails: sizes first, then BODY.PEEK[] in bounded batches. Every UID that was asked for
//! comes back under exactly one head: mail, absent, or later. Never sets a flag; never takes an OK
//! for the presence of data (L3).

use std::collections::BTreeMap;

use async_imap::imap_proto::{AttributeValue, Response};
use chrono::{DateTime, Utc};
use mail_parser::MessageParser;

use super::session::{Answer, SMALL, Session};
use super::uid_set::uid_sets;
use super::{ImapError, Limits};
use crate::domain::ids::Uid;
use crate::domain::message::{Instant, Origin, RawMail};

/// Why a mail that was asked for did not come although the server answered to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Not even its size: deleted in the meantime, or a corrupt item.
    Unlisted,
    /// It has a size and no octets: Exchange does so for a corrupt item.
    NoBody,
    /// NO to a FETCH of this mail alone.
    Refused,
    /// Exchange's "Retrieval using the IMAP4 protocol failed" in its place.
    Placeholder,
}

impl Absent {
    /// The code the ledger stores as its reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlisted => "unlisted",
            Self::NoBody => "no_body",
            Self::Refused => "fetch_refused",
            Self::Placeholder => "placeholder",
        }
    }
}

/// What came of a fetch. Each UID asked for stands in exactly one of the three.
#[derive(Debug, Default)]
pub struct Fetched {
    /// In UID order; one above the limit carries its first part and its size.
    pub mails: Vec<RawMail>,
    /// To be entered as `unfetchable` and asked for again with growing waits.
    pub absent: Vec<(Uid, Absent)>,
    /// Not asked for yet (the batch was full) or not answered, in UID order. With `failed` the
    /// first one may be the cause: ask for it alone, and count only that.
    pub later: Vec<Uid>,
    /// Why the server's answer broke off.
    pub failed: Option<ImapError>,
}

/// What the server told about a mail before it was fetched.
#[derive(Debug, Clone, Copy)]
struct Told {
    size: u64,
    date: Option<DateTime<Utc>>,
}

/// One FETCH's worth of UIDs.
#[derive(Debug, Default)]
struct Plan {
    whole: Vec<Uid>,
    oversize: Vec<Uid>,
    later: Vec<Uid>,
    bytes: u64,
}

/// What a fetch would bring.
#[derive(Debug, Default)]
pub struct Survey {
    wanted: Vec<Uid>,
    told: BTreeMap<Uid, Told>,
    plan: Plan,
    rest: Vec<Uid>,
    failed: Option<ImapError>,
}

impl Survey {
    /// Octets of the batch, by the sizes told: for whoever keeps count of what is in hand.
    pub fn octets(&self, limits: &Limits) -> u64 {
        let parts = u64::try_from(self.plan.oversize.len()).unwrap_or(u64::MAX);
        self.plan.bytes.saturating_add(parts.saturating_mul(limits.oversize_bytes))
    }
}

impl Session {
    /// Asks for the sizes of `uids` in the open folder and says what the first batch of them would be:
    /// at most `batch_mails` mails and `batch_bytes` by the sizes told, always at least one.
    pub async fn survey(&mut self, uids: &[Uid]) -> Survey {
        let mut wanted = uids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let rest = wanted.split_off(wanted.len().min(self.limits.batch_mails.max(1)));
        match self.sizes(&wanted).await {
            Err(error) => Survey {
                rest: wanted.into_iter().chain(rest).collect(),
                failed: Some(error),
                ..Survey::default()
            },
            Ok(told) => Survey { plan: plan(&wanted, &told, &self.limits), wanted, told, rest, failed: None },
        }
    }

    /// Fetches the batch that was surveyed. `now` stands in for an arrival that the server does not
    /// know or that lies in the future.
    pub async fn fetch(&mut self, survey: Survey, now: Instant) -> Fetched {
        let Survey { wanted, told, plan, rest, failed } = survey;
        let mut fetched = Fetched { failed, ..Fetched::default() };
        if fetched.failed.is_none() {
            self.bodies((&wanted, plan), &told, now, &mut fetched).await;
        }
        fetched.later.extend(rest);
        fetched.later.sort_unstable();
        fetched.mails.sort_by_key(|mail| mail.origin.uid);
        fetched
    }

    async fn sizes(&mut self, wanted: &[Uid]) -> Result<BTreeMap<Uid, Told>, ImapError> {
        let mut told = BTreeMap::new();
        for (set, members) in uid_sets(wanted) {
            let line = format!("UID FETCH {set} (UID RFC822.SIZE INTERNALDATE)");
            let answer = self.command("UID FETCH", &line, SMALL, |r| read_told(r, &mut told)).await?;
            if answer == Answer::Later {
                return Err(ImapError::PutOff("UID FETCH"));
            }
            if answer.ok("UID FETCH").is_err() {
                // A NO for the batch says nothing about each: let the bodies tell, one by one.
                let unknown = Told { size: self.limits.message_bytes, date: None };
                for uid in members {
                    told.entry(uid).or_insert(unknown);
                }
            }
        }
        Ok(told)
    }

    async fn bodies(
        &mut self,
        (wanted, plan): (&[Uid], Plan),
        told: &BTreeMap<Uid, Told>,
        now: Instant,
        fetched: &mut Fetched,
    ) {
        fetched.later = plan.later;
        let unlisted = wanted.iter().filter(|uid| !told.contains_key(uid));
        fetched.absent.extend(unlisted.map(|uid| (*uid, Absent::Unlisted)));

        let whole = self.limits.message_bytes.saturating_add(1);
        let mut asks: Vec<(Vec<Uid>, u64, u64)> = vec![(plan.whole, whole, plan.bytes)];
        let part = self.limits.oversize_bytes;
        asks.extend(plan.oversize.into_iter().map(|uid| (vec![uid], part, part)));
        for (uids, octets, bytes) in asks {
            if fetched.failed.is_some() {
                fetched.later.extend(uids);
                continue;
            }
            let mut got = BTreeMap::new();
            let end = self.ask(&uids, octets, bytes, &mut got).await;
            let open: Vec<Uid> = uids.iter().copied().filter(|uid| !got.contains_key(uid)).collect();
            match end {
                Ok(Answer::Ok | Answer::ReadOnly) => {
                    fetched.absent.extend(open.into_iter().map(|uid| (uid, Absent::NoBody)));
                }
                Ok(Answer::Later) => {
                    fetched.failed = Some(ImapError::PutOff("UID FETCH"));
                    fetched.later.extend(open);
                }
                Ok(_) => self.one_by_one(&open, octets, &mut got, fetched).await,
                Err(error) => {
                    fetched.failed = Some(error);
                    fetched.later.extend(open);
                }
            }
            self.keep(got, told, now, fetched);
        }
    }

    /// After a NO to a batch: each of the rest alone, so that the healthy ones come through. Where
    /// not one of several comes, it is the server that is ill, and no mail is blamed.
    async fn one_by_one(
        &mut self,
        uids: &[Uid],
        octets: u64,
        got: &mut BTreeMap<Uid, Vec<u8>>,
        fetched: &mut Fetched,
    ) {
        let healthy = !got.is_empty();
        let mut absent = Vec::new();
        for uid in uids {
            if fetched.failed.is_some() {
                fetched.later.push(*uid);
                continue;
            }
            match self.ask(&[*uid], octets, octets, got).await {
                Ok(_) if got.contains_key(uid) => {}
                Ok(Answer::Ok | Answer::ReadOnly) => absent.push((*uid, Absent::NoBody)),
                Ok(Answer::Later) => {
                    fetched.failed = Some(ImapError::PutOff("UID FETCH"));
                    fetched.later.push(*uid);
                }
                Ok(_) => absent.push((*uid, Absent::Refused)),
                Err(error) => {
                    fetched.failed = Some(error);
                    fetched.later.push(*uid);
                }
            }
        }
        if uids.len() > 1 && !healthy && got.is_empty() {
            fetched.later.extend(absent.into_iter().map(|(uid, _)| uid));
            fetched.failed = fetched.failed.or(Some(ImapError::Refused("UID FETCH")));
        } else {
            fetched.absent.extend(absent);
        }
    }

    /// One FETCH of the first `octets` of each. The sizes told are a hint only: the server is held
    /// to the partial range of each mail and to a budget for all.
    async fn ask(
        &mut self,
        uids: &[Uid],
        octets: u64,
        bytes: u64,
        got: &mut BTreeMap<Uid, Vec<u8>>,
    ) -> Result<Answer, ImapError> {
        let mut end = Answer::Ok;
        let budget = bytes.saturating_add(self.limits.message_bytes).saturating_add(SMALL);
        for (set, members) in uid_sets(uids) {
            let line = format!("UID FETCH {set} (UID BODY.PEEK[]<0.{octets}>)");
            let answer = self
                .command("UID FETCH", &line, budget, |response| {
                    if let Some((uid, body)) = body_of(response)
                        && members.contains(&uid)
                    {
                        got.insert(uid, body.to_vec());
                    }
                })
                .await?;
            if answer.ok("UID FETCH").is_err() {
                end = answer;
            }
        }
        Ok(end)
    }

    fn keep(
        &self,
        got: BTreeMap<Uid, Vec<u8>>,
        told: &BTreeMap<Uid, Told>,
        now: Instant,
        fetched: &mut Fetched,
    ) {
        let Some(open) = &self.open else { return };
        for (uid, mut bytes) in got {
            if is_placeholder(&bytes, uid) {
                fetched.absent.push((uid, Absent::Placeholder));
                continue;
            }
            let hint = told.get(&uid);
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let size = length.max(hint.map_or(0, |told| told.size));
            let is_part = length > self.limits.message_bytes
                || (length >= self.limits.oversize_bytes && size > self.limits.message_bytes);
            if is_part {
                bytes.truncate(usize::try_from(self.limits.oversize_bytes).unwrap_or(usize::MAX));
            }
            let origin = Origin {
                account: self.account.clone(),
                folder: open.folder.clone(),
                uidvalidity: open.uidvalidity,
                uid,
            };
            let internal_date = hint.and_then(|told| told.date).map_or(now, |date| date.min(now));
            let oversize = is_part.then_some(size);
            fetched.mails.push(RawMail { origin, internal_date, bytes, oversize });
        }
    }
}

fn plan(wanted: &[Uid], told: &BTreeMap<Uid, Told>, limits: &Limits) -> Plan {
    let mut plan = Plan::default();
    let mut full = false;
    let mut total: u64 = 0;
    for uid in wanted {
        let Some(known) = told.get(uid) else { continue };
        let oversize = known.size > limits.message_bytes;
        let octets = if oversize { limits.oversize_bytes } else { known.size };
        let empty = plan.whole.is_empty() && plan.oversize.is_empty();
        full |= !empty && total.saturating_add(octets) > limits.batch_bytes;
        if full {
            plan.later.push(*uid);
            continue;
        }
        total = total.saturating_add(octets);
        if oversize {
            plan.oversize.push(*uid);
        } else {
            plan.bytes = plan.bytes.saturating_add(octets);
            plan.whole.push(*uid);
        }
    }
    plan
}

/// The UID of a FETCH response.
pub(super) fn uid_of(response: &Response<'_>) -> Option<Uid> {
    let Response::Fetch(_, attributes) = response else { return None };
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Uid::new(*uid).ok(),
        _ => None,
    })
}

fn read_told(response: &Response<'_>, told: &mut BTreeMap<Uid, Told>) {
    let (Some(uid), Response::Fetch(_, attributes)) = (uid_of(response), response) else { return };
    let size = attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Rfc822Size(size) => Some(u64::from(*size)),
        _ => None,
    });
    let date = attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::InternalDate(date) => instant(date),
        _ => None,
    });
    if let Some(size) = size {
        told.insert(uid, Told { size, date });
    }
}

/// `date-time` of RFC 3501 9; the day may be padded with a space.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let parsed = DateTime::parse_from_str(text.trim_start(), "%d-%b-%Y %H:%M:%S %z").ok()?;
    Some(parsed.with_timezone(&Utc))
}

fn body_of<'a>(response: &'a Response<'_>) -> Option<(Uid, &'a [u8])> {
    let Response::Fetch(_, attributes) = response else { return None };
    let body = attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::BodySection { section: None, data: Some(data), .. } => Some(data.as_ref()),
        _ => None,
    })?;
    uid_of(response).map(|uid| (uid, body))
}

/// Exchange's name as the author of what it gives in the place of an item that it cannot render.
const EXCHANGE: &str = "Microsoft Exchange Server";

/// Is it Exchange's placeholder (L3)? Its author is the product's name, which no language translates,
/// and its subject the well-known English sentence; or, whatever the language, it bears no sign of
/// ever having travelled and its subject ends with the UID that was asked for. Author and subject
/// are both asked for: a customer may well forward one.
fn is_placeholder(bytes: &[u8], uid: Uid) -> bool {
    let head = bytes.get(..4096).unwrap_or(bytes);
    if memchr::memmem::find(head, EXCHANGE.as_bytes()).is_none() {
        return false;
    }
    let Some(mail) = MessageParser::default().parse_headers(bytes) else { return false };
    let author = mail.from().and_then(|from| from.first());
    let author = author.and_then(|from| from.name().or(from.address())).unwrap_or_default();
    let subject = mail.subject().unwrap_or_default().trim();
    let travelled = mail.header("Received").is_some() || mail.message_id().is_some() || mail.date().is_some();
    let last =
        subject.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<u32>().ok());
    author.trim_matches(['"', ' ']).starts_with(EXCHANGE)
        && (subject.starts_with("Retrieval using the IMAP4 protocol failed")
            || (!travelled && last == Some(uid.get())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(n: u32) -> Uid {
        Uid::new(n).unwrap()
    }

    #[test]
    fn l28_a_batch_is_bounded_by_octets_and_never_empty() {
        let limits =
            Limits { batch_bytes: 100, message_bytes: 1000, oversize_bytes: 10, ..Limits::default() };
        let told = |sizes: &[u64]| {
            (1..).zip(sizes).map(|(n, size)| (uid(n), Told { size: *size, date: None })).collect()
        };
        // sizes, whole, oversize, later
        let cases: [(&[u64], [&[u32]; 3]); 5] = [
            (&[40, 40, 40], [&[1, 2], &[], &[3]]),
            (&[900, 1], [&[1], &[], &[2]]),
            (&[5000, 5000], [&[], &[1, 2], &[]]),
            (&[90, 5000, 5], [&[1], &[2], &[3]]),
            (&[60, 60, 1], [&[1], &[], &[2, 3]]),
        ];
        for (sizes, [whole, oversize, later]) in cases {
            let told: BTreeMap<Uid, Told> = told(sizes);
            let wanted: Vec<Uid> = told.keys().copied().collect();
            let plan = plan(&wanted, &told, &limits);
            let numbers = |uids: &[Uid]| uids.iter().map(|uid| uid.get()).collect::<Vec<_>>();
            assert_eq!(numbers(&plan.whole), whole, "{sizes:?}");
            assert_eq!(numbers(&plan.oversize), oversize, "{sizes:?}");
            assert_eq!(numbers(&plan.later), later, "{sizes:?}");
        }
    }

    #[test]
    fn l3_only_exchange_itself_is_a_placeholder() {
        let subject =
            "Subject: Retrieval using the IMAP4 protocol failed for the following\r\n message: 752\r\n";
        let exchange = "From: Microsoft Exchange Server 2010\r\n";
        // Another language: the words are unknown, the number is the UID. "Abruf ...: 752" in UTF-8.
        let foreign = "Subject: =?utf-8?B?QWJydWYgw7xiZXIgSU1BUDQgZmVobGdlc2NobGFnZW46IDc1Mg==?=\r\n";
        let date = "Date: Tue, 13 May 2025 11:59:00 +0000\r\n";
        let cases = [
            (format!("{exchange}{subject}\r\nThe server couldn't"), true),
            (format!("{subject}From: \"Microsoft Exchange Server\" <x@example.org>\r\n\r\n"), true),
            (format!("{exchange}{foreign}\r\n"), true),
            (format!("{exchange}{foreign}{date}\r\n"), false),
            (format!("{exchange}{foreign}Message-ID: <a@example.org>\r\n\r\n"), false),
            (format!("{exchange}Subject: Report 1752\r\n\r\n"), false),
            (format!("From: Ann <ann@example.org>\r\n{subject}\r\nwhat is this?"), false),
            (
                "From: Ann <ann@example.org>\r\nSubject: 752\r\n\r\nMicrosoft Exchange Server".to_owned(),
                false,
            ),
            ("From: Microsoft Exchange Server\r\nSubject: Undeliverable\r\n\r\n".to_owned(), false),
            (format!("From: Ann <ann@example.org>\r\n\r\n{exchange}{subject}"), false),
        ];
        for (mail, expected) in cases {
            assert_eq!(is_placeholder(mail.as_bytes(), uid(752)), expected, "{mail}");
        }
    }

    #[test]
    fn internaldate_with_a_padded_day() {
        let expected = "2026-11-05T06:08:09Z".parse().ok();
        assert_eq!(instant(" 5-Nov-2026 08:08:09 +0200"), expected);
        assert_eq!(instant("05-Nov-2026 06:08:09 +0000"), expected);
        assert_eq!(instant("yesterday"), None);
    }
}
