//! An agent's answer by mail: their own words, apart from the notification their client quoted.
//! Takes decoded text, gives words and commands. Never lets a piece of the notification through
//! (L24): where words and quotation cannot be told apart there are no words, and the agent is told.

use chrono::NaiveDate;

use super::ids::TicketNumber;
use super::span::Span;
use super::ticket::Priority;

/// First line of every notification; agents write above it.
pub const MARKER: &str = "--- mailward: write above this line ---";
/// Last line of every notification: shows that a quotation is there when the first line was lost.
pub const END_MARKER: &str = "--- mailward: end of notification ---";

/// What is left of a marker after wrapping, quoting and HTML: letters only.
const MARKER_LETTERS: &str = "mailwardwriteabovethisline";
const END_LETTERS: &str = "mailwardendofnotification";

/// A command on a line of its own at the head of an agent's mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentCommand {
    /// `#resolve`: the words, if any, go out and the ticket is held for solved.
    Resolve,
    /// `#close`.
    Close,
    /// `#reopen`.
    Reopen,
    /// `#note`: the words stay inside.
    Note,
    /// `#priority high`, in a word of the common scale.
    Priority(Priority),
    /// `#assign name`: an agent's name as it was written, lower-cased.
    Assign(String),
    /// `#eta 2026-03-31`: the estimated day of resolution, told with the words.
    Eta(NaiveDate),
    /// `#update 2h`, `#update 4h business`, `#update default`: the span between updates.
    Update(Option<Span>),
    /// `#merge 12`: ends this ticket in favour of that one.
    Merge(TicketNumber),
    /// A line that looks like a command and is none: never sent to the customer.
    Unknown(String),
}

/// An agent's mail, read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentMail {
    /// In the order in which they stand.
    pub commands: Vec<AgentCommand>,
    /// The agent's own words, without commands, quotation and attribution; may be empty.
    pub words: String,
}

/// Reads an agent's mail: strips the quotation, then takes the leading command lines.
pub fn read(text: &str) -> AgentMail {
    let (commands, words) = parts(text);
    let words = words.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    AgentMail { commands, words: words.trim_end().to_owned() }
}

/// The agent's own words as they stand in the text, without commands and quotation.
pub fn own_words(text: &str) -> &str {
    parts(text).1
}

fn parts(text: &str) -> (Vec<AgentCommand>, &str) {
    let mut commands = Vec::new();
    let mut rest = words_above_marker(text);
    while let Some(line) = rest.lines().next().map(visible) {
        match command(&line) {
            Some(command) => commands.push(command),
            None if line.is_empty() => {}
            None => break,
        }
        rest = rest.split_once('\n').map_or("", |(_, below)| below);
    }
    (commands, rest)
}

/// The text above the quoted notification, without the attribution line a client puts before it.
/// Empty when the notification is quoted but its first line was lost. The whole text when nothing
/// of it is quoted.
pub fn words_above_marker(text: &str) -> &str {
    let letters = Letters::of(text);
    let Some(at) = letters.find(MARKER_LETTERS) else {
        return if letters.find(END_LETTERS).is_some() { "" } else { text.trim_end() };
    };
    if letters.find(END_LETTERS).is_some_and(|end| end < at) {
        return "";
    }
    let head = text.split_at_checked(at).map_or("", |(head, _)| head);
    let head = head.rsplit_once('\n').map_or("", |(above, _)| above);
    without_attribution(head)
}

/// True when a first or last line of a notification stands in the text, however changed.
pub fn holds_notification(text: &str) -> bool {
    let letters = Letters::of(text);
    letters.find(MARKER_LETTERS).or_else(|| letters.find(END_LETTERS)).is_some()
}

/// The ASCII letters of a text, lower-cased, each with its place: what survives wrapping, quote
/// signs, Markdown, non-breaking and zero-width spaces, and dashes turned into others.
struct Letters {
    folded: String,
    places: Vec<usize>,
}

impl Letters {
    fn of(text: &str) -> Self {
        let letters = text.char_indices().filter(|(_, c)| c.is_ascii_alphabetic());
        let (places, folded) = letters.map(|(at, c)| (at, c.to_ascii_lowercase())).unzip();
        Self { folded, places }
    }
    fn find(&self, needle: &str) -> Option<usize> {
        self.folded.find(needle).and_then(|at| self.places.get(at).copied())
    }
}

/// Drops what a mail client writes between the agent's words and the quotation.
fn without_attribution(head: &str) -> &str {
    let mut kept = head.trim_end();
    while !kept.is_empty() {
        let (above, last) = kept.rsplit_once('\n').unwrap_or(("", kept));
        let line = visible(last);
        let shorter = if line.is_empty() || is_rule(&line) {
            Some(above)
        } else {
            before_headers(kept).or_else(|| before_attribution(kept))
        };
        match shorter {
            Some(shorter) => kept = shorter.trim_end(),
            None => break,
        }
    }
    kept
}

/// A line without quote signs, Markdown stars and white space around it.
fn visible(line: &str) -> String {
    let invisible =
        |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '>' | '|' | '*');
    line.trim_matches(invisible).to_owned()
}

