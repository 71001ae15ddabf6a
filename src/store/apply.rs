//! The one door: carries out what was decided, in the transaction in which it was decided.

use super::StoreError;
use super::audit::Entry;
use super::cells::{Cells, clean, number, raw};
use super::pending::{ArticleRow, AttachmentRow, LedgerEnd, OutboxRow};
use super::place::Placed;
use super::sealed::{ArticleSecret, OutboxSecret, Person, Place, address_key, message_key, seal, seal_bytes};
use super::work::{Ids, Work};
use crate::domain::effect::{Decision, Effect, NewArticle, Subject};
use crate::domain::facts::TicketRef;
use crate::domain::ids::{ArticleId, LookupKey, OutboxId, TicketId};
use crate::domain::message::{Attachment, Label, MessageClass};
use crate::domain::outgoing::{INTERNAL, Minted, Suppression};
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
    /// order), references, ledger row, audit row. They are written when they are read again, at the
    /// savepoint's end or at the commit.
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
            self.add_messages(ticket, decision, &placed, ids)?;
            self.add_refs(ticket, decision, minted);
        }
        self.add_outbox(&placed, decision, minted, ids)?;
        if let Some(ticket) = ticket {
            self.regroup(ticket, decision).await?;
        }
        for effect in &decision.effects {
            match effect {
                Effect::MarkBounced { outbox, permanent, status } => {
                    let bounced = (*outbox, *permanent);
                    self.mark_bounced(&mut placed, bounced, status.as_deref()).await?;
                }
                Effect::SetLedger { ledger, state, reason, duplicate_of } => {
                    let keys = self.mails.remove(ledger);
                    if let Some(keys) = &keys {
                        self.foresight.decided(keys);
                    }
                    self.pending.ends.push(LedgerEnd {
                        ledger: *ledger,
                        state: state.as_str(),
                        at: decision.at,
                        reason,
                        action: decision.action,
                        ticket,
                        duplicate_of: *duplicate_of,
                        keys,
                    });
                    if let Some(first) = duplicate_of {
                        self.forget_erased(*ledger, *first).await?;
                    }
                }
                _ => {}
            }
        }
        if let Some(loaded) = placed.loaded.take() {
            if matches!(decision.subject, Subject::Existing(..)) {
                self.pending.change(loaded.row.clone());
            }
            self.keep(*loaded);
        }
        self.note(Entry::of(decision, ticket));
        Ok(Applied { ticket: placed.ticket, articles: placed.articles })
    }

    fn add_messages(
        &mut self,
        ticket: TicketId,
        decision: &Decision,
        placed: &Placed,
        ids: &Ids,
    ) -> Result<(), StoreError> {
        let mut others = Vec::new();
        if let Subject::New(new) = &decision.subject {
            others.extend(new.possibly_related.iter().cloned());
        }
        let mut article_ids = placed.articles.iter();
        for effect in &decision.effects {
            match effect {
                Effect::Relate(other) => others.push(other.clone()),
                Effect::AddArticle(article) => {
                    let id =
                        article_ids.next().ok_or_else(|| StoreError::defect("a message without an id"))?;
                    self.add_article(ticket, *id, article, ids)?;
                }
                _ => {}
            }
        }
        let others = others.into_iter().filter(|other| other.ticket != ticket);
        self.pending.relations.extend(others.map(|other| (ticket, other)));
        Ok(())
    }

    fn add_article(
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
        self.pending.articles.push(ArticleRow {
            id,
            ticket,
            direction: if article.inbound { "in" } else { "out" },
            kind: article.kind.as_str(),
            class: article.class.map(MessageClass::as_str),
            at: article.at,
            grade: article.grade.as_str(),
            text: clean(article.text.as_str()).into_owned(),
            elided: clean(article.elided.as_str()).into_owned(),
            html: article.html.as_ref().map(|html| clean(html.as_str()).into_owned()),
            flags: article.flags.join(" "),
            ledger: article.ledger,
            sealed,
        });
        self.pending.attachments.extend((1..).zip(&article.attachments).map(|(no, attachment)| {
            AttachmentRow {
                article: id,
                no,
                declared: clean(&attachment.declared_type).into_owned(),
                detected: attachment.detected_type.clone(),
                size: number(attachment.size),
                sha256: attachment.sha256,
                inline: attachment.inline,
                flags: codes(attachment),
            }
        }));
        Ok(())
    }

    fn add_outbox(
        &mut self,
        placed: &Placed,
        decision: &Decision,
        minted: &[Minted],
        ids: &Ids,
    ) -> Result<(), StoreError> {
        let row = placed.loaded.as_ref().map(|loaded| &loaded.row.snapshot);
        let desk = match (&decision.subject, row) {
            (Subject::Held(desk), _) => desk,
            (_, Some(row)) => &row.desk,
            (_, None) => return Ok(()),
        };
        let answer = decision.effects.iter().filter_map(|effect| match effect {
            Effect::AddArticle(article) => Some(article),
            _ => None,
        });
        let carries = |article: &NewArticle| !article.inbound && article.kind == ArticleKind::Public;
        let answer = answer.zip(&placed.articles).filter(|(article, _)| carries(article)).last();
        let answer = answer.map(|(_, id)| *id);
        for mail in minted {
            let id = mail.id.as_bytes();
            let secret = OutboxSecret {
                to: mail.recipient.expose().into(),
                path: mail.reverse_path.as_ref().map(|path| path.expose().into()),
                id: mail.message_id.expose().into(),
            };
            let inside = INTERNAL.contains(&mail.kind);
            let sends = mail.suppressed.is_none();
            self.pending.outbox.push(OutboxRow {
                id: mail.id,
                ticket: row.map(|row| row.id),
                article: answer.filter(|_| !inside),
                participant: i64::from(mail.participant.get()),
                desk: desk.clone(),
                kind: mail.kind,
                automatic: mail.automatic,
                governed: mail.automatic && sends && !inside,
                suppressed: mail.suppressed.map(Suppression::as_str),
                recipient: LookupKey(address_key(&self.sealer, &mail.recipient)),
                message: message_key(&self.sealer, &mail.message_id),
                sealed: seal(&self.sealer, &Place::Outbox(id), &secret, &ids.random)?,
                bytes: seal_bytes(&self.sealer, &Place::Bytes(id), &mail.bytes, &ids.random)?,
                created_at: decision.at,
                not_before: sends.then_some(ids.now),
            });
        }
        Ok(())
    }

    fn add_refs(&mut self, ticket: TicketId, decision: &Decision, minted: &[Minted]) {
        let articles = decision.effects.iter().filter_map(|effect| match effect {
            Effect::AddArticle(article) => article.message_id.as_ref(),
            _ => None,
        });
        let ours = minted.iter().filter(|mail| mail.suppressed.is_none()).map(|mail| &mail.message_id);
        for id in articles.chain(ours) {
            let key = message_key(&self.sealer, id);
            self.foresight.refers(key, ticket);
            self.pending.refs.push((key, ticket));
        }
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
        .fetch_optional(self.on().await?)
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
}

/// Flags of the form, and what the redactor said of it.
fn codes(attachment: &Attachment) -> String {
    let labels = attachment.label.iter().flat_map(Label::codes);
    let flags = attachment.flags.iter().map(|flag| (*flag).to_owned()).chain(labels);
    flags.collect::<Vec<_>>().join(" ")
}
