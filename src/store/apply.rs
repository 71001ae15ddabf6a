//! The one door: carries out what was decided, in the transaction in which it was decided.

use sqlx::AssertSqlSafe;

use super::StoreError;
use super::audit::Entry;
use super::cells::{Cells, clean, maybe_micros, micros, number, raw, rows};
use super::place::Placed;
use super::sealed::{ArticleSecret, OutboxSecret, Person, Place, address_key, message_key, seal, seal_bytes};
use super::work::{Ids, Work};
use super::write::{insert_refs, insert_relations, update_ticket};
use crate::domain::effect::{Decision, Effect, LedgerState, NewArticle, Subject};
use crate::domain::facts::TicketRef;
use crate::domain::ids::{ArticleId, LedgerId, OutboxId, TicketId};
use crate::domain::message::Label;
use crate::domain::outgoing::Minted;
use crate::domain::ticket::{ArticleKind, LastPublic, Role};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The ticket, if any.
    pub ticket: Option<TicketRef>,
    /// The messages that were added, in order.
    pub articles: Vec<ArticleId>,
}

impl Work {
    /// Carries out every effect: state, messages, outbox rows (one of `minted` for each `Enqueue`, in
    /// order), references, ledger row, audit row.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the ticket changed since it was read.
    pub async fn apply(
        &mut self,
        decision: &Decision,
        mut placed: Placed,
        minted: &[Minted],
        ids: &Ids,
    ) -> Result<Applied, StoreError> {
        if minted.len() != placed.recipients.len() {
            return Err(StoreError::defect("not one mail for each recipient"));
        }
        let ticket = placed.ticket.map(|ticket| ticket.id);
        if let Some(ticket) = ticket {
            self.write_messages(ticket, decision, &placed, ids).await?;
            self.write_outbox(&mut placed, decision, minted, ids).await?;
            self.write_refs(ticket, decision, minted).await?;
        }
        for effect in &decision.effects {
            match effect {
                Effect::MarkBounced { outbox, permanent, status } => {
                    let bounced = (*outbox, *permanent);
                    self.mark_bounced(&mut placed, bounced, status.as_deref()).await?;
                }
                Effect::SetLedger { ledger, state, reason, duplicate_of } => {
                    let end = LedgerEnd { state: *state, reason, duplicate_of: *duplicate_of };
                    self.end_ledger(*ledger, end, decision, ticket).await?;
                }
                _ => {}
            }
        }
        if let Some(loaded) = placed.loaded.take() {
            if matches!(decision.subject, Subject::Existing(..)) {
                update_ticket(&mut self.tx, &loaded.row).await?;
            }
            self.keep(*loaded);
        }
        self.note(Entry::of(decision, ticket));
        Ok(Applied { ticket: placed.ticket, articles: placed.articles })
    }

    async fn write_messages(
        &mut self,
        ticket: TicketId,
        decision: &Decision,
        placed: &Placed,
        ids: &Ids,
    ) -> Result<(), StoreError> {
        let mut others = Vec::new();
        if let Subject::New(new) = &decision.subject {
            others.extend_from_slice(&new.possibly_related);
        }
        let mut article_ids = placed.articles.iter();
        for effect in &decision.effects {
            match effect {
                Effect::Relate(other) => others.push(*other),
                Effect::AddArticle(article) => {
                    let id =
                        article_ids.next().ok_or_else(|| StoreError::defect("a message without an id"))?;
                    self.write_article(ticket, *id, article, ids).await?;
                    self.write_attachments(*id, article).await?;
                }
                _ => {}
            }
        }
        insert_relations(&mut self.tx, ticket, &others).await
    }

