//! What the person newly wrote. Takes the text or HTML of a mail, gives the new text with quotes,
//! signature, disclaimers and gateway banners taken out, and what was taken out beside it: nothing
//! is lost. Inline answers stay in order with the quotes they answer; a forward stays, it is the
//! report. Never leaves nothing: a mail that is only a quote is shown whole.

mod attribution;
mod blocks;
mod signature;

use super::pattern::pattern;
use super::render::{self, Mark};
use super::{limits, links};

/// New text and the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visible {
    /// What was newly written.
    pub visible: String,
    /// Quotes, signature, banners, in their order.
    pub elided: String,
}

/// Reads a plain-text body.
pub fn reply_text(text: &str) -> Visible {
    of_text(text, false)
}

/// Reads an HTML body.
pub fn reply_html(html: &str) -> Visible {
    of_html(html, false)
}

/// Reads a plain-text body; `forwarded` when the subject says so: then header blocks are its matter.
pub fn of_text(text: &str, forwarded: bool) -> Visible {
    let mut lines: Vec<Line> = text
        .lines()
        .flat_map(attribution::split_inline)
        .map(|text| Line { text, mark: Mark::Plain })
        .collect();
    mark_initials(&mut lines);
    read(lines, forwarded)
}

/// The Bat and old newsreaders quote with the author's initials: `MM> text`. One such line may be a
/// prompt; two and more of the same letters are a quote.
fn mark_initials(lines: &mut [Line]) {
    let quoted: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| INITIALS.is_match(line.head()))
        .map(|(at, _)| at)
        .collect();
    if quoted.len() < 2 {
        return;
    }
    for at in quoted {
        if let Some(line) = lines.get_mut(at) {
            line.mark = Mark::Quote;
        }
    }
}

pattern!(INITIALS, r"^ ?[A-Z]{2,3}>{1,3} ");

/// Reads an HTML body.
pub fn of_html(html: &str, forwarded: bool) -> Visible {
    let lines =
        render::lines(html).into_iter().map(|line| Line { text: line.text, mark: line.mark }).collect();
    read(lines, forwarded)
}

/// A line of the body.
struct Line {
    text: String,
    mark: Mark,
}

impl Line {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
    /// What patterns are tried on: nothing of a line that is too long to be anything but text.
    fn head(&self) -> &str {
        if self.text.len() > limits::PATTERN_LINE { "" } else { &self.text }
    }
    fn is_quoted(&self) -> bool {
        self.mark == Mark::Quote || self.text.trim_start().starts_with('>')
    }
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    Quote,
    Elide,
}

fn read(mut lines: Vec<Line>, forwarded: bool) -> Visible {
    let tail: Vec<Line> =
        if lines.len() > limits::VISIBLE_LINES { lines.split_off(limits::VISIBLE_LINES) } else { Vec::new() };
    let mut fates = quotes(&lines, forwarded);
    signature::elide(&lines, &mut fates);
    if leaves_nothing(&lines, &fates) {
        fates = vec![Fate::Keep; lines.len()];
        signature::elide_banner(&lines, &mut fates);
    }
    if leaves_nothing(&lines, &fates) {
        fates = vec![Fate::Keep; lines.len()];
    }
    let mut out = Visible::default();
    for (line, fate) in lines.iter().zip(&fates) {
        let side = if *fate == Fate::Keep { &mut out.visible } else { &mut out.elided };
        side.push_str(line.text.trim_end());
        side.push('\n');
    }
    for line in tail {
        out.elided.push_str(&line.text);
        out.elided.push('\n');
    }
    out.visible = links::unwrap_all(&squeeze(&out.visible));
    out.elided.truncate(out.elided.trim_end().len());
    out
}

fn leaves_nothing(lines: &[Line], fates: &[Fate]) -> bool {
    lines.iter().zip(fates).all(|(line, fate)| *fate != Fate::Keep || line.is_blank())
}

