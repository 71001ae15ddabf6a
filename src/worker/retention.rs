//! Retention: what is over by a desk's days is ended in bounded steps, never while a legal hold stands.

use crate::store::Ids;

use super::Failure;
use super::sweep::{Sweep, Swept};

impl Sweep {
    /// One step for each desk; gives a line for each ticket that was erased and whether more is left.
    pub async fn expire(&self) -> Result<(Vec<Swept>, bool), Failure> {
        let rules = self.book.current();
        let now = self.clock.now();
        let (mut swept, mut more) = (Vec::new(), false);
        for desk in rules.policy.desks.values() {
            let retention = desk.custody.retention;
            if retention.originals_days.is_none() && retention.tickets_days.is_none() {
                continue;
            }
            let ids = Ids::new(now, &self.door.random);
            let expired = self.store.expire(&desk.name, retention, &ids).await?;
            more |= expired.originals > 0 || !expired.tickets.is_empty();
            swept.extend(expired.tickets.iter().map(|number| Swept {
                ticket: number.get(),
                action: "erased",
                reason: "retention".to_owned(),
                at: now,
                moved: true,
            }));
        }
        Ok((swept, more))
    }
}