/// A line of dashes or underscores, or `-----Original Message-----` in a client's language.
fn is_rule(line: &str) -> bool {
    let is_dash = |c: char| matches!(c, '-' | '_' | '\u{2013}' | '\u{2014}' | '=');
    let inner = line.trim_matches(is_dash).trim().to_lowercase();
    let words = [
        "original message",
        "mensaje original",
        "mensagem original",
        "messaggio originale",
        "forwarded message",
    ];
    (line.chars().filter(|c| is_dash(*c)).count() >= 2 && inner.is_empty())
        || (line.starts_with(is_dash) && words.contains(&inner.as_str()))
}

/// The text before the header block that Outlook repeats above a quotation: three header lines at
/// least, so that a last line such as "Date: Monday" stays the agent's own.
fn before_headers(text: &str) -> Option<&str> {
    const NAMES: [&str; 22] = [
        "from",
        "sent",
        "to",
        "cc",
        "subject",
        "date",
        "reply-to",
        "de",
        "enviado",
        "enviado el",
        "para",
        "asunto",
        "fecha",
        "assunto",
        "data",
        "enviada em",
        "enviado em",
        "da",
        "inviato",
        "a",
        "oggetto",
        "importance",
    ];
    let mut above = text;
    for count in 0.. {
        let (before, last) = above.rsplit_once('\n').unwrap_or(("", above));
        let line = visible(last).to_lowercase();
        let name = line.split_once(':').map(|(name, _)| name.trim_end_matches('*').trim_end());
        if !name.is_some_and(|name| NAMES.contains(&name)) {
            return (count >= 3).then_some(above);
        }
        above = before;
    }
    None
}

