//! Plain clients over a socket: the other mail program that opens the mailbox, the MTA that delivers
//! by LMTP, the customer who sends by SMTP. Nothing of the product is used here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// An IMAP client that shows what the server says.
#[derive(Debug)]
pub struct ImapClient {
    stream: BufReader<TcpStream>,
    next: u32,
}

impl ImapClient {
    pub fn login(port: u16, user: &str, password: &str) -> Self {
        let stream = connect(port);
        let mut client = Self { stream: BufReader::new(stream), next: 1 };
        client.line();
        let password = password.replace('\\', "\\\\").replace('"', "\\\"");
        client.ok(&format!("LOGIN {user} \"{password}\""));
        client
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        assert!(!line.is_empty(), "the server closed the connection");
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// Sends a command and gives all lines of the answer, the tagged one last; literals stand as
    /// lines of their own.
    pub fn command(&mut self, command: &str) -> Vec<String> {
        let tag = format!("c{}", self.next);
        self.next += 1;
        write!(self.stream.get_mut(), "{tag} {command}\r\n").unwrap();
        self.answer(&tag)
    }

    fn answer(&mut self, tag: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            let literal = line.strip_suffix('}').and_then(|l| l.rsplit_once('{')?.1.parse::<usize>().ok());
            let done = line.starts_with(&format!("{tag} "));
            lines.push(line);
            if let Some(length) = literal {
                let mut bytes = vec![0; length];
                self.stream.read_exact(&mut bytes).unwrap();
                lines.push(String::from_utf8_lossy(&bytes).into_owned());
            }
            if done {
                return lines;
            }
        }
    }

    /// The same, and the command must succeed.
    pub fn ok(&mut self, command: &str) -> Vec<String> {
        let lines = self.command(command);
        let last = lines.last().unwrap();
        assert!(last.contains(" OK"), "{command}: {last}");
        lines
    }

    pub fn append(&mut self, folder: &str, mail: &[u8], date: &str) {
        let tag = format!("c{}", self.next);
        self.next += 1;
        write!(self.stream.get_mut(), "{tag} APPEND \"{folder}\" () \"{date}\" {{{}}}\r\n", mail.len())
            .unwrap();
        assert!(self.line().starts_with('+'));
        self.stream.get_mut().write_all(mail).unwrap();
        self.stream.get_mut().write_all(b"\r\n").unwrap();
        assert!(self.answer(&tag).last().unwrap().contains(" OK"));
    }

    /// The subjects in a folder, in UID order.
    pub fn subjects(&mut self, folder: &str) -> Vec<String> {
        self.ok(&format!("SELECT \"{folder}\""));
        let lines = self.ok("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
        lines.iter().filter_map(|line| Some(line.strip_prefix("Subject: ")?.trim().to_owned())).collect()
    }

    /// The flags in a folder, in UID order.
    pub fn flags(&mut self, folder: &str) -> Vec<String> {
        self.ok(&format!("SELECT \"{folder}\""));
        let lines = self.ok("UID FETCH 1:* (FLAGS)");
        let flags = lines.iter().filter_map(|line| line.split_once("FLAGS (")?.1.split_once(')'));
        flags.map(|(flags, _)| flags.replace("\\Recent", "").trim().to_owned()).collect()
    }
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Delivers one mail by LMTP (RFC 2033).
pub fn lmtp_deliver(port: u16, user: &str, mail: &[u8]) {
    let replies = converse(port, "LHLO", "customer@example.org", &format!("{user}@example.net"), mail);
    assert!(replies.last().unwrap().starts_with("250"), "{replies:?}");
}

/// Sends one mail by SMTP; gives the server's last reply.
pub fn smtp_send(port: u16, from: &str, to: &str, mail: &[u8]) -> String {
    converse(port, "EHLO", from, to, mail).pop().unwrap()
}

fn converse(port: u16, hello: &str, from: &str, to: &str, mail: &[u8]) -> Vec<String> {
    let mut stream = BufReader::new(connect(port));
    let mut replies = vec![reply(&mut stream)];
    for command in [
        format!("{hello} harness.example.org"),
        format!("MAIL FROM:<{from}>"),
        format!("RCPT TO:<{to}>"),
        "DATA".to_owned(),
    ] {
        write!(stream.get_mut(), "{command}\r\n").unwrap();
        replies.push(reply(&mut stream));
        if replies.last().is_some_and(|reply| reply.starts_with(['4', '5'])) {
            return replies;
        }
    }
    let text = String::from_utf8_lossy(mail).replace("\r\n", "\n");
    for line in text.lines() {
        let dot = if line.starts_with('.') { "." } else { "" };
        write!(stream.get_mut(), "{dot}{line}\r\n").unwrap();
    }
    write!(stream.get_mut(), ".\r\n").unwrap();
    replies.push(reply(&mut stream));
    replies
}

fn reply(stream: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        assert!(line.len() > 3, "the server closed the connection");
        if line.as_bytes().get(3) != Some(&b'-') {
            return line.trim_end().to_owned();
        }
    }
}
