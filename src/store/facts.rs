//! What a decision about a mail may know, read inside its transaction.

use chrono::TimeDelta;

use super::StoreError;
use super::cells::{Cells, micros, raw};
use super::pending::OutboxRow;
use super::sealed::{Place, ThreadSecret, address_key, message_key, open};
use super::work::{MailKeys, Work};
use crate::domain::address::EmailAddress;
use crate::domain::facts::{Candidate, GovernorCounts, Hint, MessageFacts};
use crate::domain::ids::{
    AccountName, DeskName, LedgerId, LookupKey, MessageId, OutboxId, TicketId, TicketNumber,
};
use crate::domain::message::{Instant, ThreadHints};
use crate::domain::policy::Governor;
use crate::domain::ticket::{Role, SentRow, TicketSnapshot};
use crate::domain::token::{Purpose, Token};

/// What to read for one mail.
#[derive(Debug, Clone, Copy)]
pub struct FactsQuery<'a> {
    /// The mail's own row, which is not its own duplicate.
    pub ledger: LedgerId,
    /// The receiving desk: only its tickets are candidates.
    pub desk: &'a DeskName,
    /// The account: duplicates are looked for within it.
    pub account: &'a AccountName,
    /// Keys by which it may belong to a ticket; the newest 64 identifiers are looked at.
    pub hints: &'a ThreadHints,
    /// Its Message-ID.
    pub message_id: Option<&'a MessageId>,
    /// Its author.
    pub from: Option<&'a EmailAddress>,
    /// The keyed hash of its content (L6).
    pub content_key: LookupKey,
    /// For the governor's counts.
    pub now: Instant,
    /// The Message-ID of the mail that a bounce speaks of.
    pub bounce_original: Option<&'a MessageId>,
    /// Caps: the counts go as far as the caps and no further; without a cap nothing is counted.
    pub caps: &'a Governor,
    /// From history; handed on.
    pub history: bool,
    /// Its folder is answered; handed on.
    pub folder_responds: bool,
    /// Only its head is known; handed on.
    pub oversize: bool,
}

/// Identifiers that are looked at: In-Reply-To first, then References, newest first.
const REFERENCES: usize = 64;
/// Tickets that are followed from a merged one to its survivor.
const MERGES: usize = 8;

/// What names a ticket, in the decided order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Number(TicketNumber),
    Message([u8; 16]),
}

impl Work {
    /// Everything `decide::on_message` wants to know about one mail; at most five statements for a
    /// mail that belongs to a ticket, one for a mail that names none, and fewer after
    /// [`Work::foresee`].
    pub async fn facts(&mut self, query: &FactsQuery<'_>) -> Result<MessageFacts, StoreError> {
        let from = query.from.map(|address| address_key(&self.sealer, address));
        let keys = MailKeys {
            desk: query.desk.clone(),
            content: query.content_key.0,
            message: query.message_id.map(|id| message_key(&self.sealer, id)),
            from,
        };
        self.mails.insert(query.ledger, keys.clone());
        let candidates = self.candidates(query).await?;
        let mut facts = self.repeats_and_counts(query, &keys).await?;
        facts.last_inbound = self.last_inbound(&candidates)?;
        let by_agent =
            |c: &&Candidate| matches!(c.hint, Hint::Token(token) if token.purpose == Purpose::Agent);
        if let Some(candidate) = candidates.iter().find(by_agent) {
            (_, facts.never_notify) = self.unsent(&candidate.ticket).await?;
        }
        facts.candidates = candidates;
        facts.sent_row = self.sent_row(query).await?;
        facts.sender = from.map(LookupKey);
        facts.history = query.history;
        facts.folder_responds = query.folder_responds;
        facts.oversize = query.oversize;
        Ok(facts)
    }

    pub(super) fn keys(&self, hints: &ThreadHints) -> Vec<(Hint, Key)> {
        let serves = |token: &&Token| matches!(token.purpose, Purpose::Reply | Purpose::Agent);
        let tokens = hints.tokens.iter().filter(serves);
        let tokens = tokens.map(|token| (Hint::Token(*token), Key::Number(token.ticket)));
        let reply = hints.in_reply_to.iter().map(|id| (Hint::InReplyTo, id));
        let references = hints.references.iter().map(|id| (Hint::References, id));
        let messages = reply.chain(references).take(REFERENCES);
        let messages = messages.map(|(hint, id)| (hint, Key::Message(message_key(&self.sealer, id))));
        let tag = hints.tag.map(|number| (Hint::Tag, Key::Number(number)));
        tokens.take(REFERENCES).chain(messages).chain(tag).collect()
    }

