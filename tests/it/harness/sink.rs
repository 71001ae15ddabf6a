//! An SMTP server that swallows mail: records what it accepts and can be told to refuse, to wait, or
//! to hang up. It stands for the relay, and behind Postfix for the whole outside world.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// A mail that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SunkMail {
    /// MAIL FROM without brackets; empty for the null reverse-path.
    pub from: String,
    /// What stood behind it: BODY=, SMTPUTF8.
    pub parameters: String,
    pub to: Vec<String>,
    /// The mail, dots unstuffed, as it was on the wire.
    pub bytes: Vec<u8>,
    /// Over which session it came, from 0.
    pub session: u32,
}

impl SunkMail {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Where a rule takes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Greeting,
    Auth,
    Mail,
    Recipient,
    Data,
    Content,
}

#[derive(Debug, Clone)]
enum Act {
    Reply(String),
    Wait(Duration),
    HangUp,
}

#[derive(Debug, Clone)]
struct Rule {
    at: At,
    containing: String,
    act: Act,
    left: u32,
}

#[derive(Debug, Default)]
struct State {
    mails: Mutex<Vec<SunkMail>>,
    commands: Mutex<Vec<String>>,
    rules: Mutex<Vec<Rule>>,
    sessions: AtomicU32,
    open: AtomicU32,
    most: AtomicU32,
    stop: AtomicBool,
    extensions: Mutex<Vec<String>>,
}

/// The running sink.
#[derive(Debug)]
pub struct Sink {
    pub port: u16,
    state: Arc<State>,
    listener: Option<JoinHandle<()>>,
}

impl Sink {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        *state.extensions.lock().unwrap() =
            ["8BITMIME", "SMTPUTF8", "PIPELINING"].map(str::to_owned).to_vec();
        let shared = Arc::clone(&state);
        let listener = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let number = state.sessions.fetch_add(1, Ordering::SeqCst);
                    let open = state.open.fetch_add(1, Ordering::SeqCst) + 1;
                    state.most.fetch_max(open, Ordering::SeqCst);
                    let _ = Talk::new(stream, number, &state).run();
                    state.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, state, listener: Some(listener) }
    }

    pub fn mails(&self) -> Vec<SunkMail> {
        self.state.mails.lock().unwrap().clone()
    }

    /// The mails to one address.
    pub fn mails_to(&self, address: &str) -> Vec<SunkMail> {
        self.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == address)).collect()
    }

    /// Every command line, without the mails themselves.
    pub fn commands(&self) -> Vec<String> {
        self.state.commands.lock().unwrap().clone()
    }

    /// How many sessions there were, and how many at once at most.
    pub fn sessions(&self) -> (u32, u32) {
        (self.state.sessions.load(Ordering::SeqCst), self.state.most.load(Ordering::SeqCst))
    }

    /// What EHLO offers.
    pub fn offer(&self, extensions: &[&str]) {
        *self.state.extensions.lock().unwrap() = extensions.iter().map(|&e| e.to_owned()).collect();
    }

    fn rule(&self, at: At, containing: &str, act: Act, times: u32) {
        self.rules().push(Rule { at, containing: containing.to_owned(), act, left: times });
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.state.rules.lock().unwrap()
    }

    /// Answers every such command (or content) that contains the word with this reply.
    pub fn answer(&self, at: At, containing: &str, reply: &str) {
        self.rule(at, containing, Act::Reply(reply.to_owned()), u32::MAX);
    }

    pub fn answer_times(&self, at: At, containing: &str, reply: &str, times: u32) {
        self.rule(at, containing, Act::Reply(reply.to_owned()), times);
    }

    /// Waits before the answer.
    pub fn delay(&self, at: At, wait: Duration) {
        self.rule(at, "", Act::Wait(wait), u32::MAX);
    }

    /// Closes the connection instead of the answer.
    pub fn hang_up(&self, at: At, times: u32) {
        self.rule(at, "", Act::HangUp, times);
    }

    /// Forgets all rules: the world is well again.
    pub fn recover(&self) {
        self.rules().clear();
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

struct Talk<'a> {
    stream: BufReader<TcpStream>,
    number: u32,
    state: &'a State,
    from: String,
    parameters: String,
    to: Vec<String>,
}

