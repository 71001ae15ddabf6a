//! A small help desk for the tests of the lessons: the whole application, opened in this process from
//! configuration files of its own. Mail comes by a pipe, from a directory or from Dovecot; what is
//! sent lies as files or in the sink.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use mailward::cli::office::Office;
use mailward::clock::{Clock, Random};
use mailward::domain::address::EmailAddress;
use mailward::domain::ids::{AccountName, TicketNumber};
use mailward::seal::KeyRing;
use mailward::store::{
    BalanceView, LedgerFilter, LedgerView, OutboxFilter, OutboxView, TicketFilter, TicketLine, TicketView,
};
use mailward::worker::Step;
use mailward::worker::ingest::Ended;
use tokio_util::sync::CancellationToken;

use super::harness::{Dovecot, PASSWORD, Scratch};

pub type Instant = DateTime<Utc>;

/// The server that says whom to believe.
const AUTHSERV: &str = "mx.desk.example";
/// The address of the support desk, of the breach desk, of a second support desk.
pub const HELP: &str = "help@desk.example";
pub const ALARM: &str = "alarm@desk.example";
pub const SALES: &str = "sales@desk.example";
/// A customer of a known organisation, and a colleague there.
pub const MARY: &str = "mary@clinic.example";
pub const TOM: &str = "tom@clinic.example";
/// Someone from elsewhere.
pub const EVE: &str = "eve@elsewhere.example";
/// The agent of the support desks.
pub const ANA: &str = "ana@team.example";

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// A Tuesday noon, within business hours.
pub fn noon() -> Instant {
    at("2025-05-13T12:00:00Z")
}

/// What a test wants to be different.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The support desk's address.
    pub address: String,
    pub store: String,
    pub smtp: String,
    pub governor: String,
    pub accounts: String,
    pub help: String,
    pub simulated: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            address: HELP.into(),
            store: "sqlite:store.db".into(),
            smtp: "kind = \"directory\"\npath = \"out\"\nreverse_path = \"null\"".into(),
            governor: "per_address_hour = 0\nper_address_day = 0\nper_mailbox_hour = 0".into(),
            accounts: format!("{}{}", account("support", "help", ""), account("breach", "alarm", "")),
            help: String::new(),
            simulated: true,
        }
    }
}

/// A directory as mailbox, named like its account.
pub fn account(name: &str, desk: &str, more: &str) -> String {
    let first_run = if more.contains("first_run") { "" } else { "first_run = \"live\"\n" };
    format!(
        "[[account]]\nname = \"{name}\"\nsource = \"directory\"\npath = \"{name}\"\ndesk = \"{desk}\"\n\
         after = \"none\"\n{first_run}{more}\n"
    )
}

/// A user of Dovecot as account.
pub fn imap_account(dovecot: &Dovecot, name: &str, desk: &str, more: &str) -> String {
    let port = dovecot.imap;
    let after = if more.contains("after") { "" } else { "after = \"none\"\n" };
    format!(
        "[[account]]\nname = \"{name}\"\nsource = \"imap\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n\
         user = \"{name}\"\npassword_file = \"password\"\ndesk = \"{desk}\"\n{after}{more}\n"
    )
}

/// The relay is a sink.
pub fn relay(port: u16, reverse_path: &str) -> String {
    format!(
        "kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nreverse_path = \"{reverse_path}\""
    )
}

/// The installation.
pub struct House {
    pub office: Office,
    pub scratch: Scratch,
    pub config: PathBuf,
}

impl House {
    /// Writes the configuration and opens the application at noon.
    pub async fn open(plan: &Plan) -> Self {
        let scratch = Scratch::new("lessons");
        let config = write(plan, &scratch);
        Self::reopen(scratch, config, plan.simulated.then(noon)).await
    }

    async fn reopen(scratch: Scratch, config: PathBuf, at: Option<Instant>) -> Self {
        let office = match Office::open(&config, at).await {
            Ok(office) => office,
            Err(stop) => panic!("{} {:?}", stop.message, stop.problems),
        };
        Self { office, scratch, config }
    }

    /// The same installation after a restart, perhaps later and under another plan.
    pub async fn restart(self, plan: &Plan, at: Instant) -> Self {
        let Self { office, scratch, config } = self;
        office.store.close().await;
        drop(office);
        write(plan, &scratch);
        Self::reopen(scratch, config, plan.simulated.then_some(at)).await
    }

    pub fn clock(&self) -> &Clock {
        &self.office.clock
    }

    /// Lets time pass.
    pub fn later(&self, minutes: i64) {
        self.clock().set(self.clock().now() + TimeDelta::minutes(minutes));
    }

    /// One mail for an account, as an MTA hands it over.
    pub async fn take_for(&self, account: &str, mail: &[u8]) -> Option<Ended> {
        let name = AccountName::parse(account).unwrap();
        let account = self.office.book.current().policy.accounts.get(&name).cloned().unwrap();
        self.office.ingest().take(&account, mail.to_vec(), self.clock().now()).await.unwrap()
    }

