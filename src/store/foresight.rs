//! What a transaction knows of the mails it is about to decide, so that it need not ask for each:
//! which tickets their identifiers name, and which of their keys a decided mail bears already. Read
//! for a whole batch with a few statements, and kept true by what the transaction itself writes;
//! nobody else writes meanwhile.

use std::collections::{HashMap, HashSet};

use sqlx::AssertSqlSafe;

use super::StoreError;
use super::cells::{Cells, marks, padded, raw};
use super::facts::Key;
use super::sealed::message_key;
use super::ticket_row::{TicketRow, columns_of_t};
use super::work::{MailKeys, Work};
use crate::domain::ids::{AccountName, LedgerId, LookupKey, MessageId, TicketId, TicketNumber};
use crate::domain::message::ThreadHints;
use crate::domain::ticket::TicketSnapshot;

/// Keys of one statement.
const PIECE: usize = 64;

/// A mail of which the facts will be asked soon.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Its own row.
    pub ledger: LedgerId,
    /// The account it came by.
    pub account: &'a AccountName,
    /// Keys by which it may belong to a ticket.
    pub hints: &'a ThreadHints,
    /// Its Message-ID.
    pub message_id: Option<&'a MessageId>,
    /// The keyed hash of its content (L6).
    pub content_key: LookupKey,
}

/// What is known. A key that stands in a map was asked for; one that does not is unknown.
#[derive(Default)]
pub(super) struct Foresight {
    mails: HashSet<LedgerId>,
    messages: HashMap<[u8; 16], Vec<TicketId>>,
    numbers: HashMap<TicketNumber, Option<TicketId>>,
    seen: HashSet<[u8; 16]>,
}

impl Foresight {
    /// No decided mail bears one of these keys, as far as that was asked.
    pub fn is_fresh(&self, ledger: LedgerId, keys: &MailKeys) -> bool {
        let seen = |key: &[u8; 16]| self.seen.contains(key);
        self.mails.contains(&ledger) && !seen(&keys.content) && !keys.message.as_ref().is_some_and(seen)
    }
    /// The tickets that a key names, oldest first.
    pub fn named(&self, key: &Key) -> Vec<TicketId> {
        match key {
            Key::Number(number) => self.numbers.get(number).copied().flatten().into_iter().collect(),
            Key::Message(key) => self.messages.get(key).cloned().unwrap_or_default(),
        }
    }
    /// A mail was decided: one that says the same is a repetition from now on.
    pub fn decided(&mut self, keys: &MailKeys) {
        self.seen.insert(keys.content);
        self.seen.extend(keys.message);
    }
    /// A ticket was opened.
    pub fn opened(&mut self, ticket: &TicketSnapshot) {
        if let Some(known) = self.numbers.get_mut(&ticket.number) {
            *known = Some(ticket.id);
        }
    }
    /// A Message-ID stands in a ticket now.
    pub fn refers(&mut self, key: [u8; 16], ticket: TicketId) {
        if let Some(known) = self.messages.get_mut(&key)
            && !known.contains(&ticket)
        {
            known.push(ticket);
        }
    }
}

