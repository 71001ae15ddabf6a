//! What opens or destroys what a person wrote: reveal, expose, erase. Each needs an actor and leaves
//! an audit row in the same transaction.

use data_encoding::HEXLOWER;
use sqlx::AssertSqlSafe;
use zeroize::Zeroizing;

use super::audit::{self, Entry};
use super::cells::{Cells, marks, micros, number, padded, raw};
use super::sealed::{ArticleSecret, Place, seal};
use super::views::ErasedView;
use super::work::{Ids, Work};
use super::{Store, StoreError};
use crate::domain::ids::{ArticleId, LedgerId, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;
use crate::seal::LookupDomain;

/// One opened original.
#[derive(Clone)]
pub struct Revealed {
    /// Its row.
    pub ledger: LedgerId,
    /// Its arrival.
    pub arrived_at: Instant,
    /// The octets.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<revealed, {} bytes>", self.bytes.len())
    }
}

impl Store {
    /// Opens the originals of a ticket, in order. The reason's text is not kept, its keyed hash is;
    /// the audit row is durable before the first octet is given out.
    ///
    /// # Errors
    /// [`StoreError::Missing`] without such a ticket; a blank reason is [`StoreError::Defect`].
    pub async fn reveal(
        &self,
        number: TicketNumber,
        actor: &Actor,
        reason: &str,
        now: Instant,
    ) -> Result<Vec<Revealed>, StoreError> {
        if reason.trim().is_empty() {
            return Err(StoreError::defect("a reveal needs a reason"));
        }
        let mut work = self.begin(None).await?;
        let ticket = work.load_number(number).await?.ok_or(StoreError::Missing("ticket"))?;
        let ticket = ticket.row.snapshot.id;
        let mails = work.mails_of(ticket).await?;
        let key = self.sealer.lookup(LookupDomain::Content, reason.trim());
        let reasons =
            vec![format!("reason:{}", HEXLOWER.encode(&key.0)), format!("originals:{}", mails.len())];
        let actor = audit::name(actor);
        work.note(Entry {
            at: now,
            actor,
            action: "reveal".into(),
            ticket: Some(ticket),
            ledger: None,
            reasons,
        });
        work.commit(now).await?;
        let mut revealed = Vec::with_capacity(mails.len());
        for chunk in mails.chunks(16) {
            let opened = self.open_mails(chunk).await?;
            revealed.extend(opened.into_iter().map(|m| Revealed {
                ledger: m.id,
                arrived_at: m.arrived_at,
                bytes: m.bytes,
            }));
        }
        Ok(revealed)
    }

    /// Notes that addresses of a ticket (`None`: of a list) were shown in the clear.
    pub async fn expose_audit(
        &self,
        number: Option<TicketNumber>,
        actor: &Actor,
        now: Instant,
    ) -> Result<(), StoreError> {
        let mut work = self.begin(None).await?;
        let ticket = match number {
            Some(number) => {
                let loaded = work.load_number(number).await?.ok_or(StoreError::Missing("ticket"))?;
                Some(loaded.row.snapshot.id)
            }
            None => None,
        };
        let (actor, action) = (audit::name(actor), "expose".into());
        work.note(Entry { at: now, actor, action, ticket, ledger: None, reasons: Vec::new() });
        work.commit(now).await
    }

    /// Erases what a ticket's people wrote: deletes the wrapped keys and bodies of its originals and of
    /// their duplicates, empties texts and sealed fields of its messages, subject and bytes of its
    /// mails, and cancels what was not sent. The ledger keeps keyed hashes, so that the mail does not
    /// come back at the next poll (L12). The reason's text is not kept, its keyed hash is.
    pub async fn erase_ticket(
        &self,
        number: TicketNumber,
        actor: &Actor,
        (reason, operator): (&str, &str),
        ids: &Ids,
    ) -> Result<ErasedView, StoreError> {
        let now = ids.now;
        let mut work = self.begin(None).await?;
        let loaded = work.load_number(number).await?.ok_or(StoreError::Missing("ticket"))?;
        let ticket = loaded.row.snapshot.id;
        let originals = work.erase_originals(ticket, now).await?;
        let messages = work.erase_messages(ticket, ids).await?;
        work.end_erased(ticket, now).await?;
        let key = self.sealer.lookup(LookupDomain::Content, reason.trim());
        let reasons = vec![
            format!("reason:{}", HEXLOWER.encode(&key.0)),
            format!("originals:{originals}"),
            format!("messages:{messages}"),
            format!("operator:{operator}"),
        ];
        let actor = audit::name(actor);
        work.note(Entry {
            at: now,
            actor,
            action: "erased".into(),
            ticket: Some(ticket),
            ledger: None,
            reasons,
        });
        work.commit(now).await?;
        Ok(ErasedView { ticket: number.get(), originals, messages })
    }
}