    /// One mail for the support account; it must not be known yet.
    pub async fn take(&self, mail: &Mail) -> Ended {
        self.take_for("support", &mail.bytes()).await.expect("these octets were taken before")
    }

    /// Puts a mail into a directory mailbox.
    pub fn drop_in(&self, account: &str, file: &str, mail: &[u8], at: Instant) {
        let folder = self.scratch.join(account);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{file}.eml"));
        fs::write(&path, mail).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(at.into()).unwrap();
    }

    /// All workers as `serve --until-idle` runs them.
    pub async fn serve(&self) {
        let workers = mailward::cli::serve::workers(&self.office).unwrap();
        let ended = mailward::serve::run(workers, CancellationToken::new(), true).await;
        assert_eq!(ended, mailward::serve::Ended::Well);
    }

    /// Everything due, then everything sendable.
    pub async fn sweep(&self) {
        let sweep = self.office.sweep();
        while sweep.step(None).await.unwrap().iter().any(|swept| swept.action != "looked") {}
        let outbox = mailward::cli::serve::outbox(&self.office).unwrap();
        while let Step::Did(_) = outbox.step().await.unwrap() {}
    }

    pub async fn outbox(&self) -> Vec<OutboxView> {
        self.office.store.outbox_list(&OutboxFilter::default(), true).await.unwrap()
    }

    /// Rows to customers: what the governor and the rules let through.
    pub async fn to_customers(&self) -> Vec<OutboxView> {
        let rows = self.outbox().await;
        rows.into_iter()
            .filter(|row| row.state != "suppressed" && !row.recipient.contains("@team.example"))
            .collect()
    }

    /// The one mail of a kind to someone, as it was sent into the directory.
    pub async fn mail(&self, kind: &str, to: &str) -> String {
        let rows = self.outbox().await;
        let row = rows.iter().rfind(|row| row.kind == kind && row.recipient == to);
        let row = row.unwrap_or_else(|| panic!("no {kind} to {to} among {rows:#?}"));
        fs::read_to_string(self.scratch.join("out").join(format!("{}.eml", row.id))).unwrap()
    }

    pub async fn ledger(&self) -> Vec<LedgerView> {
        self.office.store.ledger_list(&LedgerFilter::default()).await.unwrap()
    }

    pub async fn tickets(&self) -> Vec<TicketLine> {
        self.office.store.ticket_list(&TicketFilter::default(), true).await.unwrap()
    }

    pub async fn ticket(&self, number: i64) -> TicketView {
        let number = TicketNumber::new(number).unwrap();
        let shown = self.office.store.ticket_show(number, true, self.clock().now()).await.unwrap();
        shown.unwrap_or_else(|| panic!("no ticket {number}"))
    }

    /// The books: every line balances; gives the sums.
    pub async fn balance(&self) -> BalanceView {
        let mut sum = BalanceView::default();
        for line in self.office.store.ledger_balance(None).await.unwrap() {
            assert!(line.balanced, "{line:?}");
            sum.incoming += line.incoming;
            sum.tickets += line.tickets;
            sum.joined += line.joined;
            sum.recorded += line.recorded;
            sum.ignored += line.ignored;
            sum.held += line.held;
            sum.quarantined += line.quarantined;
            sum.unfetchable += line.unfetchable;
            sum.erased += line.erased;
            sum.stored += line.stored;
        }
        sum
    }

    async fn connection(&self) -> sqlx::SqliteConnection {
        use sqlx::Connection as _;
        let url = format!("sqlite:{}", self.scratch.join("store.db").display());
        sqlx::SqliteConnection::connect(&url).await.unwrap()
    }

    /// Runs SQL behind the application's back.
    pub async fn sql(&self, sql: &str) {
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
        sql.execute(&mut self.connection().await).await.unwrap();
    }

    /// How many rows of a table fulfil a condition.
    pub async fn count(&self, rows: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {rows}"));
        sqlx::query_scalar(sql).fetch_one(&mut self.connection().await).await.unwrap()
    }
}

