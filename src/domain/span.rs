//! A promised time, and how people write one. Takes text, gives spans or says what is wrong.

use chrono::Duration;

/// A promised time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Nights, weekends and holidays count.
    Elapsed(Duration),
    /// Only the calendar's open intervals count.
    Business(Duration),
}

impl Span {
    /// The time of either kind.
    pub const fn length(self) -> Duration {
        match self {
            Self::Elapsed(length) | Self::Business(length) => length,
        }
    }
    /// The same kind of time, of another length.
    #[must_use]
    pub const fn of(self, length: Duration) -> Self {
        match self {
            Self::Elapsed(_) => Self::Elapsed(length),
            Self::Business(_) => Self::Business(length),
        }
    }
    /// Reads `8h business`, `1h30m elapsed`, `2d elapsed`.
    ///
    /// # Errors
    /// What is wrong, in words that follow the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (time, kind) = text.trim().split_once(' ').ok_or("does not say `business` or `elapsed`")?;
        let time = duration(time)?;
        match kind.trim() {
            "elapsed" => Ok(Self::Elapsed(time)),
            "business" if text.contains('d') => Err("counts business days: write hours"),
            "business" => Ok(Self::Business(time)),
            _ => Err("must end in `business` or `elapsed`"),
        }
    }
}

impl std::fmt::Display for Span {
    /// As [`Span::parse`] reads it, to the second.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if matches!(self, Self::Elapsed(_)) { "elapsed" } else { "business" };
        write!(f, "{}s {kind}", self.length().num_seconds())
    }
}

/// Reads `45s`, `30m`, `8h`, `2d`, and sums of them.
///
/// # Errors
/// What is wrong, in words that follow the text.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    let wrong = "is no span of time such as `8h` or `1h30m`";
    let mut total = Duration::zero();
    let mut digits = String::new();
    for c in text.trim().chars() {
        if c.is_ascii_digit() && digits.len() < 9 {
            digits.push(c);
            continue;
        }
        let number: i64 = digits.parse().map_err(|_| wrong)?;
        digits.clear();
        total += match c {
            's' => Duration::seconds(number),
            'm' => Duration::minutes(number),
            'h' => Duration::hours(number),
            'd' => Duration::days(number),
            _ => return Err(wrong),
        };
    }
    if !digits.is_empty() || text.trim().is_empty() || total > Duration::days(3660) {
        Err(wrong)
    } else {
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_it_is_written() {
        let hours = Duration::hours;
        for (text, want) in [
            ("8h business", Ok(Span::Business(hours(8)))),
            ("1h30m elapsed", Ok(Span::Elapsed(Duration::minutes(90)))),
            ("2d elapsed", Ok(Span::Elapsed(hours(48)))),
            ("2d business", Err("counts business days: write hours")),
            ("2h", Err("does not say `business` or `elapsed`")),
            ("2 h elapsed", Err("is no span of time such as `8h` or `1h30m`")),
        ] {
            assert_eq!(Span::parse(text), want, "{text}");
            if let Ok(span) = want {
                assert_eq!(Span::parse(&span.to_string()), Ok(span), "{text}");
            }
        }
        for bad in ["8 business", "h business", "8x business", "", "8h  ", "1h sometimes"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }
}
