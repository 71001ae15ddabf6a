//! When a row is tried again. Pure: the randomness is an argument.

use std::time::Duration;

/// A row that was not accepted so long after it was written is dead: a visible state, not a silence.
pub const GIVE_UP: Duration = Duration::from_hours(72);

const STEPS: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
];
const LATER: Duration = Duration::from_hours(2);

/// The wait after failed attempt number `attempt` (from 1): 30 s, 2, 10, 30 min, 1 h, then 2 h,
/// each 20 % shorter to 20 % longer as `random` (any number) says.
pub fn retry_delay(attempt: u32, random: u32) -> Duration {
    let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let whole = STEPS.get(step).copied().unwrap_or(LATER);
    whole.mul_f64(0.8 + 0.4 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_and_scatter() {
        let cases = [(0, 30), (1, 30), (2, 120), (3, 600), (4, 1800), (5, 3600), (6, 7200), (99, 7200)];
        for (attempt, seconds) in cases {
            let whole = f64::from(seconds);
            assert!((retry_delay(attempt, 0).as_secs_f64() - whole * 0.8).abs() < 0.001, "{attempt}");
            assert!((retry_delay(attempt, u32::MAX).as_secs_f64() - whole * 1.2).abs() < 0.001, "{attempt}");
        }
    }
}
