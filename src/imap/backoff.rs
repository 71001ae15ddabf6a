//! How long to wait before the next connection. Pure: the randomness is an argument.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);

/// 1 s doubling to 5 min; `random` (any number) takes away up to half, so that a hundred accounts
/// cut off together do not come back together (L27). `attempt` counts from 0.
pub fn backoff(attempt: u32, random: u32) -> Duration {
    let whole = FIRST.saturating_mul(1_u32.checked_shl(attempt.min(20)).unwrap_or(u32::MAX)).min(LONGEST);
    let half = whole / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l27_backoff_doubles_to_five_minutes_with_jitter() {
        for (attempt, seconds) in [(0, 1), (1, 2), (2, 4), (8, 256), (9, 300), (40, 300), (u32::MAX, 300)] {
            let whole = Duration::from_secs(seconds);
            assert_eq!(backoff(attempt, u32::MAX), whole, "{attempt}");
            assert_eq!(backoff(attempt, 0), whole / 2, "{attempt}");
        }
        assert_ne!(backoff(3, 1 << 30), backoff(3, 1 << 31));
    }
}