impl<'a> Talk<'a> {
    fn new(stream: TcpStream, number: u32, state: &'a State) -> Self {
        let _ = stream.set_nodelay(true);
        let stream = BufReader::new(stream);
        Self { stream, number, state, from: String::new(), parameters: String::new(), to: Vec::new() }
    }

    fn say(&mut self, reply: &str) -> Option<()> {
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).ok()
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        (self.stream.read_until(b'\n', &mut line).ok()? > 0).then_some(line)
    }

    /// What the rules say here: `Some(true)` answered by a rule, `Some(false)` no rule.
    fn ruled(&mut self, at: At, text: &str) -> Option<bool> {
        let mut acts = Vec::new();
        for rule in self.state.rules.lock().unwrap().iter_mut() {
            if rule.at == at && rule.left > 0 && text.contains(&rule.containing) {
                rule.left = rule.left.saturating_sub(u32::from(rule.left != u32::MAX));
                acts.push(rule.act.clone());
            }
        }
        for act in acts {
            match act {
                Act::Wait(wait) => std::thread::sleep(wait),
                Act::HangUp => return None,
                Act::Reply(reply) => {
                    self.say(&reply)?;
                    return (!reply.starts_with("421")).then_some(true);
                }
            }
        }
        Some(false)
    }

    fn run(mut self) -> Option<()> {
        if self.ruled(At::Greeting, "")? {
            return None;
        }
        self.say("220 sink.example.org ESMTP")?;
        loop {
            let line = String::from_utf8_lossy(&self.line()?).trim_end().to_owned();
            self.state.commands.lock().unwrap().push(line.clone());
            let verb = line.split([' ', ':']).next()?.to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" | "LHLO" | "HELO" => {
                    let extensions = self.state.extensions.lock().unwrap().clone();
                    for extension in extensions {
                        self.say(&format!("250-{extension}"))?;
                    }
                    self.say("250 sink.example.org")?;
                }
                "AUTH" if !self.ruled(At::Auth, &line)? => self.say("235 2.7.0 ok")?,
                "MAIL" if !self.ruled(At::Mail, &line)? => {
                    let (from, rest) = line.split_once('<')?.1.split_once('>')?;
                    (self.from, self.parameters) = (from.to_owned(), rest.trim().to_owned());
                    self.to.clear();
                    self.say("250 2.1.0 Ok")?;
                }
                "RCPT" if !self.ruled(At::Recipient, &line)? => {
                    self.to.push(line.split_once('<')?.1.split_once('>')?.0.to_owned());
                    self.say("250 2.1.5 Ok")?;
                }
                // RFC 2920 3.1: a client that pipelines sends DATA though every recipient was refused.
                "DATA" if self.to.is_empty() => self.say("554 5.5.1 no valid recipients")?,
                "DATA" if !self.ruled(At::Data, &line)? => self.content()?,
                "AUTH" | "MAIL" | "RCPT" | "DATA" => {}
                "QUIT" => return self.say("221 2.0.0 Bye"),
                _ => self.say("250 2.0.0 Ok")?,
            }
        }
    }

    fn content(&mut self) -> Option<()> {
        self.say("354 go ahead")?;
        let mut bytes = Vec::new();
        loop {
            let line = self.line()?;
            if line == b".\r\n" {
                break;
            }
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if self.ruled(At::Content, &text)? {
            return Some(());
        }
        let mail = SunkMail {
            from: self.from.clone(),
            parameters: self.parameters.clone(),
            to: std::mem::take(&mut self.to),
            bytes,
            session: self.number,
        };
        let number = {
            let mut mails = self.state.mails.lock().unwrap();
            mails.push(mail);
            mails.len()
        };
        self.say(&format!("250 2.0.0 Ok: queued as SINK{number:06}"))
    }
}