    async fn candidates(&mut self, query: &FactsQuery<'_>) -> Result<Vec<Candidate>, StoreError> {
        let keys = self.keys(query.hints);
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.look_up(&keys.iter().map(|(_, key)| *key).collect::<Vec<_>>()).await?;
        let mut candidates = Vec::new();
        for (hint, key) in &keys {
            for id in self.foresight.named(key) {
                let Some(ticket) = self.survivor(id).await? else { continue };
                if ticket.desk == *query.desk {
                    candidates.push(Candidate { hint: self.translated(*hint, id, &ticket), ticket });
                }
            }
        }
        Ok(candidates)
    }

    /// The ticket, or the one it was merged into.
    async fn survivor(&mut self, id: TicketId) -> Result<Option<TicketSnapshot>, StoreError> {
        let mut at = id;
        for _ in 0..MERGES {
            let Some(loaded) = self.load(at).await? else { return Ok(None) };
            match loaded.row.snapshot.merged_into {
                Some(next) => at = next,
                None => return Ok(Some(loaded.snapshot())),
            }
        }
        Ok(None)
    }

    /// A token of a merged ticket names its participant by that ticket's numbers: the survivor has its
    /// own, and another person may bear the number there.
    fn translated(&self, hint: Hint, named: TicketId, survivor: &TicketSnapshot) -> Hint {
        let Hint::Token(token) = hint else { return hint };
        if named == survivor.id {
            return hint;
        }
        let people = self.loaded(named).map(|loaded| loaded.people.as_slice()).unwrap_or_default();
        let person = people.iter().find(|p| p.no == token.participant);
        let there = person.and_then(|person| {
            let agent = person.role == Role::Agent;
            survivor.participants.iter().find(|p| p.key == person.key && (p.role == Role::Agent) == agent)
        });
        there.map_or(hint, |there| Hint::Token(Token { participant: there.no, ..token }))
    }

    /// The desk that a mail's signed token, or the mail that a bounce speaks of, leads to: a ticket may
    /// have been moved since, and the mail comes to the address it was opened at.
    pub async fn desk_named(
        &mut self,
        hints: &ThreadHints,
        (bounced, receiving): (Option<&MessageId>, &DeskName),
    ) -> Result<Option<DeskName>, StoreError> {
        for token in hints.tokens.iter().take(REFERENCES) {
            let named = self.load_number(token.ticket).await?.map(|loaded| loaded.row.snapshot.id);
            let Some(named) = named else { continue };
            if let Some(ticket) = self.survivor(named).await? {
                return Ok(Some(ticket.desk));
            }
        }
        if let Some(desk) = self.desk_moved_to(hints, receiving).await? {
            return Ok(Some(desk));
        }
        let Some(bounced) = bounced else { return Ok(None) };
        let row = sqlx::query(
            "SELECT t.desk AS desk FROM outbox o JOIN ticket t ON t.id = o.ticket WHERE o.message_key = $1 LIMIT 1",
        )
        .bind(raw(&message_key(&self.sealer, bounced)))
        .fetch_optional(self.on().await?)
        .await?;
        row.map(|row| Cells(&row).name("desk", DeskName::parse)).transpose()
    }

    /// The desk of a ticket that a reference names and that was moved there: mail of it was written by
    /// the receiving desk before.
    async fn desk_moved_to(
        &mut self,
        hints: &ThreadHints,
        receiving: &DeskName,
    ) -> Result<Option<DeskName>, StoreError> {
        let references = self.keys(hints).into_iter().map(|(_, key)| key);
        let references: Vec<Key> = references.filter(|key| matches!(key, Key::Message(_))).collect();
        self.look_up(&references).await?;
        for key in &references {
            for id in self.foresight.named(key) {
                let Some(ticket) = self.survivor(id).await? else { continue };
                if ticket.desk != *receiving && self.wrote(receiving, ticket.id).await? {
                    return Ok(Some(ticket.desk));
                }
            }
        }
        Ok(None)
    }

