//! The demo's world outside the gateway: mailboxes as folders, people who answer what they got. It
//! drives the same steps as `serve`.

use std::path::{Path, PathBuf};

use mail_parser::MessageParser;

use crate::clock::Clock;
use crate::domain::message::Instant;
use crate::imap::Limits;
use crate::store::OutboxFilter;
use crate::worker::Step;
use crate::worker::ingest::files::FileReader;
use crate::worker::outbox::OutboxWorker;
use crate::worker::sweep::Sweep;

use super::super::exit::{Exit, Stop};
use super::super::office::Office;
use super::AUTHSERV;
use super::script::{Event, What};

/// The workers and the folders.
pub struct Mailroom {
    readers: Vec<FileReader>,
    sweep: Sweep,
    outbox: OutboxWorker,
    clock: Clock,
    store: crate::store::Store,
    mailboxes: PathBuf,
    sent: PathBuf,
    answers: u32,
}

impl Mailroom {
    /// Workers for every account of the office.
    pub fn new(office: &Office, dir: &Path) -> Result<Self, Stop> {
        let accounts = office.book.current().policy.accounts.keys().cloned().collect::<Vec<_>>();
        let readers = accounts
            .into_iter()
            .map(|account| FileReader::new(office.ingest(), account, Limits::default()))
            .collect();
        Ok(Self {
            readers,
            sweep: office.sweep(),
            outbox: super::super::serve::outbox(office)?,
            clock: office.clock.clone(),
            store: office.store.clone(),
            mailboxes: dir.join("mailbox"),
            sent: dir.join("sent"),
            answers: 0,
        })
    }

    /// Moves the clock, lets it happen, and works until nothing is left to do.
    pub async fn play(&mut self, event: &Event) -> Result<(), Stop> {
        self.clock.set(event.at);
        match &event.what {
            What::Arrives { desk, file, eml } => drop_in(&self.mailboxes.join(desk), file, (eml, event.at))?,
            What::Answers { who, kind, ticket, words } => {
                self.answer((who, kind, *ticket), words, event.at).await?;
            }
            What::Passes => {}
        }
        self.settle().await
    }

    async fn settle(&mut self) -> Result<(), Stop> {
        loop {
            let mut busy = false;
            for reader in &mut self.readers {
                busy |= reader.step().await? != Step::Idle;
            }
            busy |= self.sweep.step(None).await?.iter().any(|swept| swept.action != "looked");
            busy |= self.outbox.step().await? != Step::Idle;
            if !busy {
                return Ok(());
            }
        }
    }

    /// The file of an outbox row.
    pub fn file(&self, id: &str) -> PathBuf {
        self.sent.join(format!("{id}.eml"))
    }

    /// Answers the newest mail of that kind to that person, to its Reply-To, quoting all of it.
    async fn answer(
        &mut self,
        (who, kind, ticket): (&str, &str, i64),
        words: &str,
        at: Instant,
    ) -> Result<(), Stop> {
        let filter = OutboxFilter { limit: 1000, ..OutboxFilter::default() };
        let rows = self.store.outbox_list(&filter, false).await?;
        let theirs = |bytes: &[u8]| {
            let parsed = MessageParser::default().parse(bytes)?;
            let to = parsed.to()?.first()?.address()?.eq_ignore_ascii_case(who);
            to.then(|| reply(&parsed, (who, words), at))?
        };
        let found = rows
            .iter()
            .filter(|row| row.kind == kind && row.ticket == Some(ticket))
            .filter_map(|row| Some((row.created_at, std::fs::read(self.file(&row.id)).ok()?)))
            .filter_map(|(when, bytes)| Some((when, theirs(&bytes)?)))
            .max_by_key(|(when, _)| *when);
        let Some((_, (desk, eml))) = found else {
            return Err(Stop::new(Exit::Defect, format!("the demo's {who} got no mail of kind {kind}")));
        };
        self.answers += 1;
        let mailbox = self.mailbox_of(&desk)?;
        drop_in(&mailbox, &format!("answer-{:02}.eml", self.answers), (&eml, at))
    }

    /// The mailbox of the desk whose address this is.
    fn mailbox_of(&self, address: &str) -> Result<PathBuf, Stop> {
        let address = crate::domain::address::EmailAddress::parse(address)
            .map_err(|_| Stop::new(Exit::Defect, "a Reply-To of ours is no address"))?;
        let rules = self.sweep.book.current();
        let desk = rules.policy.desks.values().find(|desk| desk.owns(&address));
        let desk = desk.ok_or_else(|| Stop::new(Exit::Defect, "a Reply-To of ours names no desk"))?;
        Ok(self.mailboxes.join(desk.name.as_str()))
    }
}

/// Reply-To and the whole mail of an answer, as a client would write it.
fn reply(
    ours: &mail_parser::Message<'_>,
    (who, words): (&str, &str),
    at: Instant,
) -> Option<(String, String)> {
    let to = ours.reply_to().or_else(|| ours.from())?.first()?.address()?.to_owned();
    let id = ours.message_id()?;
    let subject = ours.subject().unwrap_or_default();
    let subject = if subject.starts_with("Re: ") { subject.to_owned() } else { format!("Re: {subject}") };
    let body = ours.body_text(0).unwrap_or_default();
    let quoted: Vec<String> = body.lines().map(|line| format!("> {line}")).collect();
    let date = at.to_rfc2822();
    let domain = who.rsplit_once('@').map_or("example", |(_, domain)| domain);
    let stamp = at.timestamp();
    let eml = format!(
        "Return-Path: <{who}>\r\n\
         Authentication-Results: {AUTHSERV}; dmarc=pass (p=reject) header.from={domain}\r\n\
         From: {who}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {date}\r\n\
         Message-ID: <{stamp}@{domain}>\r\nIn-Reply-To: <{id}>\r\nReferences: <{id}>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         {}\r\n\r\nOn {date}, {to} wrote:\r\n{}\r\n",
        words.replace('\n', "\r\n"),
        quoted.join("\r\n"),
    );
    Some((to, eml))
}

/// Writes a mail into a mailbox; its arrival is the demo's instant.
fn drop_in(mailbox: &Path, file: &str, (eml, at): (&str, Instant)) -> Result<(), Stop> {
    let path = mailbox.join(file);
    std::fs::write(&path, eml)?;
    let file = std::fs::File::options().write(true).open(&path)?;
    Ok(file.set_modified(at.into())?)
}
