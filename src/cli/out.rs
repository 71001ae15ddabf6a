//! The one way to standard output. Takes lines, JSON objects and tables; gives them to a pipe, a file
//! or a terminal. A reader who leaves early (`| head`) is no failure: the rest is dropped in silence
//! and the command ends with 0 after its work. Never lets a control character of somebody's mail
//! reach a terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

/// How wide a column may become when no terminal sets the width, in characters.
const CELL: usize = 120;

/// Where a command's data goes.
pub struct Out {
    sink: BufWriter<Box<dyn Write + Send>>,
    terminal: bool,
    closed: bool,
}

impl std::fmt::Debug for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<output, terminal {}, closed {}>", self.terminal, self.closed)
    }
}

impl Out {
    /// Standard output.
    pub fn stdout() -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Self { terminal, ..Self::to(stdout) }
    }
    /// Any other sink, taken for no terminal.
    pub fn to(sink: impl Write + Send + 'static) -> Self {
        Self { sink: BufWriter::new(Box::new(sink)), terminal: false, closed: false }
    }
    /// True once the reader has left: a command that only reads may stop.
    pub const fn closed(&self) -> bool {
        self.closed
    }
    /// True when a person looks on; progress and wrapped tables are for them alone.
    pub const fn terminal(&self) -> bool {
        self.terminal
    }

    /// Text and a line break. Line breaks within stay; other control characters do not.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        let text = text.to_string();
        self.put(harmless(&text).as_bytes())?;
        self.put(b"\n")?;
        if self.terminal { self.flush() } else { Ok(()) }
    }

    /// One object on one line.
    pub fn json(&mut self, object: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(object)?;
        line.push(b'\n');
        self.put(&line)?;
        if self.terminal { self.flush() } else { Ok(()) }
    }

    /// Octets as they are: an attachment, a revealed original.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes)
    }

    /// A header and its rows, columns two spaces apart. To a terminal it fits the width; elsewhere a
    /// row is a line, whatever its length, so that other programs can read it. Columns named in
    /// `numbers` stand to the right.
    pub fn table(&mut self, header: &[&str], numbers: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(header.to_vec());
        if self.terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        for row in rows {
            table.add_row(row.iter().map(|cell| one_line(cell)).collect::<Vec<_>>());
        }
        for (at, name) in header.iter().enumerate() {
            if let Some(column) = table.column_mut(at) {
                column.set_padding((0, 2));
                if numbers.contains(name) {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Hands over what waits in the buffer; needed before waiting for more input.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.sink.flush();
        self.bear(flushed)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let written = self.sink.write_all(bytes);
        self.bear(written)
    }

    fn bear(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

/// One line to standard error: what is no data. A closed standard error is borne.
pub fn note(text: impl Display) {
    let text = text.to_string();
    // Nobody is left to be told that nobody is left.
    let _ = writeln!(io::stderr().lock(), "{}", harmless(&text));
}

/// Without what a terminal would obey or what makes text look like other text: control characters
/// but line break and TAB, and the controls of writing direction (Unicode Bidi_Control).
fn harmless(text: &str) -> Cow<'_, str> {
    let bad = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(bad) { text.replace(bad, "\u{fffd}").into() } else { text.into() }
}

/// A cell: white space folded, at most [`CELL`] characters.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(CELL) {
        None => line,
        Some((end, _)) => format!("{}…", line.split_at_checked(end).map_or("", |(head, _)| head)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(write: impl FnOnce(&mut Out) -> io::Result<()>) -> String {
        let memory = Memory::default();
        let mut out = Out::to(memory.clone());
        write(&mut out).unwrap();
        out.flush().unwrap();
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_reader_who_leaves_is_no_failure() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut out = Out::to(writer);
        for _ in 0..10_000 {
            out.line("a line").unwrap();
        }
        out.flush().unwrap();
        assert!(out.closed());
        // Its twin: a reader who stays gets everything.
        assert_eq!(written(|out| out.line("a line")), "a line\n");
    }

    #[test]
    fn any_other_failure_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::from(ErrorKind::StorageFull))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut out = Out::to(Full);
        let result = out.line("x").and_then(|()| out.flush());
        assert_eq!(result.unwrap_err().kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn a_table_is_a_line_a_row() {
        let rows = vec![
            vec!["1".into(), "open".into(), "Viewer\nfails \u{1b}[31mnow".into()],
            vec!["12".into(), "pending".into(), String::new()],
            vec!["130".into(), "new".into(), "x".repeat(200)],
        ];
        let got = written(|out| out.table(&["#", "state", "subject"], &["#"], &rows));
        let lines: Vec<&str> = got.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], "  #  state    subject");
        assert_eq!(lines[1], "  1  open     Viewer fails \u{fffd}[31mnow");
        assert_eq!(lines[2], " 12  pending");
        assert!(lines[3].starts_with("130  new      xxx") && lines[3].ends_with('…'));
    }

    #[test]
    fn a_terminal_is_never_commanded_by_a_mail() {
        let got = written(|out| out.line("a\u{1b}]0;title\u{7}b\u{9b}2J\u{202e}c\n\td"));
        assert_eq!(got, "a\u{fffd}]0;title\u{fffd}b\u{fffd}2J\u{fffd}c\n\td\n");
    }

    #[test]
    fn an_object_is_a_line() {
        let got = written(|out| out.json(&serde_json::json!({"a": "x\ny"})));
        assert_eq!(got, "{\"a\":\"x\\ny\"}\n");
        assert_eq!(written(|out| out.bytes(&[65, 10, 66])), "A\nB");
    }
}
