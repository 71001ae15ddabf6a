//! Erasing: what a ticket's people wrote, by order or because its time is over; and the originals whose
//! time is over. Deletes wrapped keys first of all, empties texts and sealed columns, takes names and
//! addresses away, and leaves keyed hashes so that the mail does not come back (L12). A legal hold
//! stops it. Each act leaves an audit row in the same transaction.

use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use sqlx::AssertSqlSafe;

use super::audit::{self, Entry};
use super::cells::{Cells, marks, micros, number, padded, raw};
use super::custody::HELD;
use super::sealed::{ArticleSecret, OutboxSecret, Place, ThreadSecret, seal};
use super::views::ErasedView;
use super::work::{Ids, Work};
use super::{Store, StoreError};
use crate::domain::custody::Retention;
use crate::domain::ids::{ArticleId, DeskName, LedgerId, OutboxId, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;
use crate::seal::LookupDomain;

/// Stands where an address was; RFC 2606 lets nobody own it.
const NOBODY: &str = "erased@erased.invalid";
/// Originals that one step of retention ends.
const ORIGINALS: i64 = 128;
/// Tickets that one step of retention erases.
const TICKETS: i64 = 8;
/// Mail that no person has to look at any more.
const SETTLED: &str = "l.state IN ('committed', 'recorded', 'ignored', 'oversize')";

/// What one step of retention ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expired {
    /// Originals whose key was deleted.
    pub originals: usize,
    /// Tickets that were erased.
    pub tickets: Vec<TicketNumber>,
}

impl Store {
    /// Erases a ticket by order. The reason's text is not kept, its keyed hash is.
    ///
    /// # Errors
    /// [`StoreError::Refused`] while a legal hold stands on it.
    pub async fn erase_ticket(
        &self,
        number: TicketNumber,
        actor: &Actor,
        (reason, operator): (&str, &str),
        ids: &Ids,
    ) -> Result<ErasedView, StoreError> {
        let mut work = self.begin(None).await?;
        let loaded = work.load_number(number).await?.ok_or(StoreError::Missing("ticket"))?;
        let ticket = loaded.row.snapshot.id;
        if work.is_held(ticket).await? {
            return Err(StoreError::Refused(HELD));
        }
        let key = self.sealer.lookup(LookupDomain::Reason, reason.trim());
        let why = vec![format!("reason:{}", HEXLOWER.encode(&key.0)), format!("operator:{operator}")];
        let (originals, messages) = work.erase((ticket, number), actor, why, ids).await?;
        work.commit(ids.now).await?;
        Ok(ErasedView { ticket: number.get(), originals, messages, server: Vec::new() })
    }

    /// One bounded step of a desk's retention; nothing is held open between steps.
    pub async fn expire(
        &self,
        desk: &DeskName,
        retention: Retention,
        ids: &Ids,
    ) -> Result<Expired, StoreError> {
        let mut work = self.begin(None).await?;
        let mut expired = Expired::default();
        let before = |days: u32| ids.now - TimeDelta::days(i64::from(days));
        if let Some(days) = retention.originals_days {
            expired.originals = work.expire_originals(desk, before(days), ids.now).await?;
        }
        if let Some(days) = retention.tickets_days {
            for (ticket, number) in work.over(desk, before(days)).await? {
                let why = vec![format!("retention_days:{days}")];
                work.erase((ticket, number), &Actor::System, why, ids).await?;
                expired.tickets.push(number);
            }
        }
        if expired == Expired::default() {
            work.rollback().await?;
        } else {
            work.commit(ids.now).await?;
        }
        Ok(expired)
    }
}

impl Work {
    /// Does a legal hold stand on the ticket, or on one that was merged into it?
    pub(super) async fn is_held(&mut self, ticket: TicketId) -> Result<bool, StoreError> {
        let sql =
            "SELECT COUNT(*) AS n FROM ticket WHERE held_at IS NOT NULL AND (id = $1 OR merged_into = $1)";
        let row = sqlx::query(sql).bind(raw(ticket.as_bytes())).fetch_one(self.on().await?).await?;
        Ok(Cells(&row).int("n")? > 0)
    }