    /// Was mail of the ticket written by this desk?
    async fn wrote(&mut self, desk: &DeskName, ticket: TicketId) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 AS one FROM outbox WHERE ticket = $1 AND desk = $2 LIMIT 1")
            .bind(raw(ticket.as_bytes()))
            .bind(desk.as_str())
            .fetch_optional(self.on().await?)
            .await?;
        Ok(row.is_some())
    }

    /// Duplicate, repeated Message-ID and the governor's counts, in one statement; none for a mail
    /// that nothing is like, where no cap is set.
    async fn repeats_and_counts(
        &mut self,
        query: &FactsQuery<'_>,
        keys: &MailKeys,
    ) -> Result<MessageFacts, StoreError> {
        if self.foresight.is_fresh(query.ledger, keys) {
            let counts = self.counts(keys.from.map(LookupKey), query.desk, query.now, query.caps).await?;
            return Ok(MessageFacts { counts, ..MessageFacts::default() });
        }
        let row = sqlx::query(
            "SELECT
                (SELECT id FROM ledger WHERE account = $1 AND content_key = $2 AND id <> $3
                    AND duplicate_of IS NULL ORDER BY noted_at, uid LIMIT 1) AS twin,
                (SELECT COUNT(*) FROM (SELECT 1 FROM ledger WHERE account <> $1 AND content_key = $2
                    AND ticket IS NOT NULL LIMIT 1) AS other) AS copied,
                (SELECT COUNT(*) FROM (SELECT 1 FROM ledger WHERE account = $1 AND message_key = $4 AND id <> $3
                    LIMIT 1) AS one) AS seen,
                (SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE governed = 1 AND recipient_key = $5
                    AND created_at > $6 AND created_at <= $8 LIMIT $9 + 0) AS hour) AS address_hour,
                (SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE governed = 1 AND recipient_key = $5
                    AND created_at > $7 AND created_at <= $8 LIMIT $10 + 0) AS day) AS address_day,
                (SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE governed = 1 AND desk = $12
                    AND created_at > $6 AND created_at <= $8 LIMIT $11 + 0) AS box) AS mailbox_hour",
        )
        .bind(query.account.as_str())
        .bind(raw(&keys.content))
        .bind(raw(query.ledger.as_bytes()))
        .bind(keys.message.map(|key| raw(&key)))
        .bind(keys.from.map(|key| raw(&key)))
        .bind(micros(query.now - TimeDelta::hours(1)))
        .bind(micros(query.now - TimeDelta::days(1)))
        .bind(micros(query.now))
        .bind(i64::from(query.caps.per_address_hour))
        .bind(i64::from(query.caps.per_address_day))
        .bind(i64::from(query.caps.per_mailbox_hour))
        .bind(query.desk.as_str())
        .fetch_one(self.on().await?)
        .await?;
        let cells = Cells(&row);
        let copied = cells.flag("copied")?;
        let (copies, breach_copy) = if copied { self.copies(query).await? } else { (Vec::new(), false) };
        Ok(MessageFacts {
            copies,
            breach_copy,
            duplicate_of: cells.maybe_blob("twin")?.map(|id| LedgerId::from_slice(&id)).transpose()?,
            message_id_seen: cells.flag("seen")?,
            counts: counts(&cells)?,
            ..MessageFacts::default()
        })
    }

    /// Tickets of other accounts with the same content (L11), and whether one is restricted.
    async fn copies(&mut self, query: &FactsQuery<'_>) -> Result<(Vec<TicketId>, bool), StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT l.ticket, t.restricted FROM ledger l JOIN ticket t ON t.id = l.ticket
             WHERE l.account <> $1 AND l.content_key = $2 LIMIT 16",
        )
        .bind(query.account.as_str())
        .bind(raw(&query.content_key.0))
        .fetch_all(self.on().await?)
        .await?;
        let (mut copies, mut restricted) = (Vec::new(), false);
        for row in &rows {
            copies.push(TicketId::from_slice(&Cells(row).blob("ticket")?)?);
            restricted |= Cells(row).flag("restricted")?;
        }
        Ok((copies, restricted))
    }

    /// The newest message of the customer, where an agent's token found its ticket.
    fn last_inbound(&self, candidates: &[Candidate]) -> Result<Option<MessageId>, StoreError> {
        let by_agent =
            |c: &&Candidate| matches!(c.hint, Hint::Token(token) if token.purpose == Purpose::Agent);
        let Some(ticket) = candidates.iter().find(by_agent).map(|c| c.ticket.id) else { return Ok(None) };
        let Some(loaded) = self.loaded(ticket) else { return Ok(None) };
        let thread: ThreadSecret = open(&self.sealer, &Place::Thread(ticket), &loaded.row.thread)?;
        Ok(thread.inbound.as_deref().and_then(|id| MessageId::parse(id).ok()))
    }

    /// The row of ours that a bounce speaks of: by the Message-ID it quotes, else the newest one to the
    /// participant whose bounce token it came back to.
    async fn sent_row(
        &mut self,
        query: &FactsQuery<'_>,
    ) -> Result<Option<(SentRow, TicketSnapshot)>, StoreError> {
        let key = query.bounce_original.map(|id| raw(&message_key(&self.sealer, id)));
        let token = query.hints.tokens.iter().find(|token| token.purpose == Purpose::Bounce);
        if key.is_none() && token.is_none() {
            return Ok(None);
        }
        let row = sqlx::query(
            "SELECT o.id AS id, o.ticket, o.automatic, o.kind, 0 AS rank, o.created_at AS at
             FROM outbox o JOIN ticket t ON t.id = o.ticket
             WHERE o.state <> 'suppressed' AND t.desk = $1 AND o.message_key = $2
             UNION ALL
             SELECT o.id AS id, o.ticket, o.automatic, o.kind, 1 AS rank, o.created_at AS at
             FROM ticket t JOIN outbox o ON o.ticket = t.id
             WHERE o.state <> 'suppressed' AND t.desk = $1 AND t.number = $3 AND o.participant = $4
             ORDER BY rank, at DESC, id DESC LIMIT 1",
        )
        .bind(query.desk.as_str())
        .bind(key)
        .bind(token.map_or(0, |token| token.ticket.get()))
        .bind(token.map_or(0, |token| i64::from(token.participant.get())))
        .fetch_optional(self.on().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let cells = Cells(&row);
        let sent = SentRow {
            outbox: OutboxId::from_slice(&cells.blob("id")?)?,
            ticket: TicketId::from_slice(&cells.blob("ticket")?)?,
            answer: !cells.flag("automatic")?,
            page: cells.text("kind")? == "page",
        };
        Ok(self.load(sent.ticket).await?.map(|loaded| (sent, loaded.snapshot())))
    }

    /// The governor's counts for one recipient of one desk.
    pub(super) async fn counts(
        &mut self,
        recipient: Option<LookupKey>,
        desk: &DeskName,
        now: Instant,
        caps: &Governor,
    ) -> Result<GovernorCounts, StoreError> {
        if (caps.per_address_hour, caps.per_address_day, caps.per_mailbox_hour) == (0, 0, 0) {
            return Ok(GovernorCounts::default());
        }
        let (hour, day) = (now - TimeDelta::hours(1), now - TimeDelta::days(1));
        let row = sqlx::query(
            "SELECT
                (SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE governed = 1 AND recipient_key = $1
                    AND created_at > $2 AND created_at <= $4 LIMIT $5 + 0) AS hour) AS address_hour,
                (SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE governed = 1 AND recipient_key = $1
                    AND created_at > $3 AND created_at <= $4 LIMIT $6 + 0) AS day) AS address_day,
                (SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE governed = 1 AND desk = $8
                    AND created_at > $2 AND created_at <= $4 LIMIT $7 + 0) AS box) AS mailbox_hour",
        )
        .bind(recipient.map(|key| raw(&key.0)))
        .bind(micros(hour))
        .bind(micros(day))
        .bind(micros(now))
        .bind(i64::from(caps.per_address_hour))
        .bind(i64::from(caps.per_address_day))
        .bind(i64::from(caps.per_mailbox_hour))
        .bind(desk.as_str())
        .fetch_one(&mut *self.tx)
        .await?;
        let written = counts(&Cells(&row))?;
        let to = |row: &OutboxRow| Some(row.recipient) == recipient;
        let waits = &self.pending;
        Ok(GovernorCounts {
            address_hour: caps.per_address_hour.min(written.address_hour + waits.governed(hour, now, to)),
            address_day: caps.per_address_day.min(written.address_day + waits.governed(day, now, to)),
            mailbox_hour: caps
                .per_mailbox_hour
                .min(written.mailbox_hour + waits.governed(hour, now, |row| row.desk == *desk)),
        })
    }
}

/// A cap of 0 limits the subselect to nothing: it is not counted.
fn counts(cells: &Cells<'_>) -> Result<GovernorCounts, StoreError> {
    Ok(GovernorCounts {
        address_hour: cells.small("address_hour")?,
        address_day: cells.small("address_day")?,
        mailbox_hour: cells.small("mailbox_hour")?,
    })
}
