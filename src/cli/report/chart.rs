//! Bars as inline SVG. Takes names and numbers, gives markup; no script, no style from elsewhere.

use std::fmt::Write as _;

/// One bar: a name, the part in the first colour, the part in the second, and what stands beside it.
pub struct Bar {
    /// Under or before the bar.
    pub name: String,
    /// First part.
    pub first: u64,
    /// Second part, stacked on it.
    pub second: u64,
    /// Beside the bar.
    pub label: String,
}

const WIDTH: u64 = 640;
const NAME: u64 = 150;
const LABEL: u64 = 110;
const ROW: u64 = 26;

/// Bars from left to right, one below the other.
pub fn rows(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.first + bar.second).max().unwrap_or(0).max(1);
    let height = ROW * u64::try_from(bars.len()).unwrap_or(0);
    let room = WIDTH - NAME - LABEL;
    let mut svg = head(title, height);
    for (bar, y) in bars.iter().zip((0..).step_by(26)) {
        let (first, second) = (bar.first * room / most, bar.second * room / most);
        let (middle, top) = (y + 17, y + 4);
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\
             <rect class=\"a\" x=\"{NAME}\" y=\"{top}\" width=\"{first}\" height=\"18\"/>\
             <rect class=\"b\" x=\"{}\" y=\"{top}\" width=\"{second}\" height=\"18\"/>\
             <text x=\"{}\" y=\"{middle}\">{}</text>",
            NAME - 8,
            escaped(&bar.name),
            NAME + first,
            NAME + first + second + 8,
            escaped(&bar.label),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Bars from bottom to top, side by side: the hours of a day.
pub fn columns(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.first).max().unwrap_or(0).max(1);
    let (tall, step) = (140, WIDTH / u64::try_from(bars.len().max(1)).unwrap_or(1));
    let mut svg = head(title, tall + 40);
    for (bar, x) in bars.iter().zip((0..).step_by(usize::try_from(step).unwrap_or(1))) {
        let high = bar.first * tall / most;
        let center = x + step / 2;
        let _ = write!(
            svg,
            "<rect class=\"a\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{high}\"/>\
             <text x=\"{center}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{center}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x + 2,
            tall + 18 - high,
            step.saturating_sub(4),
            tall + 14 - high,
            escaped(&bar.label),
            tall + 34,
            escaped(&bar.name),
        );
    }
    svg.push_str("</svg>");
    svg
}

fn head(title: &str, height: u64) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{0}\"><title>{0}</title>",
        escaped(title)
    )
}

/// Text within markup.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