    async fn write_article(
        &mut self,
        ticket: TicketId,
        id: ArticleId,
        article: &NewArticle,
        ids: &Ids,
    ) -> Result<(), StoreError> {
        let secret = ArticleSecret {
            from: article.from.as_ref().map(Person::of),
            id: article.message_id.as_ref().map(|id| id.expose().into()),
            clear: article.clear.as_ref().map(|text| text.expose().into()),
            fields: article
                .fields
                .iter()
                .map(|(name, value)| (name.clone(), value.expose().into()))
                .collect(),
            names: article.attachments.iter().map(|a| a.name.expose().into()).collect(),
        };
        let sealed = seal(&self.sealer, &Place::Article(id.as_bytes()), &secret, &ids.random)?;
        sqlx::query(
            "INSERT INTO article (id, ticket, seq, direction, kind, class, at, grade, text, elided, html, flags,
                ledger, sealed, erased)
             VALUES ($1, $2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM article WHERE ticket = $2), $3, $4, $5, $6, $7,
                $8, $9, $10, $11, $12, $13, 0)",
        )
        .bind(raw(id.as_bytes()))
        .bind(raw(ticket.as_bytes()))
        .bind(if article.inbound { "in" } else { "out" })
        .bind(article.kind.as_str())
        .bind(article.class.map(|class| class.as_str().to_owned()))
        .bind(micros(article.at))
        .bind(article.grade.as_str())
        .bind(clean(article.text.as_str()).into_owned())
        .bind(clean(article.elided.as_str()).into_owned())
        .bind(article.html.as_ref().map(|html| clean(html.as_str()).into_owned()))
        .bind(article.flags.join(" "))
        .bind(article.ledger.map(|id| raw(id.as_bytes())))
        .bind(sealed)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn write_attachments(&mut self, id: ArticleId, article: &NewArticle) -> Result<(), StoreError> {
        let mut no = 0;
        for attachments in article.attachments.chunks(64) {
            let sql = format!(
                "INSERT INTO attachment (article, no, declared, detected, size, sha256, inline, flags) VALUES {}",
                rows(attachments.len(), 8)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for attachment in attachments {
                no += 1;
                query = query
                    .bind(raw(id.as_bytes()))
                    .bind(no)
                    .bind(clean(&attachment.declared_type).into_owned());
                query = query.bind(attachment.detected_type.clone()).bind(number(attachment.size));
                query = query.bind(attachment.sha256.to_vec()).bind(i64::from(attachment.inline));
                let labels = attachment.label.iter().flat_map(Label::codes);
                let flags = attachment.flags.iter().map(|flag| (*flag).to_owned()).chain(labels);
                query = query.bind(flags.collect::<Vec<_>>().join(" "));
            }
            query.execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    async fn write_outbox(
        &mut self,
        placed: &mut Placed,
        decision: &Decision,
        minted: &[Minted],
        ids: &Ids,
    ) -> Result<(), StoreError> {
        let Some(loaded) = &placed.loaded else { return Ok(()) };
        let row = &loaded.row.snapshot;
        let answer = decision.effects.iter().filter_map(|effect| match effect {
            Effect::AddArticle(article) => Some(article),
            _ => None,
        });
        let carries = |article: &NewArticle| !article.inbound && article.kind == ArticleKind::Public;
        let answer = answer.zip(&placed.articles).filter(|(article, _)| carries(article)).last();
        let answer = answer.map(|(_, id)| raw(id.as_bytes()));
        for minted in minted.chunks(64) {
            let sql = format!(
                "INSERT INTO outbox (id, ticket, article, participant, desk, kind, automatic, governed, state, reason,
                    recipient_key, message_key, sealed, bytes, created_at, not_before, attempts, bounced) VALUES {}",
                rows(minted.len(), 18)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for mail in minted {
                let id = mail.id.as_bytes();
                let secret = OutboxSecret {
                    to: mail.recipient.expose().into(),
                    path: mail.reverse_path.as_ref().map(|path| path.expose().into()),
                    id: mail.message_id.expose().into(),
                };
                let to_agent = matches!(mail.kind, "notification" | "refusal" | "escalation");
                let governed = mail.automatic && mail.suppressed.is_none() && !to_agent;
                let sends = mail.suppressed.is_none();
                query = query.bind(raw(id)).bind(raw(row.id.as_bytes()));
                query = query.bind(if to_agent { None } else { answer.clone() });
                query = query.bind(i64::from(mail.participant.get())).bind(row.desk.as_str()).bind(mail.kind);
                query = query.bind(i64::from(mail.automatic)).bind(i64::from(governed));
                query = query.bind(if sends { "queued" } else { "suppressed" });
                query = query.bind(mail.suppressed.map(|why| why.as_str().to_owned()));
                query = query.bind(raw(&address_key(&self.sealer, &mail.recipient)));
                query = query.bind(raw(&message_key(&self.sealer, &mail.message_id)));
                query = query.bind(seal(&self.sealer, &Place::Outbox(id), &secret, &ids.random)?);
                query = query.bind(seal_bytes(&self.sealer, &Place::Bytes(id), &mail.bytes, &ids.random)?);
                query = query.bind(micros(decision.at)).bind(maybe_micros(sends.then_some(ids.now)));
                query = query.bind(0_i64).bind(0_i64);
            }
            query.execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    async fn write_refs(
        &mut self,
        ticket: TicketId,
        decision: &Decision,
        minted: &[Minted],
    ) -> Result<(), StoreError> {
        let articles = decision.effects.iter().filter_map(|effect| match effect {
            Effect::AddArticle(article) => article.message_id.as_ref(),
            _ => None,
        });
        let ours = minted.iter().filter(|mail| mail.suppressed.is_none()).map(|mail| &mail.message_id);
        let keys: Vec<[u8; 16]> = articles.chain(ours).map(|id| message_key(&self.sealer, id)).collect();
        insert_refs(&mut self.tx, ticket, &keys).await
    }

    /// Marks the row, and the ticket when its last answer to the requester came back for good.
    async fn mark_bounced(
        &mut self,
        placed: &mut Placed,
        (outbox, permanent): (OutboxId, bool),
        status: Option<&str>,
    ) -> Result<(), StoreError> {
        let row = sqlx::query(
            "UPDATE outbox SET bounced = CASE WHEN $1 = 1 THEN 1 ELSE bounced END, bounce_status = $2
             WHERE id = $3 RETURNING article, participant",
        )
        .bind(i64::from(permanent))
        .bind(status.map(str::to_owned))
        .bind(raw(outbox.as_bytes()))
        .fetch_optional(&mut *self.tx)
        .await?;
        let (Some(row), Some(loaded)) = (row, placed.loaded.as_mut()) else { return Ok(()) };
        let (article, to) = (Cells(&row).maybe_blob("article")?, Cells(&row).small("participant")?);
        let requester = loaded.people.iter().any(|p| p.no.get() == to && p.role == Role::Requester);
        if let Some(LastPublic::Answer { article: last, bounced, .. }) = &mut loaded.row.snapshot.last_public
            && permanent
            && requester
            && article.as_deref() == Some(last.as_bytes().as_slice())
        {
            *bounced = true;
        }
        Ok(())
    }

    async fn end_ledger(
        &mut self,
        ledger: LedgerId,
        end: LedgerEnd,
        decision: &Decision,
        ticket: Option<TicketId>,
    ) -> Result<(), StoreError> {
        let keys = self.mails.remove(&ledger);
        let done = sqlx::query(
            "UPDATE ledger SET state = $1, state_at = $2, reason = $3, action = $4, ticket = $5, duplicate_of = $6,
                desk = COALESCE($7, desk), content_key = COALESCE($8, content_key),
                message_key = COALESCE($9, message_key), from_key = COALESCE($10, from_key), next_try = NULL
             WHERE id = $11 AND state = 'stored'",
        )
        .bind(end.state.as_str())
        .bind(micros(decision.at))
        .bind(end.reason)
        .bind(decision.action)
        .bind(ticket.map(|id| raw(id.as_bytes())))
        .bind(end.duplicate_of.map(|id| raw(id.as_bytes())))
        .bind(keys.as_ref().map(|keys| keys.desk.as_str().to_owned()))
        .bind(keys.as_ref().map(|keys| raw(&keys.content)))
        .bind(keys.as_ref().and_then(|keys| keys.message).map(|key| raw(&key)))
        .bind(keys.as_ref().and_then(|keys| keys.from).map(|key| raw(&key)))
        .bind(raw(ledger.as_bytes()))
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() != 1 {
            return Err(StoreError::Missing("mail in the ledger"));
        }
        match end.duplicate_of {
            Some(first) => self.forget_erased(ledger, first).await,
            None => Ok(()),
        }
    }
}

/// How a ledger row ends.
#[derive(Clone, Copy)]
struct LedgerEnd {
    state: LedgerState,
    reason: &'static str,
    duplicate_of: Option<LedgerId>,
}