impl Work {
    /// Reads ahead for mails that are decided next, in any order; those of another account than the
    /// first one's are left to be asked for singly.
    pub async fn foresee(&mut self, mails: &[Expected<'_>]) -> Result<(), StoreError> {
        let Some(account) = mails.first().map(|mail| mail.account) else { return Ok(()) };
        let mails: Vec<Expected<'_>> = mails.iter().filter(|m| m.account == account).copied().collect();
        let keys: Vec<Key> =
            mails.iter().flat_map(|mail| self.keys(mail.hints)).map(|(_, key)| key).collect();
        self.look_up(&keys).await?;
        for mails in mails.chunks(PIECE) {
            let contents: Vec<[u8; 16]> = mails.iter().map(|mail| mail.content_key.0).collect();
            let messages = mails.iter().filter_map(|mail| mail.message_id);
            let messages: Vec<[u8; 16]> = messages.map(|id| message_key(&self.sealer, id)).collect();
            self.screen(account, &contents, &messages).await?;
            self.foresight.mails.extend(mails.iter().map(|mail| mail.ledger));
        }
        Ok(())
    }

    /// Which of these keys does a decided mail bear?
    async fn screen(
        &mut self,
        account: &AccountName,
        contents: &[[u8; 16]],
        messages: &[[u8; 16]],
    ) -> Result<(), StoreError> {
        let (contents, messages) = (padded(contents), padded(messages));
        let by_content = format!(
            "SELECT content_key AS seen FROM ledger WHERE content_key IN ({})",
            marks(2, contents.len())
        );
        let by_message = format!(
            "SELECT message_key AS seen FROM ledger WHERE account = $1 AND message_key IN ({})",
            marks(2 + contents.len(), messages.len())
        );
        // PostgreSQL wants a use for each parameter.
        let sql = if messages.is_empty() {
            format!("{by_content} AND $1 <> ''")
        } else {
            format!("{by_content} UNION ALL {by_message}")
        };
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(account.as_str());
        for key in contents.iter().chain(&messages) {
            query = query.bind(raw(key));
        }
        for row in query.fetch_all(self.on().await?).await? {
            self.foresight.seen.insert(Cells(&row).key("seen")?.0);
        }
        Ok(())
    }

    /// Reads every ticket that one of these keys names and that was not asked for yet, and its people.
    pub(super) async fn look_up(&mut self, keys: &[Key]) -> Result<(), StoreError> {
        let (mut messages, mut numbers) = (Vec::new(), Vec::new());
        for key in keys {
            match key {
                Key::Number(number) if !self.foresight.numbers.contains_key(number) => {
                    self.foresight.numbers.insert(*number, None);
                    numbers.push(*number);
                }
                Key::Message(key) if !self.foresight.messages.contains_key(key) => {
                    self.foresight.messages.insert(*key, Vec::new());
                    messages.push(*key);
                }
                _ => {}
            }
        }
        let pieces = messages.len().div_ceil(PIECE).max(numbers.len().div_ceil(PIECE));
        for piece in 0..pieces {
            let messages: Vec<_> = messages.iter().skip(piece * PIECE).take(PIECE).copied().collect();
            let numbers: Vec<_> = numbers.iter().skip(piece * PIECE).take(PIECE).copied().collect();
            self.read_named(&padded(&messages), &padded(&numbers)).await?;
        }
        Ok(())
    }

    /// One statement for the tickets, another one for their people.
    async fn read_named(
        &mut self,
        messages: &[[u8; 16]],
        numbers: &[TicketNumber],
    ) -> Result<(), StoreError> {
        let columns = columns_of_t();
        let by_message = format!(
            "SELECT r.key AS ref, {columns} FROM message_ref r JOIN ticket t ON t.id = r.ticket WHERE r.key IN ({})",
            marks(1, messages.len())
        );
        let by_number = format!(
            "SELECT NULL AS ref, {columns} FROM ticket t WHERE t.number IN ({})",
            marks(messages.len() + 1, numbers.len())
        );
        let sql = match (messages.is_empty(), numbers.is_empty()) {
            (false, false) => format!("{by_message} UNION ALL {by_number}"),
            (false, true) => by_message,
            _ => by_number,
        };
        let mut statement = sqlx::query(AssertSqlSafe(sql));
        for key in messages {
            statement = statement.bind(raw(key));
        }
        for number in numbers {
            statement = statement.bind(number.get());
        }
        let mut rows = Vec::new();
        let mut named = Vec::new();
        for row in statement.fetch_all(self.on().await?).await? {
            let ticket = TicketRow::read(&row)?;
            let key = Cells(&row).maybe_blob("ref")?;
            named.push((key, ticket.snapshot.number, ticket.snapshot.id));
            rows.push(ticket);
        }
        named.sort_by_key(|(_, number, _)| *number);
        for (key, number, ticket) in named {
            match key.map(|key| <[u8; 16]>::try_from(key.as_slice())) {
                Some(Ok(key)) => self.foresight.refers(key, ticket),
                Some(Err(_)) => return Err(StoreError::defect("a reference is no key")),
                None => {
                    self.foresight.numbers.insert(number, Some(ticket));
                }
            }
        }
        rows.sort_by_key(|row| row.snapshot.number);
        rows.dedup_by_key(|row| row.snapshot.number);
        self.adopt(rows).await
    }
}
