//! Tables (CSV, sheets) as lines in which each cell stands behind the head of its column: `12345678`
//! alone is a number, below `prontuario` it is a record.

use std::fmt::Write as _;

/// A CSV with its separator told from the first line.
pub(super) fn labelled(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let separator = [';', '\t', '|', ','].into_iter().max_by_key(|c| first.matches(*c).count());
    let separator = separator.filter(|c| first.contains(*c)).unwrap_or(',');
    rows(text.lines().map(|line| cells(line, separator)))
}

/// Rows of cells as labelled lines; the first row is the head where it holds no digit.
pub(super) fn rows(rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut out = String::new();
    let mut head: Vec<String> = Vec::new();
    for (number, row) in rows.enumerate() {
        if number == 0 && row.iter().all(|cell| !cell.contains(|c: char| c.is_ascii_digit())) {
            head.clone_from(&row);
        }
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty()) {
            match head.get(column).filter(|_| number > 0) {
                Some(label) => {
                    let _ = writeln!(out, "{}: {}", super::structured::spaced(label.trim()), cell.trim());
                }
                None => {
                    let _ = writeln!(out, "{}", cell.trim());
                }
            }
        }
    }
    out
}

/// One line of CSV (RFC 4180, without line ends inside quotes: those only part a cell).
fn cells(line: &str, separator: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c == separator && !quoted => cells.push(String::new()),
            c => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(c);
                }
            }
        }
    }
    cells
}
