//! Legal hold, consent, and openings of originals: who opened what, on which reason, until when. Each
//! change leaves an audit row in the same transaction; reasons are kept as keyed hashes only.

use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use sqlx::any::AnyRow;

use super::audit::{self, Entry};
use super::cells::{Cells, maybe_micros, micros, number, raw};
use super::sealed::{ArticleSecret, OutboxSecret, Place, open};
use super::work::Work;
use super::{Store, StoreError};
use crate::domain::facts::OpeningFacts;
use crate::domain::ids::{
    AccountName, ArticleId, DeskName, FolderName, LedgerId, MessageId, OutboxId, TicketId, TicketNumber, Uid,
    UidValidity,
};
use crate::domain::message::{Instant, Origin};
use crate::domain::ticket::Actor;
use crate::seal::LookupDomain;

/// An opening that was allowed.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// Of which ticket.
    pub number: TicketNumber,
    /// Only this mail of it.
    pub only: Option<LedgerId>,
    /// By whom.
    pub actor: &'a Actor,
    /// The system user at the keyboard.
    pub operator: &'a str,
    /// Why; `None` goes on with an opening that still lasts.
    pub reason: Option<&'a str>,
    /// Minutes for which the reason holds.
    pub minutes: u32,
    /// `reveal` or `attachment`, for the audit trail.
    pub action: &'static str,
    /// Now.
    pub now: Instant,
}

/// A mail of a ticket as it may still lie outside.
#[derive(Debug, Clone)]
pub struct ErasedCopy {
    /// Where it was fetched.
    pub origin: Origin,
    /// Its Message-ID, where known.
    pub message_id: Option<MessageId>,
    /// Digest of the octets that were fetched.
    pub sha256: Option<[u8; 32]>,
}

/// A mail of ours that was sent.
#[derive(Debug, Clone)]
pub struct SentCopy {
    /// Ours.
    pub message_id: MessageId,
}

/// Why a ticket is not erased.
pub(super) const HELD: &str = "a legal hold stands on the ticket";

/// What is ordered about a ticket's keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Nothing of it is erased.
    Hold,
    /// The hold ends.
    Release,
    /// The customer's consent lasts until.
    Consent(Instant),
}

impl Keeping {
    const fn action(self) -> &'static str {
        match self {
            Self::Hold => "held_legally",
            Self::Release => "hold_released",
            Self::Consent(_) => "consent",
        }
    }
}

impl Store {
    /// Carries out an order about a ticket's keeping.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when there is nothing to hold or release.
    pub async fn keep_ticket(
        &self,
        (number, keeping): (TicketNumber, Keeping),
        actor: &Actor,
        (reason, operator): (&str, &str),
        now: Instant,
    ) -> Result<(), StoreError> {
        let mut work = self.begin(None).await?;
        let ticket = work.load_number(number).await?.ok_or(StoreError::Missing("ticket"))?;
        let ticket = ticket.row.snapshot.id;
        let (sql, value) = match keeping {
            Keeping::Hold => (
                "UPDATE ticket SET held_at = $1 WHERE id = $2 AND held_at IS NULL AND erased_at IS NULL",
                Some(now),
            ),
            Keeping::Release => {
                ("UPDATE ticket SET held_at = $1 WHERE id = $2 AND held_at IS NOT NULL", None)
            }
            Keeping::Consent(until) => {
                ("UPDATE ticket SET consent_until = $1 WHERE id = $2 AND erased_at IS NULL", Some(until))
            }
        };
        let query = sqlx::query(sql).bind(maybe_micros(value)).bind(raw(ticket.as_bytes()));
        if query.execute(&mut *work.tx).await?.rows_affected() == 0 {
            return Err(StoreError::Refused(match keeping {
                Keeping::Hold => "the ticket is held already, or erased",
                Keeping::Release => "no legal hold stands on the ticket",
                Keeping::Consent(_) => "the ticket is erased",
            }));
        }
        let mut reasons = vec![work.reason_word(reason), format!("operator:{operator}")];
        if let Keeping::Consent(until) = keeping {
            reasons.push(format!("until:{}", until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
        }
        let (actor, action) = (audit::name(actor), keeping.action().into());
        work.note(Entry { at: now, actor, action, ticket: Some(ticket), ledger: None, reasons });
        work.commit(now).await
    }

    /// The mail that the ticket's attachment of this number (from 1, in the order of `ticket show`) came
    /// with, and its place in it.
    pub async fn attachment_place(
        &self,
        number: TicketNumber,
        which: usize,
    ) -> Result<Option<(LedgerId, usize)>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.ledger, b.no FROM attachment b JOIN article a ON a.id = b.article
             JOIN ticket t ON t.id = a.ticket WHERE t.number = $1 ORDER BY a.seq, b.no",
        )
        .bind(number.get())
        .fetch_all(&self.pools.read)
        .await?;
        let Some(row) = which.checked_sub(1).and_then(|at| rows.get(at)) else { return Ok(None) };
        let Some(ledger) = Cells(row).maybe_blob("ledger")? else { return Ok(None) };
        let place = usize::try_from(Cells(row).int("no")? - 1).unwrap_or(0);
        Ok(Some((LedgerId::from_slice(&ledger)?, place)))
    }