impl Work {
    /// What was erased lives no longer: closed without a notice, nothing due, no clock.
    async fn end_erased(&mut self, ticket: TicketId, now: Instant) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE ticket SET version = version + 1, due_at = NULL, reminded_at = NULL,
                state_at = CASE WHEN state = 'closed' THEN state_at ELSE $1 END,
                close_reason = COALESCE(close_reason, 'agent'), state = 'closed',
                response_state = NULL, response_value = NULL, resolution_state = NULL, resolution_value = NULL,
                update_state = NULL, update_value = NULL
             WHERE id = $2",
        )
        .bind(micros(now))
        .bind(raw(ticket.as_bytes()))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// The mails of a ticket, in order.
    async fn mails_of(&mut self, ticket: TicketId) -> Result<Vec<LedgerId>, StoreError> {
        let rows = sqlx::query("SELECT id FROM ledger WHERE ticket = $1 ORDER BY noted_at, folder, uid")
            .bind(raw(ticket.as_bytes()))
            .fetch_all(&mut *self.tx)
            .await?;
        rows.iter().map(|row| Ok(LedgerId::from_slice(&Cells(row).blob("id")?)?)).collect()
    }

    async fn erase_originals(&mut self, ticket: TicketId, now: Instant) -> Result<i64, StoreError> {
        let mails = self.mails_and_duplicates_of(ticket).await?;
        let mut erased = 0;
        for chunk in mails.chunks(64) {
            let chunk = padded(chunk);
            for table in ["original_key", "original"] {
                let sql = format!("DELETE FROM {table} WHERE ledger IN ({})", marks(1, chunk.len()));
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for id in &chunk {
                    query = query.bind(raw(id.as_bytes()));
                }
                let done = query.execute(&mut *self.tx).await?;
                erased += if table == "original" { number(done.rows_affected()) } else { 0 };
            }
        }
        sqlx::query(
            "UPDATE ledger SET state = 'erased', state_at = $1, reason = 'ordered', sha256 = NULL
             WHERE ticket = $2 OR duplicate_of IN (SELECT id FROM ledger WHERE ticket = $2)",
        )
        .bind(micros(now))
        .bind(raw(ticket.as_bytes()))
        .execute(&mut *self.tx)
        .await?;
        Ok(erased)
    }

    /// The mails of a ticket, and the copies of them that stand in none.
    async fn mails_and_duplicates_of(&mut self, ticket: TicketId) -> Result<Vec<LedgerId>, StoreError> {
        let rows = sqlx::query(
            "SELECT id FROM ledger WHERE ticket = $1
                OR duplicate_of IN (SELECT id FROM ledger WHERE ticket = $1)",
        )
        .bind(raw(ticket.as_bytes()))
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(|row| Ok(LedgerId::from_slice(&Cells(row).blob("id")?)?)).collect()
    }

    async fn erase_messages(&mut self, ticket: TicketId, ids: &Ids) -> Result<i64, StoreError> {
        let rows = sqlx::query("SELECT id FROM article WHERE ticket = $1")
            .bind(raw(ticket.as_bytes()))
            .fetch_all(&mut *self.tx)
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
            .execute(&mut *self.tx)
            .await?;
        }
        let attachments =
            "DELETE FROM attachment WHERE article IN (SELECT id FROM article WHERE ticket = $1)";
        sqlx::query(attachments).bind(raw(ticket.as_bytes())).execute(&mut *self.tx).await?;
        sqlx::query("UPDATE ticket SET subject = '' WHERE id = $1")
            .bind(raw(ticket.as_bytes()))
            .execute(&mut *self.tx)
            .await?;
        // What waits is not sent any more; what is on its way ends as it does, without its bytes here.
        let waiting = "UPDATE outbox SET state = 'cancelled', reason = 'erased', not_before = NULL
             WHERE ticket = $1 AND state IN ('queued', 'later')";
        sqlx::query(waiting).bind(raw(ticket.as_bytes())).execute(&mut *self.tx).await?;
        let bytes = "UPDATE outbox SET bytes = $1 WHERE ticket = $2";
        sqlx::query(bytes).bind(Vec::<u8>::new()).bind(raw(ticket.as_bytes())).execute(&mut *self.tx).await?;
        Ok(number(rows.len()))
    }
}