/// The text before an attribution ("On ... wrote:") that ends `text` and spans at most three lines.
fn before_attribution(text: &str) -> Option<&str> {
    const VERBS: [&str; 8] =
        ["wrote", "escribió", "escribio", "escreveu", "ha scritto", "scrive", "schrieb", "a écrit"];
    const OPENINGS: [&str; 7] = ["on ", "el ", "em ", "il ", "le ", "am ", "in data"];
    let (without_last, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let last = visible(last).to_lowercase();
    if !last.ends_with(':') || !VERBS.iter().any(|verb| last.contains(verb)) {
        return None;
    }
    let mut above = text;
    for _ in 0..3 {
        let (before, line) = above.rsplit_once('\n').unwrap_or(("", above));
        let line = visible(line).to_lowercase();
        let opens = OPENINGS.iter().any(|opening| line.starts_with(opening));
        if opens && line.contains(|c: char| c.is_ascii_digit()) {
            return Some(before);
        }
        if line.is_empty() {
            break;
        }
        above = before;
    }
    Some(without_last)
}

fn command(line: &str) -> Option<AgentCommand> {
    let rest = line.strip_prefix('#').filter(|r| r.starts_with(|c: char| c.is_ascii_alphabetic()))?;
    let mut parts = rest.split_whitespace();
    let name = parts.next()?.to_lowercase();
    let value = parts.next().map(str::to_lowercase);
    let second = parts.next().map(str::to_lowercase);
    let more = second.is_some();
    let unknown = || AgentCommand::Unknown(line.to_owned());
    Some(match (name.as_str(), value, more) {
        ("resolve", None, _) => AgentCommand::Resolve,
        ("close", None, _) => AgentCommand::Close,
        ("reopen", None, _) => AgentCommand::Reopen,
        ("note", None, _) => AgentCommand::Note,
        ("priority", Some(word), false) => {
            Priority::parse(&word).map_or_else(unknown, AgentCommand::Priority)
        }
        ("assign", Some(who), false) => AgentCommand::Assign(who),
        ("eta", Some(day), false) => day.parse().map_or_else(|_| unknown(), AgentCommand::Eta),
        ("merge", Some(number), false) => merge(&number).map_or_else(unknown, AgentCommand::Merge),
        ("update", Some(word), false) if word == "default" => AgentCommand::Update(None),
        ("update", Some(time), _) => {
            let kind = second.as_deref().unwrap_or("elapsed");
            let span = Span::parse(&format!("{time} {kind}")).ok().filter(|span| span.length() >= SHORTEST);
            span.map_or_else(unknown, |span| AgentCommand::Update(Some(span)))
        }
        _ => unknown(),
    })
}

/// Updates that are owed more often would be owed for ever.
const SHORTEST: chrono::Duration = chrono::Duration::minutes(5);

/// A ticket's number, bare or as its tag.
fn merge(text: &str) -> Option<TicketNumber> {
    let bare = text.trim_start_matches(['[', '#']).trim_end_matches(']');
    TicketNumber::new(bare.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &str) {
        assert_eq!(words_above_marker(text), want, "{text:?}");
    }

    #[test]
    fn l24_words_end_where_the_notification_begins() {
        let end = END_MARKER;
        check("Just words.\n", "Just words.");
        check(&format!("Words.\n\n{MARKER}\nsecret"), "Words.");
        check(&format!("Words.\n\n> {MARKER}\n> secret"), "Words.");
        check(&format!("Words.\r\n\r\n> > {MARKER}\r\n> > secret"), "Words.");
        check("Words.\n> --- mailward: write\n> above this line ---\n> secret", "Words.");
        check("Words.\n> ---\n> mailward: write above this line ---\n> secret", "Words.");
        check("Words.\n\u{2014} Mailward: write above\u{a0}this line \u{2014}\nsecret", "Words.");
        check("Words.\n\n\\--- **mailward: write above this line** ---\nsecret", "Words.");
        check("Words.\n| mailward: wri\u{200b}te above this line\n| secret", "Words.");
        check(&format!("{MARKER}\nsecret\n{end}\nbottom posted"), "");
        check(&format!("Words.\n> secret without its head\n> {end}"), "");
        check(&format!("a\n{end}\nb\n{MARKER}\n"), "");
        check("", "");
    }

    #[test]
    fn the_clients_attribution_goes_too() {
        let attributions = [
            "On Mon, 2 Mar 2026 at 09:05, Imaging Support <support@imaging.example> wrote:",
            "On Mon, 2 Mar 2026 at 09:05, Imaging Support\n<support+abc@imaging.example> wrote:",
            "On Mon, 2 Mar 2026 at 09:05, Imaging Support\n<\nsupport+abc@imaging.example> wrote:",
            "El lun, 2 mar 2026 a las 9:05, Soporte (<s@imaging.example>) escribió:",
            "Em seg., 2 de mar. de 2026 às 09:05, Suporte <s@imaging.example> escreveu:",
            "Il giorno lun 2 mar 2026 alle ore 09:05 Supporto <s@imaging.example> ha scritto:",
            "Imaging Support wrote:",
            "-----Original Message-----\nFrom: Imaging Support <s@imaging.example>\nSent: Monday\nTo: Mary\nSubject: x",
            "________________________________\nDe: Soporte\nEnviado: lunes\nPara: Mary\nAsunto: x",
            "*From:* Imaging Support\n*Sent:* Monday\n*To:* Mary\n*Subject:* x\n",
        ];
        for attribution in attributions {
            check(&format!("Two\n\nlines.\n\n{attribution}\n\n> {MARKER}\n> secret"), "Two\n\nlines.");
        }
    }

    #[test]
    fn an_agents_own_last_line_stays() {
        for own in
            ["Date: Monday", "See what they wrote", "On 5 March we said:", "A: yes\nTo: all", "#5 is done"]
        {
            check(&format!("Hello\n{own}\n{MARKER}"), &format!("Hello\n{own}"));
        }
    }

    #[test]
    fn commands_stand_at_the_head() {
        use AgentCommand::{Assign, Close, Note, Priority as SetPriority, Reopen, Resolve, Unknown};
        let cases: [(&str, &[AgentCommand], &str); 11] = [
            ("Words only", &[], "Words only"),
            ("#resolve\nDone.", &[Resolve], "Done."),
            ("\n #Resolve \r\n\r\nDone.\r\nBye", &[Resolve], "Done.\nBye"),
            (
                "#note\n#priority HIGH\n#assign Mary\nInside",
                &[Note, SetPriority(Priority::High), Assign("mary".into())],
                "Inside",
            ),
            ("#close", &[Close], ""),
            ("#reopen", &[Reopen], ""),
            ("#priority soon\nx", &[Unknown("#priority soon".into())], "x"),
            ("#resolvd\nx", &[Unknown("#resolvd".into())], "x"),
            ("#resolve it is done", &[Unknown("#resolve it is done".into())], ""),
            ("#1 is the viewer\n#close", &[], "#1 is the viewer\n#close"),
            ("Words\n#resolve", &[], "Words\n#resolve"),
        ];
        for (text, commands, words) in cases {
            let want = AgentMail { commands: commands.to_vec(), words: words.into() };
            assert_eq!(read(text), want, "{text:?}");
            assert_eq!(own_words(text).replace('\r', ""), words, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn l24_no_wrapping_or_quoting_lets_the_notification_through(
            words in "[a-zA-Zé,.? \n]{0,60}[a-zé.?]",
            prefix in "([>|] ?){0,3}",
            width in 8_usize..90,
        ) {
            let notification = format!("{MARKER}\n\nCANARY of a customer\n\n{END_MARKER}");
            let mut quoted = String::new();
            for line in notification.lines() {
                let mut used = 0;
                quoted += &prefix;
                for word in line.split(' ') {
                    if used > 0 && used + word.len() > width {
                        quoted += "\n";
                        quoted += &prefix;
                        used = 0;
                    }
                    quoted += word;
                    quoted += " ";
                    used += word.len() + 1;
                }
                quoted += "\n";
            }
            let got = words_above_marker(&format!("{words}\n\n{quoted}")).to_owned();
            proptest::prop_assert!(!got.contains("CANARY"));
            proptest::prop_assert_eq!(got.trim_end(), words.trim_end());
        }
    }
}
