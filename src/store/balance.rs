//! The conservation line: what came in against what became of it, by account and day. "In" is every
//! mail that anything here has a trace of: the ledger, a message of a ticket, the audit trail, a
//! sealed original. What became of it is looked up where it must stand, so that a row that is
//! missing or a ticket without its message does not balance. On the read-only connections.

use std::collections::BTreeMap;

use super::cells::{Cells, from_micros};
use super::views::BalanceView;
use super::{Store, StoreError};
use crate::domain::ids::AccountName;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// Stands in the place of an account where only traces of a mail are left.
const LOST: &str = "(not in the ledger)";

/// Each mail of the ledger with where it really stands. An agent's act stands in its ticket without
/// being a message of it.
const MAILS: &str = "SELECT account, day, state, place, COUNT(*) AS n FROM (
    SELECT l.account, l.arrived_at / 86400000000 AS day, l.state,
        CASE
            WHEN EXISTS (SELECT 1 FROM article a WHERE a.ticket = l.ticket AND COALESCE(a.merged_seq, a.seq) = 1
                    AND a.ledger = l.id)
                THEN 'opens'
            WHEN EXISTS (SELECT 1 FROM article a WHERE a.ticket = l.ticket AND a.ledger = l.id) THEN 'joins'
            WHEN l.action IN ('new', 'follow_up', 'joined', 'reopened') THEN 'nowhere'
            WHEN EXISTS (SELECT 1 FROM ticket t WHERE t.id = l.ticket) THEN 'acts'
            ELSE 'nowhere'
        END AS place
    FROM ledger l WHERE $1 = '' OR l.account = $1) AS mails
 GROUP BY account, day, state, place ORDER BY account, day";

/// Mails that something speaks of and the ledger does not know.
const TRACES: &str = "SELECT ledger AS id FROM article
    WHERE ledger IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.id = article.ledger)
 UNION SELECT ledger FROM audit
    WHERE ledger IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.id = audit.ledger)
 UNION SELECT ledger FROM original WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.id = original.ledger)";

impl Store {
    /// In and out, per account and day (UTC, of arrival). Without an account also what is lost: a line
    /// under `(not in the ledger)`, by the day on which the lost row was made.
    pub async fn ledger_balance(
        &self,
        account: Option<&AccountName>,
    ) -> Result<Vec<BalanceView>, StoreError> {
        let mut days: BTreeMap<(String, i64), BalanceView> = BTreeMap::new();
        // One snapshot: a mail decided between the two questions would be missing in one of them.
        let mut tx = self.pools.read.begin_with(self.pools.dialect.snapshot()).await?;
        let rows = sqlx::query(MAILS).bind(account.map_or("", AccountName::as_str));
        for row in &rows.fetch_all(&mut *tx).await? {
            let cells = Cells(row);
            let day = days.entry((cells.text("account")?, cells.int("day")?)).or_default();
            add(day, (&cells.text("state")?, &cells.text("place")?), cells.int("n")?);
        }
        if account.is_none() {
            for row in &sqlx::query(TRACES).fetch_all(&mut *tx).await? {
                let day = minted_on(&Cells(row).blob("id")?);
                days.entry((LOST.to_owned(), day)).or_default().incoming += 1;
            }
        }
        tx.rollback().await?;
        days.into_iter().map(|((account, day), sums)| balance(account, day, &sums)).collect()
    }
}

/// A mail counts where it stands, and by its state: one that is in a ticket and set aside counts twice,
/// and one that is nowhere does not count, so that neither balances.
fn add(day: &mut BalanceView, (state, place): (&str, &str), n: i64) {
    day.incoming += n;
    let in_ticket = matches!(state, "committed" | "oversize");
    match (state, place) {
        // Its ticket may be emptied, but it is accounted for.
        ("erased", _) => day.erased += n,
        (_, "opens") => day.tickets += n,
        (_, "joins") => day.joined += n,
        (_, "acts") if in_ticket => day.joined += n,
        _ => {}
    }
    match state {
        "recorded" => day.recorded += n,
        "ignored" => day.ignored += n,
        "held" => day.held += n,
        "quarantined" => day.quarantined += n,
        "unfetchable" => day.unfetchable += n,
        "stored" => day.stored += n,
        _ => {}
    }
}

fn balance(account: String, day: i64, sums: &BalanceView) -> Result<BalanceView, StoreError> {
    let start = from_micros(day.saturating_mul(DAY))?;
    let decided = sums.tickets + sums.joined + sums.recorded + sums.ignored + sums.held;
    let others = sums.quarantined + sums.unfetchable + sums.erased + sums.stored;
    let balanced = sums.incoming == decided + others;
    Ok(BalanceView { account, day: start.format("%Y-%m-%d").to_string(), balanced, ..sums.clone() })
}

/// The day in the head of a `UUIDv7`: milliseconds since 1970 (RFC 9562 5.7).
fn minted_on(id: &[u8]) -> i64 {
    let millis = id.iter().take(6).fold(0_i64, |sum, octet| sum << 8 | i64::from(*octet));
    millis.saturating_mul(1000) / DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mails: &[(&str, &str)], balanced: bool) {
        let mut day = BalanceView::default();
        for (state, place) in mails {
            add(&mut day, (state, place), 1);
        }
        let line = balance("support".into(), 0, &day).unwrap();
        assert_eq!(line.balanced, balanced, "{mails:?}: {line:?}");
    }

    #[test]
    fn a_mail_counts_once_and_somewhere() {
        check(&[("committed", "opens"), ("committed", "joins"), ("oversize", "opens")], true);
        check(&[("committed", "acts"), ("erased", "opens"), ("erased", "nowhere")], true);
        check(&[("stored", "nowhere"), ("held", "nowhere"), ("recorded", "nowhere")], true);
        check(&[("quarantined", "nowhere"), ("unfetchable", "nowhere"), ("ignored", "nowhere")], true);
        // Its ticket or its message is gone.
        check(&[("committed", "opens"), ("committed", "nowhere")], false);
        // It stands in a ticket and is said to wait or to be set aside.
        check(&[("quarantined", "opens")], false);
        check(&[("recorded", "joins")], false);
        // A state that is none.
        check(&[("lost", "nowhere")], false);
    }

    #[test]
    fn the_day_of_a_lost_row() {
        let id = uuid::Uuid::parse_str("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").unwrap();
        assert_eq!(
            from_micros(minted_on(id.as_bytes()) * DAY).unwrap().to_string(),
            "2022-02-22 00:00:00 UTC"
        );
    }
}