    /// Where copies of a ticket's mail may lie outside, theirs and ours, with the ticket's desk.
    ///
    /// # Errors
    /// [`StoreError::Refused`] while a legal hold stands on the ticket.
    pub async fn copies(
        &self,
        number: TicketNumber,
    ) -> Result<Option<(DeskName, Vec<ErasedCopy>, Vec<SentCopy>)>, StoreError> {
        let ticket = sqlx::query("SELECT id, desk FROM ticket WHERE number = $1").bind(number.get());
        let Some(ticket) = ticket.fetch_optional(&self.pools.read).await? else { return Ok(None) };
        let (id, desk) = (Cells(&ticket).blob("id")?, Cells(&ticket).name("desk", DeskName::parse)?);
        let mut work = self.begin(None).await?;
        let held = work.is_held(TicketId::from_slice(&id)?).await?;
        work.rollback().await?;
        if held {
            return Err(StoreError::Refused(HELD));
        }
        let rows = sqlx::query(
            "SELECT l.account, l.folder, l.uidvalidity, l.uid, l.sha256, a.id AS article, a.sealed FROM ledger l
             LEFT JOIN article a ON a.ledger = COALESCE(l.duplicate_of, l.id)
             WHERE l.ticket = $1 OR l.duplicate_of IN (SELECT id FROM ledger WHERE ticket = $1)",
        );
        let rows = rows.bind(id.clone()).fetch_all(&self.pools.read).await?;
        let mails = rows.iter().map(|row| self.erased_copy(row)).collect::<Result<_, _>>()?;
        let rows = sqlx::query("SELECT id, sealed FROM outbox WHERE ticket = $1 AND state = 'sent'").bind(id);
        let rows = rows.fetch_all(&self.pools.read).await?;
        let sent = rows.iter().map(|row| {
            let row = Cells(row);
            let id = OutboxId::from_slice(&row.blob("id")?)?;
            let secret: OutboxSecret =
                open(&self.sealer, &Place::Outbox(id.as_bytes()), &row.blob("sealed")?)?;
            Ok::<_, StoreError>(SentCopy { message_id: MessageId::parse(&secret.id)? })
        });
        Ok(Some((desk, mails, sent.collect::<Result<_, _>>()?)))
    }

    fn erased_copy(&self, row: &AnyRow) -> Result<ErasedCopy, StoreError> {
        let cells = Cells(row);
        let secret = match (cells.maybe_blob("article")?, cells.maybe_blob("sealed")?) {
            (Some(article), Some(sealed)) => {
                let article = ArticleId::from_slice(&article)?;
                open(&self.sealer, &Place::Article(article.as_bytes()), &sealed)?
            }
            _ => ArticleSecret::default(),
        };
        let sha256 = cells.maybe_blob("sha256")?;
        Ok(ErasedCopy {
            origin: Origin {
                account: cells.name("account", AccountName::parse_stored)?,
                folder: cells.name("folder", FolderName::parse)?,
                uidvalidity: UidValidity(cells.small("uidvalidity")?),
                uid: Uid::new(cells.small("uid")?)?,
            },
            message_id: secret.id.as_deref().and_then(|id| MessageId::parse(id).ok()),
            sha256: sha256.and_then(|octets| octets.try_into().ok()),
        })
    }

    /// What `decide::opening` wants to know.
    pub async fn opening_facts(
        &self,
        number: TicketNumber,
        actor: &Actor,
    ) -> Result<Option<OpeningFacts>, StoreError> {
        let row = sqlx::query(
            "SELECT t.desk, t.restricted, t.consent_until, t.erased_at,
                (SELECT expires_at FROM opening o WHERE o.ticket = t.id AND o.actor = $1) AS expires_at,
                (SELECT COUNT(*) FROM article a WHERE a.ticket = t.id
                    AND ' ' || a.flags || ' ' LIKE '% withheld %') AS copies
             FROM ticket t WHERE t.number = $2",
        )
        .bind(audit::name(actor))
        .bind(number.get())
        .fetch_optional(&self.pools.read)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let cells = Cells(&row);
        Ok(Some(OpeningFacts {
            desk: cells.name("desk", DeskName::parse)?,
            restricted: cells.flag("restricted")?,
            breach_copy: cells.int("copies")? > 0,
            consent_until: cells.maybe_instant("consent_until")?,
            erased: cells.maybe_int("erased_at")?.is_some(),
            open_until: cells.maybe_instant("expires_at")?,
        }))
    }
}

impl Work {
    fn reason_word(&self, reason: &str) -> String {
        let key = self.sealer.lookup(LookupDomain::Reason, reason.trim());
        format!("reason:{}", HEXLOWER.encode(&key.0))
    }

    /// Writes the opening down: a new reason begins one, none goes on with the one that lasts.
    pub(super) async fn note_opening(
        &mut self,
        ticket: TicketId,
        opening: &Opening<'_>,
        mails: usize,
    ) -> Result<(), StoreError> {
        let actor = audit::name(opening.actor);
        let mut reasons =
            vec![format!("originals:{}", number(mails)), format!("operator:{}", opening.operator)];
        if let Some(reason) = opening.reason {
            let until = opening.now + TimeDelta::minutes(i64::from(opening.minutes));
            sqlx::query(
                "INSERT INTO opening (ticket, actor, opened_at, expires_at, reason_key) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (ticket, actor) DO UPDATE SET opened_at = EXCLUDED.opened_at,
                    expires_at = EXCLUDED.expires_at, reason_key = EXCLUDED.reason_key",
            )
            .bind(raw(ticket.as_bytes()))
            .bind(actor.clone())
            .bind(micros(opening.now))
            .bind(micros(until))
            .bind(raw(&self.sealer.lookup(LookupDomain::Reason, reason.trim()).0))
            .execute(&mut *self.tx)
            .await?;
            reasons.push(self.reason_word(reason));
            reasons.push(format!("until:{}", until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
        } else {
            reasons.push("same_opening".into());
        }
        let action = opening.action.into();
        let ledger = opening.only;
        self.note(Entry { at: opening.now, actor, action, ticket: Some(ticket), ledger, reasons });
        Ok(())
    }
}
