//! How many mails a minute a relay takes. Pure: the time is an argument.

use std::collections::VecDeque;

use chrono::TimeDelta;

use crate::domain::message::Instant;

/// Holds a transport to `max_per_minute` in every window of sixty seconds, not only on average: a
/// provider counts so (Microsoft 365: 30 a minute), and punishes one mail too many.
#[derive(Debug, Clone)]
pub struct Pace {
    per_minute: usize,
    sent: VecDeque<Instant>,
}

impl Pace {
    /// 0 is no limit.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute: usize::try_from(per_minute).unwrap_or(usize::MAX), sent: VecDeque::new() }
    }

    /// How many mails may go now; `usize::MAX` without a limit.
    pub fn free(&mut self, now: Instant) -> usize {
        if self.per_minute == 0 {
            return usize::MAX;
        }
        let window = now - TimeDelta::minutes(1);
        // A clock that was set back must not stop the mail for longer than a minute.
        self.sent.retain(|at| *at > window && *at <= now);
        self.per_minute.saturating_sub(self.sent.len())
    }

    /// Notes that so many mails go now.
    pub fn take(&mut self, mails: usize, now: Instant) {
        if self.per_minute > 0 {
            self.sent.extend(std::iter::repeat_n(now, mails.min(self.per_minute)));
        }
    }

    /// When the next mail may go, if none may go now.
    pub fn next(&mut self, now: Instant) -> Option<Instant> {
        if self.free(now) > 0 {
            return None;
        }
        self.sent.front().map(|oldest| *oldest + TimeDelta::minutes(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Instant {
        Instant::UNIX_EPOCH + TimeDelta::seconds(n)
    }

    #[test]
    fn l29_no_minute_holds_more_than_the_limit() {
        let mut pace = Pace::new(30);
        let mut sent = Vec::new();
        for n in 0..600 {
            let now = second(n);
            let free = pace.free(now).min(7);
            pace.take(free, now);
            sent.extend(std::iter::repeat_n(n, free));
        }
        for start in 0..540 {
            let within = sent.iter().filter(|at| (start..start + 60).contains(*at)).count();
            assert!(within <= 30, "{within} from {start}");
        }
        assert!(sent.len() >= 300, "the limit is used");
    }

    #[test]
    fn the_next_instant_is_known() {
        let mut pace = Pace::new(2);
        assert_eq!((pace.free(second(0)), pace.next(second(0))), (2, None));
        pace.take(1, second(0));
        pace.take(1, second(20));
        assert_eq!((pace.free(second(30)), pace.next(second(30))), (0, Some(second(60))));
        assert_eq!((pace.free(second(60)), pace.next(second(61))), (1, None));
        assert_eq!(pace.free(second(-100)), 2, "the clock was set back");
        assert_eq!(Pace::new(0).free(second(0)), usize::MAX);
    }
}