    /// Ended tickets whose time is over, the longest ended first.
    async fn over(
        &mut self,
        desk: &DeskName,
        before: Instant,
    ) -> Result<Vec<(TicketId, TicketNumber)>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.id, t.number FROM ticket t
             WHERE t.erased_at IS NULL AND t.state IN ('resolved', 'closed') AND t.desk = $1 AND t.state_at < $2
                AND NOT EXISTS (SELECT 1 FROM ticket h WHERE h.held_at IS NOT NULL
                    AND (h.id = t.id OR h.merged_into = t.id))
             ORDER BY t.state_at LIMIT $3 + 0",
        )
        .bind(desk.as_str())
        .bind(micros(before))
        .bind(TICKETS)
        .fetch_all(self.on().await?)
        .await?;
        let read = |row| {
            let cells = Cells(row);
            Ok((TicketId::from_slice(&cells.blob("id")?)?, TicketNumber::new(cells.int("number")?)?))
        };
        rows.iter().map(read).collect()
    }

    /// Ends originals that came before; tickets and redacted texts stay.
    async fn expire_originals(
        &mut self,
        desk: &DeskName,
        before: Instant,
        now: Instant,
    ) -> Result<usize, StoreError> {
        let sql = format!(
            "SELECT l.id FROM ledger l WHERE l.kept = 1 AND l.desk = $1 AND l.arrived_at < $2 AND {SETTLED}
                AND NOT EXISTS (SELECT 1 FROM ticket t WHERE t.held_at IS NOT NULL
                    AND (t.id = l.ticket OR t.merged_into = l.ticket))
             ORDER BY l.arrived_at LIMIT $3 + 0"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(desk.as_str()).bind(micros(before)).bind(ORIGINALS);
        let rows = query.fetch_all(self.on().await?).await?;
        let mails = rows.iter().map(|row| Ok(LedgerId::from_slice(&Cells(row).blob("id")?)?));
        let mails: Vec<LedgerId> = mails.collect::<Result<_, StoreError>>()?;
        if mails.is_empty() {
            return Ok(0);
        }
        let ended = self.delete_originals(&mails).await?;
        let reasons = vec![format!("originals:{ended}"), format!("desk:{}", desk.as_str())];
        let (actor, action) = (audit::name(&Actor::System), "originals_expired".into());
        self.note(Entry { at: now, actor, action, ticket: None, ledger: None, reasons });
        Ok(mails.len())
    }

    /// Deletes wrapped keys and bodies; gives how many there were.
    async fn delete_originals(&mut self, mails: &[LedgerId]) -> Result<i64, StoreError> {
        let mut ended = 0;
        for chunk in mails.chunks(64) {
            let chunk = padded(chunk);
            for act in ["DELETE FROM original_key", "DELETE FROM original", "UPDATE ledger SET kept = 0"] {
                let column = if act.starts_with("UPDATE") { "id" } else { "ledger" };
                let sql = format!("{act} WHERE {column} IN ({})", marks(1, chunk.len()));
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for id in &chunk {
                    query = query.bind(raw(id.as_bytes()));
                }
                let done = query.execute(self.on().await?).await?;
                ended += if act.ends_with("original") { number(done.rows_affected()) } else { 0 };
            }
        }
        Ok(ended)
    }

    /// Erases a ticket; gives originals and messages.
    async fn erase(
        &mut self,
        (ticket, no): (TicketId, TicketNumber),
        actor: &Actor,
        mut reasons: Vec<String>,
        ids: &Ids,
    ) -> Result<(i64, i64), StoreError> {
        let mails = self.mails_and_duplicates_of(ticket).await?;
        let originals = self.delete_originals(&mails).await?;
        self.erase_ledger(&mails, ids.now).await?;
        let messages = self.erase_messages(ticket, ids).await?;
        self.erase_outbox(ticket, ids).await?;
        self.erase_people(ticket, ids).await?;
        self.end_erased(ticket, ids.now).await?;
        self.forget(ticket);
        reasons.extend([format!("originals:{originals}"), format!("messages:{messages}")]);
        let actor = audit::name(actor);
        let (at, action, ticket) = (ids.now, "erased".into(), Some(ticket));
        self.note(Entry { at, actor, action, ticket, ledger: None, reasons });
        tracing::info!(ticket = %no, originals, messages, "erased");
        Ok((originals, messages))
    }

    /// What was erased lives no longer: closed without a notice, nothing due, no clock.
    async fn end_erased(&mut self, ticket: TicketId, now: Instant) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE ticket SET version = version + 1, due_at = NULL, reminded_at = NULL, subject = '',
                state_at = CASE WHEN state = 'closed' THEN state_at ELSE $1 END, erased_at = $1,
                close_reason = COALESCE(close_reason, 'agent'), state = 'closed', consent_until = NULL,
                response_state = NULL, response_value = NULL, resolution_state = NULL, resolution_value = NULL,
                update_state = NULL, update_value = NULL
             WHERE id = $2",
        )
        .bind(micros(now))
        .bind(raw(ticket.as_bytes()))
        .execute(self.on().await?)
        .await?;
        Ok(())
    }

    /// Of the ledger only keyed hashes stay: by them the mail is recognised, not by whoever guesses it.
    async fn erase_ledger(&mut self, mails: &[LedgerId], now: Instant) -> Result<(), StoreError> {
        for mail in mails {
            self.hide_octets(*mail).await?;
            sqlx::query(
                "UPDATE ledger SET state = 'erased', state_at = $1, reason = 'ordered', from_key = NULL WHERE id = $2",
            )
            .bind(micros(now))
            .bind(raw(mail.as_bytes()))
            .execute(self.on().await?)
            .await?;
        }
        Ok(())
    }

    /// The digest of an erased mail, which anyone could compute who has a copy, becomes a keyed one.
    async fn hide_octets(&mut self, mail: LedgerId) -> Result<(), StoreError> {
        let row = sqlx::query("SELECT sha256 FROM ledger WHERE id = $1").bind(raw(mail.as_bytes()));
        let row = row.fetch_one(self.on().await?).await?;
        let Some(octets) = Cells(&row).maybe_blob("sha256")? else { return Ok(()) };
        sqlx::query("UPDATE ledger SET sha256 = NULL, octets_key = $1 WHERE id = $2")
            .bind(raw(&self.sealer.lookup(LookupDomain::Octets, &HEXLOWER.encode(&octets)).0))
            .bind(raw(mail.as_bytes()))
            .execute(self.on().await?)
            .await?;
        Ok(())
    }

    /// A copy of a mail that was erased comes in again: nothing of it is kept a second time (L12).
    pub(super) async fn forget_erased(&mut self, copy: LedgerId, first: LedgerId) -> Result<(), StoreError> {
        let row = sqlx::query("SELECT state FROM ledger WHERE id = $1").bind(raw(first.as_bytes()));
        let row = row.fetch_optional(self.on().await?).await?;
        let erased =
            row.map(|row| Ok::<_, StoreError>(Cells(&row).text("state")? == "erased")).transpose()?;
        if erased == Some(true) {
            self.delete_originals(&[copy]).await?;
            self.hide_octets(copy).await?;
        }
        Ok(())
    }

    /// The mails of a ticket, and the copies of them that stand in none.
    async fn mails_and_duplicates_of(&mut self, ticket: TicketId) -> Result<Vec<LedgerId>, StoreError> {
        let rows = sqlx::query(
            "SELECT id FROM ledger WHERE ticket = $1
                OR duplicate_of IN (SELECT id FROM ledger WHERE ticket = $1)",
        )
        .bind(raw(ticket.as_bytes()))
        .fetch_all(self.on().await?)
        .await?;
        rows.iter().map(|row| Ok(LedgerId::from_slice(&Cells(row).blob("id")?)?)).collect()
    }

    async fn erase_messages(&mut self, ticket: TicketId, ids: &Ids) -> Result<i64, StoreError> {
        let rows = sqlx::query("SELECT id FROM article WHERE ticket = $1")
            .bind(raw(ticket.as_bytes()))
            .fetch_all(self.on().await?)
            .await?;
        for row in &rows {
            let id = ArticleId::from_slice(&Cells(row).blob("id")?)?;
            let place = Place::Article(id.as_bytes());
            let empty = seal(&self.sealer, &place, &ArticleSecret::default(), &ids.random)?;
            sqlx::query(
                "UPDATE article SET text = '', elided = '', html = NULL, sealed = $1, erased = 1 WHERE id = $2",
            )
            .bind(empty)
            .bind(raw(id.as_bytes()))
            .execute(self.on().await?)
            .await?;
        }
        let attachments =
            "DELETE FROM attachment WHERE article IN (SELECT id FROM article WHERE ticket = $1)";
        sqlx::query(attachments).bind(raw(ticket.as_bytes())).execute(self.on().await?).await?;
        Ok(number(rows.len()))
    }

    /// What waits is not sent any more; what is on its way may still arrive, and no try follows.
    async fn erase_outbox(&mut self, ticket: TicketId, ids: &Ids) -> Result<(), StoreError> {
        for act in [
            "UPDATE outbox SET state = 'cancelled', reason = 'erased', not_before = NULL
             WHERE ticket = $1 AND state IN ('queued', 'later')",
            "UPDATE outbox SET state = 'dead', last_error = 'erased', not_before = NULL, lease_until = NULL, run = NULL
             WHERE ticket = $1 AND state = 'leased'",
        ] {
            sqlx::query(act).bind(raw(ticket.as_bytes())).execute(self.on().await?).await?;
        }
        sqlx::query("UPDATE outbox SET bytes = $1 WHERE ticket = $2")
            .bind(Vec::<u8>::new())
            .bind(raw(ticket.as_bytes()))
            .execute(self.on().await?)
            .await?;
        let rows = sqlx::query(
            "SELECT id FROM outbox WHERE ticket = $1
                AND participant NOT IN (SELECT no FROM participant WHERE ticket = $1 AND role = 'agent')",
        )
        .bind(raw(ticket.as_bytes()))
        .fetch_all(self.on().await?)
        .await?;
        for row in &rows {
            let id = OutboxId::from_slice(&Cells(row).blob("id")?)?;
            let nobody = OutboxSecret { to: NOBODY.into(), path: None, id: NOBODY.into() };
            let sealed = seal(&self.sealer, &Place::Outbox(id.as_bytes()), &nobody, &ids.random)?;
            // Sixteen zeros are nobody's key.
            sqlx::query("UPDATE outbox SET sealed = $1, recipient_key = $2 WHERE id = $3")
                .bind(sealed)
                .bind(raw(&[0; 16]))
                .bind(raw(id.as_bytes()))
                .execute(self.on().await?)
                .await?;
        }
        Ok(())
    }

    /// Names, addresses and the thread's Message-IDs go; colleagues stay, who stand in the directory.
    async fn erase_people(&mut self, ticket: TicketId, ids: &Ids) -> Result<(), StoreError> {
        for act in [
            "DELETE FROM participant WHERE ticket = $1 AND role <> 'agent'",
            "DELETE FROM message_ref WHERE ticket = $1",
            "DELETE FROM opening WHERE ticket = $1",
        ] {
            sqlx::query(act).bind(raw(ticket.as_bytes())).execute(self.on().await?).await?;
        }
        let empty = seal(&self.sealer, &Place::Thread(ticket), &ThreadSecret::default(), &ids.random)?;
        sqlx::query("UPDATE ticket SET thread = $1 WHERE id = $2")
            .bind(empty)
            .bind(raw(ticket.as_bytes()))
            .execute(self.on().await?)
            .await?;
        Ok(())
    }
}
