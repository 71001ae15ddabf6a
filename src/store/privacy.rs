//! What opens what a person wrote: reveal, expose. Each needs an actor and leaves an audit row in the
//! same transaction.

use zeroize::Zeroizing;

use super::audit::{self, Entry};
use super::cells::{Cells, raw};
use super::custody::Opening;
use super::work::Work;
use super::{Store, StoreError};
use crate::domain::ids::{LedgerId, TicketId, TicketNumber};
use crate::domain::message::Instant;
use crate::domain::ticket::Actor;

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
    /// Opens the originals of a ticket, in order, or the one of a message. The reason's text is not
    /// kept, its keyed hash is; the audit row is durable before the first octet is given out.
    ///
    /// # Errors
    /// [`StoreError::Missing`] without such a ticket.
    pub async fn reveal(&self, opening: &Opening<'_>) -> Result<Vec<Revealed>, StoreError> {
        let mut work = self.begin(None).await?;
        let ticket = work.load_number(opening.number).await?.ok_or(StoreError::Missing("ticket"))?;
        let ticket = ticket.row.snapshot.id;
        let mut mails = work.mails_of(ticket).await?;
        mails.retain(|mail| opening.only.is_none_or(|only| only == *mail));
        work.note_opening(ticket, opening, mails.len()).await?;
        work.commit(opening.now).await?;
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
}

impl Work {
    /// The mails of a ticket, in order.
    pub(super) async fn mails_of(&mut self, ticket: TicketId) -> Result<Vec<LedgerId>, StoreError> {
        let rows = sqlx::query("SELECT id FROM ledger WHERE ticket = $1 ORDER BY noted_at, folder, uid")
            .bind(raw(ticket.as_bytes()))
            .fetch_all(&mut *self.tx)
            .await?;
        rows.iter().map(|row| Ok(LedgerId::from_slice(&Cells(row).blob("id")?)?)).collect()
    }
}
