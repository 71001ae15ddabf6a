//! An IMAP server that follows a script: for everything that Dovecot never does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The running server; each connection gets its own run of the script.
#[derive(Debug)]
pub struct Scripted {
    pub port: u16,
    connections: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Scripted {
    pub fn start(script: impl Fn(&mut Conversation) -> Option<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let script = Arc::new(script);
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&connections));
        let listener = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                std::thread::spawn(move || script(&mut Conversation::new(stream, number)));
            }
        });
        Self { port, connections, stop, listener: Some(listener) }
    }

    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

/// One connection from the server's side. Every step gives `None` once the client is gone.
#[derive(Debug)]
pub struct Conversation {
    stream: BufReader<TcpStream>,
    /// Which connection this is, from 0.
    pub number: u32,
    /// The tag of the command at hand.
    pub tag: String,
    /// What CAPABILITY answers.
    pub abilities: &'static str,
    /// The untagged lines of SELECT.
    pub folder: String,
}

impl Conversation {
    fn new(stream: TcpStream, number: u32) -> Self {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
        Self {
            stream: BufReader::new(stream),
            number,
            tag: String::new(),
            abilities: "IMAP4rev1 IDLE MOVE UIDPLUS",
            folder: folder_lines(7, 4, 3),
        }
    }

    /// Sends lines as they are, each with CRLF.
    pub fn say(&mut self, lines: &str) -> Option<()> {
        for line in lines.lines() {
            self.raw(format!("{line}\r\n").as_bytes())?;
        }
        Some(())
    }

    pub fn raw(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.get_mut().write_all(bytes).ok()
    }

    /// Answers the command at hand.
    pub fn done(&mut self, answer: &str) -> Option<()> {
        self.say(&format!("{} {answer}", self.tag))
    }

    /// The next line, without a tag, for instance DONE.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.stream.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
    }

    /// Answers everything politely until a command that begins with `word`; gives that command.
    pub fn until(&mut self, word: &str) -> Option<String> {
        loop {
            let line = self.line()?;
            let (tag, command) = line.split_once(' ')?;
            self.tag = tag.to_owned();
            if command.starts_with(word) {
                return Some(command.to_owned());
            }
            match command.split(' ').next()? {
                "CAPABILITY" => self.say(&format!("* CAPABILITY {}", self.abilities))?,
                "SELECT" => self.say(&self.folder.clone())?,
                "LOGOUT" => self.say("* BYE till next time")?,
                _ => {}
            }
            self.done("OK done")?;
        }
    }

    /// Greeting, login, abilities and SELECT, up to the first command that begins with `word`.
    pub fn begin(&mut self, word: &str) -> Option<String> {
        self.say("* OK scripted")?;
        self.until(word)
    }

    /// Answers a FETCH of sizes: every UID with the same size.
    pub fn sizes(&mut self, uids: &[u32], size: u32) -> Option<()> {
        self.begin("UID FETCH")?;
        self.told(uids, size)
    }

    pub fn told(&mut self, uids: &[u32], size: u32) -> Option<()> {
        for uid in uids {
            self.say(&format!(
                "* {uid} FETCH (UID {uid} RFC822.SIZE {size} INTERNALDATE \"05-Nov-2026 06:08:09 +0000\")"
            ))?;
        }
        self.done("OK done")
    }

    /// One mail of a FETCH.
    pub fn mail(&mut self, uid: u32, body: &str) -> Option<()> {
        let head = format!("* {uid} FETCH (UID {uid} BODY[]<0> {{{}}}\r\n{body})\r\n", body.len());
        self.raw(head.as_bytes())
    }

    /// Says nothing more and keeps the connection until the client gives up.
    pub fn fall_silent(&mut self) -> Option<()> {
        while self.line().is_some() {}
        None
    }
}

/// The untagged lines of a SELECT.
pub fn folder_lines(uidvalidity: u32, uidnext: u32, exists: u32) -> String {
    format!(
        "* {exists} EXISTS\n* OK [UIDVALIDITY {uidvalidity}] .\n* OK [UIDNEXT {uidnext}] .\n\
         * OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] ."
    )
}