/// No blank lines around, never two in a row.
fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for line in text.lines() {
        if line.trim().is_empty() {
            blank = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

/// Finds what was quoted.
fn quotes(lines: &[Line], forwarded: bool) -> Vec<Fate> {
    let mut fates = vec![Fate::Keep; lines.len()];
    let mut announced = false;
    let underscores = blocks::only_rule(lines).unwrap_or(usize::MAX);
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if line.mark == Mark::Rest {
            if !forwarded {
                elide_from(&mut fates, at);
            }
            break;
        }
        if attribution::is_framed(line.head()) && at > 0 {
            elide_from(&mut fates, at);
            break;
        }
        if line.is_quoted() {
            let end = run_end(lines, at);
            let first = first_text(lines, at);
            if blocks::is_forward_marker(first) {
                break;
            }
            if blocks::is_original_marker(first) || blocks::is_above_marker(first) {
                elide_from(&mut fates, at);
                break;
            }
            set(&mut fates, at, end, Fate::Quote);
            at = end;
            continue;
        }
        if blocks::is_forward_marker(line.head()) || forwarded && blocks::header_block(lines, at) {
            break;
        }
        let rule = at == underscores && at > 0;
        let marker = || blocks::is_original_marker(line.head()) || blocks::is_above_marker(line.head());
        if rule || marker() || blocks::header_block(lines, at) {
            elide_from(&mut fates, blocks::with_rule_above(lines, at));
            break;
        }
        if let Some(length) = attribution::at(lines, at) {
            let end = at + length;
            let next = lines.iter().skip(end).find(|line| !line.is_blank());
            if next.is_some_and(Line::is_quoted) {
                announced = true;
                set(&mut fates, at, end, Fate::Elide);
                at = end;
                continue;
            }
            elide_from(&mut fates, at);
            break;
        }
        at += 1;
    }
    settle(lines, &mut fates, announced);
    fates
}

fn elide_from(fates: &mut [Fate], start: usize) {
    for fate in fates.iter_mut().skip(start) {
        *fate = Fate::Elide;
    }
}

fn set(fates: &mut [Fate], start: usize, end: usize, to: Fate) {
    for fate in fates.iter_mut().take(end).skip(start) {
        *fate = to;
    }
}

/// The text of a quoted line without its marks.
fn first_text(lines: &[Line], at: usize) -> &str {
    let texts = lines.iter().skip(at).map(|line| line.text.trim_start_matches([' ', '>']));
    texts.take(5).find(|text| !text.is_empty()).unwrap_or_default()
}

/// Where a run of quoted lines ends; blank lines within it belong to it.
fn run_end(lines: &[Line], start: usize) -> usize {
    let mut end = start;
    for (at, line) in lines.iter().enumerate().skip(start) {
        if line.is_quoted() {
            end = at + 1;
        } else if !line.is_blank() {
            break;
        }
    }
    end
}

/// Decides over `>` lines once all are known: inline answers keep their quotes; a fragment that a
/// mailer broke off a long quoted line goes with it; `>` lines that nobody announced and that are
/// few are text.
fn settle(lines: &[Line], fates: &mut [Fate], announced: bool) {
    let quoted = fates.iter().filter(|fate| **fate == Fate::Quote).count();
    if quoted == 0 {
        return;
    }
    let marked = lines.iter().any(|line| line.mark == Mark::Quote);
    if !announced && !marked && quoted < 3 {
        restore(fates);
        return;
    }
    let Some(first) = fates.iter().position(|fate| *fate == Fate::Quote) else { return };
    let last = fates.iter().rposition(|fate| *fate == Fate::Quote).unwrap_or(first);
    let before = lines
        .iter()
        .zip(fates.iter())
        .take(first)
        .any(|(line, fate)| *fate == Fate::Keep && !line.is_blank());
    let mut inline = false;
    let mut at = first;
    while at < lines.len() {
        if fates.get(at) != Some(&Fate::Keep) || lines.get(at).is_none_or(Line::is_blank) {
            at += 1;
            continue;
        }
        let end = (at..lines.len()).find(|k| fates.get(*k) != Some(&Fate::Keep)).unwrap_or(lines.len());
        let touches_above = at > 0 && fates.get(at - 1) == Some(&Fate::Quote);
        let touches_below = lines.get(end.saturating_sub(1)).is_some_and(|line| !line.is_blank());
        let short = lines.iter().take(end).skip(at).filter(|line| !line.is_blank()).count() <= 2;
        if touches_above && touches_below && short && before {
            set(fates, at, end, Fate::Elide);
        } else if end <= last {
            inline = true;
        }
        at = end;
    }
    if inline {
        restore(fates);
    }
}

fn restore(fates: &mut [Fate]) {
    for fate in fates.iter_mut().filter(|fate| **fate == Fate::Quote) {
        *fate = Fate::Keep;
    }
}

#[cfg(test)]
mod tests;