/// Writes the configuration of a plan; keys and password only where they are missing.
pub fn write(plan: &Plan, scratch: &Scratch) -> PathBuf {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config");
    let keys = scratch.join("keys.toml");
    if !keys.exists() {
        fs::write(&keys, KeyRing::generate(&Random::System).unwrap().as_bytes()).unwrap();
        fs::write(scratch.join("password"), PASSWORD).unwrap();
    }
    let desks = scratch.join("desks");
    fs::create_dir_all(&desks).unwrap();
    for account in ["support", "breach", "sales"] {
        fs::create_dir_all(scratch.join(account)).unwrap();
    }
    let desk = |name: &str, class: &str, address: &str, more: &str| {
        let text = format!(
            "name = \"{name}\"\nclass = \"{class}\"\naddress = \"{address}\"\nfrom_name = \"The {name} desk\"\n\
             languages = [\"en\", \"es\", \"pt\", \"it\"]\ncalendar = \"us-federal\"\n\
             categories = [\"incident\", \"request\", \"breach\"]\n{more}\n"
        );
        fs::write(desks.join(format!("{name}.toml")), text).unwrap();
    };
    desk("help", "support", &plan.address, &plan.help);
    desk("sales", "support", SALES, "");
    desk("alarm", "breach", ALARM, "");
    let directory = "[[organisation]]\nname = \"clinic\"\ndomains = [\"clinic.example\"]\n\
         [[agent]]\nname = \"ana\"\ndisplay_name = \"Ana\"\naddress = \"ana@team.example\"\n\
         desks = [\"help\", \"sales\"]\nlanguages = [\"en\"]\n\
         [[agent]]\nname = \"carla\"\ndisplay_name = \"Security\"\naddress = \"carla@team.example\"\n\
         desks = [\"alarm\"]\nlanguages = [\"en\"]\n";
    fs::write(scratch.join("directory.toml"), directory).unwrap();
    let Plan { store, smtp, governor, accounts, simulated, .. } = plan;
    let main = format!(
        "[store]\nurl = \"{store}\"\n[keys]\nfile = \"keys.toml\"\n[clock]\nsimulated = {simulated}\n\
         [smtp]\n{smtp}\n[governor]\n{governor}\n[auth]\nkind = \"rfc8601\"\nauthserv_ids = [\"{AUTHSERV}\"]\n\
         [paths]\ndesks = \"desks\"\ncalendars = \"{shipped}/calendars\"\ndirectory = \"directory.toml\"\n{accounts}"
    );
    let config = scratch.join("mailward.toml");
    fs::write(&config, main).unwrap();
    config
}

/// What the account's own server found out about the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Pass,
    None,
    Fail,
}

/// A mail of the tests.
#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    pub name: String,
    pub to: String,
    pub subject: String,
    pub id: Option<String>,
    pub proof: Proof,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Mail {
    /// A person writes to the support desk; proven, with a Message-ID of its own.
    pub fn new(from: &str, subject: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let domain = EmailAddress::parse(from).unwrap().domain().to_owned();
        Self {
            from: from.into(),
            name: String::new(),
            to: HELP.into(),
            subject: subject.into(),
            id: Some(format!("m{number}@{domain}")),
            proof: Proof::Pass,
            headers: Vec::new(),
            body: format!("Good morning, please have a look at matter {number}."),
        }
    }
    pub fn to(mut self, to: &str) -> Self {
        self.to = to.into();
        self
    }
    pub fn proof(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }
    pub fn id(mut self, id: Option<&str>) -> Self {
        self.id = id.map(str::to_owned);
        self
    }
    pub fn body(mut self, body: &str) -> Self {
        self.body = body.into();
        self
    }
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
    /// As an answer to this Message-ID.
    pub fn answers(self, id: &str) -> Self {
        self.header("In-Reply-To", &format!("<{id}>")).header("References", &format!("<{id}>"))
    }

    pub fn bytes(&self) -> Vec<u8> {
        let domain = self.from.rsplit_once('@').unwrap().1;
        let result = match self.proof {
            Proof::Pass => format!("dmarc=pass (p=reject) header.from={domain}"),
            Proof::None => "dmarc=none".to_owned(),
            Proof::Fail => format!("dmarc=fail (p=reject) header.from={domain}"),
        };
        let mut lines = Vec::new();
        if !self.headers.iter().any(|(name, _)| name == "Return-Path") {
            lines.push(format!("Return-Path: <{}>", self.from));
        }
        lines.push(format!("Authentication-Results: {AUTHSERV}; {result}"));
        let from =
            if self.name.is_empty() { self.from.clone() } else { format!("{} <{}>", self.name, self.from) };
        lines.push(format!("From: {from}"));
        lines.push(format!("To: {}", self.to));
        lines.push(format!("Subject: {}", self.subject));
        lines.push("Date: Tue, 13 May 2025 11:59:00 +0000".to_owned());
        lines.extend(self.id.iter().map(|id| format!("Message-ID: <{id}>")));
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if !self.headers.iter().any(|(name, _)| name == "Content-Type") {
            lines.push("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8".to_owned());
        }
        format!("{}\r\n\r\n{}\r\n", lines.join("\r\n"), self.body.replace('\n', "\r\n")).into_bytes()
    }
}

/// The value of a header in a mail that was sent, unfolded.
pub fn header(mail: &str, name: &str) -> Option<String> {
    let head = mail.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
    let prefix = format!("{}:", name.to_lowercase());
    let line = head.lines().find(|line| line.to_lowercase().starts_with(&prefix))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The bare address of a header.
pub fn address_in(value: &str) -> String {
    let bare = value.rsplit_once('<').map_or(value, |(_, rest)| rest);
    bare.trim().trim_end_matches('>').to_owned()
}
