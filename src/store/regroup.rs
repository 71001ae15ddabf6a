//! What a merge moves, and what moves back: messages with their mails, and people. Tokens and
//! references need nothing: they lead to the survivor by `merged_into`.

use sqlx::AssertSqlSafe;

use super::StoreError;
use super::cells::raw;
use super::work::Work;
use crate::domain::effect::{Decision, Effect};
use crate::domain::ids::TicketId;
use crate::domain::message::Instant;
use crate::domain::text::RedactedText;

/// Puts what was written to a merged ticket since behind everything that comes back.
const BEHIND: i64 = 1_000_000_000;

impl Work {
    /// Carries out merge, its undoing, and the waking of another ticket.
    pub(super) async fn regroup(&mut self, ticket: TicketId, decision: &Decision) -> Result<(), StoreError> {
        for effect in &decision.effects {
            match effect {
                Effect::MergeInto(survivor) => self.move_messages(ticket, *survivor).await?,
                Effect::Unmerge(survivor) => self.bring_back(ticket, *survivor).await?,
                Effect::Wake(other) => self.wake(*other, decision.at).await?,
                Effect::Withhold { copies, text } => self.withhold(copies, text, decision).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn move_messages(&mut self, merged: TicketId, survivor: TicketId) -> Result<(), StoreError> {
        let (from, to) = (raw(merged.as_bytes()), raw(survivor.as_bytes()));
        let statements = [
            "UPDATE article SET merged_seq = COALESCE(merged_seq, seq), merged_from = COALESCE(merged_from, $1),
                seq = seq + (SELECT COALESCE(MAX(s.seq), 0) FROM article s WHERE s.ticket = $2), ticket = $2
             WHERE ticket = $1",
            "UPDATE ledger SET ticket = $2 WHERE ticket = $1",
        ];
        for sql in statements {
            sqlx::query(sql).bind(from.clone()).bind(to.clone()).execute(self.on().await?).await?;
        }
        Ok(())
    }

    /// The ticket's own messages, those of tickets merged into it before, and its people.
    async fn bring_back(&mut self, merged: TicketId, survivor: TicketId) -> Result<(), StoreError> {
        let (own, other) = (raw(merged.as_bytes()), raw(survivor.as_bytes()));
        sqlx::query("UPDATE article SET seq = seq + $2 WHERE ticket = $1")
            .bind(own.clone())
            .bind(BEHIND)
            .execute(self.on().await?)
            .await?;
        let statements = [
            "UPDATE article SET ticket = $1, seq = merged_seq, merged_seq = NULL, merged_from = NULL
             WHERE ticket = $2 AND merged_from = $1",
            "UPDATE article SET ticket = $1
             WHERE ticket = $2 AND merged_from IN (SELECT id FROM ticket WHERE merged_into = $1)",
            "UPDATE ledger SET ticket = $1
             WHERE ticket = $2 AND id IN (SELECT ledger FROM article WHERE ticket = $1 AND ledger IS NOT NULL)",
            "DELETE FROM participant WHERE ticket = $2 AND merged_from = $1",
        ];
        for sql in statements {
            sqlx::query(sql).bind(own.clone()).bind(other.clone()).execute(self.on().await?).await?;
        }
        self.forget(survivor);
        Ok(())
    }

    /// The copies of the decided mail lose their words; what was sealed stays so.
    async fn withhold(
        &mut self,
        copies: &[TicketId],
        text: &RedactedText,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let ledger = decision.effects.iter().find_map(|effect| match effect {
            Effect::SetLedger { ledger, .. } => Some(*ledger),
            _ => None,
        });
        let Some(keys) = ledger.and_then(|ledger| self.mails.get(&ledger)) else { return Ok(()) };
        let content = raw(&keys.content);
        let these =
            "(SELECT a.id FROM article a JOIN ledger l ON l.id = a.ledger JOIN ticket t ON t.id = a.ticket
             WHERE l.content_key = $2 AND t.restricted = 0 AND a.ticket = $3)";
        let statements = [
            format!("UPDATE ticket SET subject = $1 WHERE id IN (SELECT ticket FROM article WHERE seq = 1 AND id IN {these})"),
            format!(
                "UPDATE article SET text = $1, elided = '', html = NULL,
                    flags = CASE WHEN flags = '' THEN 'withheld' ELSE flags || ' withheld' END WHERE id IN {these}"
            ),
            format!("DELETE FROM attachment WHERE $1 <> '' AND article IN {these}"),
        ];
        for copy in copies {
            for sql in &statements {
                sqlx::query(AssertSqlSafe(sql.clone()))
                    .bind(text.as_str().to_owned())
                    .bind(content.clone())
                    .bind(raw(copy.as_bytes()))
                    .execute(self.on().await?)
                    .await?;
            }
            self.forget(*copy);
        }
        Ok(())
    }

    /// A ticket that waited for its customer owes the next step: the sweep lets its clocks run on.
    async fn wake(&mut self, ticket: TicketId, now: Instant) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE ticket SET state = 'open', state_at = NULL, reminded_at = NULL, due_at = $1, version = version + 1
             WHERE id = $2 AND state IN ('pending', 'resolved')",
        )
        .bind(super::cells::micros(now))
        .bind(raw(ticket.as_bytes()))
        .execute(self.on().await?)
        .await?;
        self.forget(ticket);
        Ok(())
    }
}
