//! Accounts, relay, store and keys of the main file -> domain, with the checks that need no server.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::Reader;
use super::tables::{
    AccountTable, AfterWord, AuthKind, AuthTable, CarrierWord, FirstRunWord, FolderEntry, GovernorTable,
    KeysTable, MainFile, ReversePathWord, SmtpKind, SmtpTable, SourceWord, SubaddressWord, TlsWord,
};
use crate::domain::account::{
    Account, After, AuthEvidence, FirstRun, FolderRule, ImapServer, Relay, ReversePathPolicy, Secret, Source,
    Tls, TokenCarrier, Transport,
};
use crate::domain::address::EmailAddress;
use crate::domain::desk::Desk;
use crate::domain::ids::{AccountName, DeskName, FolderName};
use crate::domain::policy::Governor;

/// Desks by name.
pub type Desks = BTreeMap<DeskName, Arc<Desk>>;

/// The desks, and the names of those whose files have problems of their own: references to them are
/// not reported again.
#[derive(Debug, Default)]
pub struct KnownDesks {
    /// Those that are valid.
    pub valid: Desks,
    /// Names and file names of all.
    pub declared: BTreeSet<String>,
}

impl KnownDesks {
    /// A desk by name; an unknown one is a problem.
    pub fn find(&self, reader: &mut Reader<'_>, path: &str, text: &str) -> Option<DeskName> {
        let found = self.valid.keys().find(|name| name.as_str() == text).cloned();
        if found.is_some() || self.declared.contains(text) {
            return found;
        }
        let names: Vec<&str> = self.valid.keys().map(DeskName::as_str).collect();
        reader.known(path, ("desk", text), None, &names)
    }
}

/// Every account; names are unique.
pub fn read_all(reader: &mut Reader<'_>, main: &MainFile, desks: &KnownDesks, base: &Path) -> Vec<Account> {
    let mut accounts: Vec<Account> = Vec::new();
    for (number, table) in main.account.iter().enumerate() {
        let path = format!("account/{number}");
        let auth = table.auth.as_ref().or(main.auth.as_ref());
        let auth_path = if table.auth.is_some() { format!("{path}/auth") } else { "auth".to_owned() };
        let evidence = auth.map_or(AuthEvidence::None, |auth| evidence(reader, &auth_path, auth));
        if auth.is_none() {
            let help = "without `[auth]` every sender counts as unproven, and no agent can act by mail";
            reader.warn(&path, "no_auth", "no evidence about senders is configured", help);
        }
        let Some(mut account) = account(reader, &path, table, desks, base) else { continue };
        account.auth = evidence;
        if accounts.iter().any(|other| other.name == account.name) {
            let message = format!("there are two accounts `{}`", account.name);
            reader.fail(&format!("{path}/name"), "duplicate", message, "");
        }
        if let Some(other) = accounts.iter().find(|other| same_mail(other, &account)) {
            let message = format!("the accounts `{}` and `{}` read the same mail", other.name, account.name);
            let help = "every mail would become two tickets: keep one of them, and lead by its `routes`";
            reader.fail(&path, "duplicate", message, help);
        }
        accounts.push(account);
    }
    accounts
}

fn same_mail(one: &Account, other: &Account) -> bool {
    match (&one.source, &other.source) {
        (Source::Imap(a), Source::Imap(b)) => {
            let folder = |rule: &FolderRule| other.folders.iter().any(|there| there.name == rule.name);
            (&a.host, a.port, &a.user) == (&b.host, b.port, &b.user) && one.folders.iter().any(folder)
        }
        (one, other) => one == other,
    }
}

fn account(
    reader: &mut Reader<'_>,
    path: &str,
    table: &AccountTable,
    desks: &KnownDesks,
    base: &Path,
) -> Option<Account> {
    let name = reader.parsed(&format!("{path}/name"), &table.name, AccountName::parse(&table.name));
    let source = source(reader, path, table, base);
    let desk = desks.find(reader, &format!("{path}/desk"), &table.desk);
    let mut routes = Vec::new();
    for (address, to) in &table.routes {
        let place = format!("{path}/routes/{address}");
        let parsed = reader.parsed(&format!("{place}/="), address, EmailAddress::parse(address));
        if let (Some(address), Some(desk)) = (parsed, desks.find(reader, &place, to)) {
            routes.push((address, desk));
        }
    }
    let folders = folders(reader, path, table);
    let after = after(reader, path, table, &folders);
    let subaddress = match table.subaddress {
        None | Some(SubaddressWord::Plus) => Some('+'),
        Some(SubaddressWord::Minus) => Some('-'),
        Some(SubaddressWord::None) => None,
    };
    let token_carrier = match table.token_carrier {
        None if subaddress.is_none() => TokenCarrier::ReferencesOnly,
        None | Some(CarrierWord::Plus) => TokenCarrier::Plus,
        Some(CarrierWord::Catchall) => TokenCarrier::Catchall,
        Some(CarrierWord::ReferencesOnly) => TokenCarrier::ReferencesOnly,
    };
    if token_carrier == TokenCarrier::Plus && subaddress.is_none() {
        let help = "set `token_carrier = \"references-only\"`, or the separator the server knows";
        let message = "tokens cannot travel in sub-addresses that the server does not know";
        reader.fail(&format!("{path}/token_carrier"), "contradiction", message, help);
    }
    Some(Account {
        name: name?,
        source: source?,
        folders,
        routes,
        desk: desk?,
        after: after?,
        first_run: match table.first_run {
            None | Some(FirstRunWord::History) => FirstRun::History,
            Some(FirstRunWord::Live) => FirstRun::Live,
        },
        token_carrier,
        subaddress,
        sent: table
            .sent
            .as_ref()
            .and_then(|name| reader.parsed(&format!("{path}/sent"), name, FolderName::parse(name))),
        auth: AuthEvidence::None,
    })
}

fn source(reader: &mut Reader<'_>, path: &str, table: &AccountTable, base: &Path) -> Option<Source> {
    if table.source != SourceWord::Imap {
        let Some(directory) = &table.path else {
            reader.fail(path, "missing_key", "the key `path` is missing", "where the mail lies");
            return None;
        };
        let directory = base.join(directory);
        return Some(match table.source {
            SourceWord::Maildir => Source::Maildir(directory),
            _ => Source::Directory(directory),
        });
    }
    let tls = tls(table.tls);
    let host = needed(reader, path, "host", table.host.as_ref());
    let user = needed(reader, path, "user", table.user.as_ref());
    let password = secret(reader, path, (table.password_env.as_ref(), table.password_file.as_ref()), base);
    if password == Secret::None {
        reader.fail(
            path,
            "missing_key",
            "the account has no password",
            "give `password_env` or `password_file`",
        );
    }
    let host = host?;
    plain_only_to_loopback(reader, path, &host, tls);
    let port = table.port.unwrap_or(if tls == Tls::Tls { 993 } else { 143 });
    Some(Source::Imap(ImapServer { host, port, tls, user: user?, password }))
}

const fn tls(word: Option<TlsWord>) -> Tls {
    match word {
        None | Some(TlsWord::Tls) => Tls::Tls,
        Some(TlsWord::Starttls) => Tls::Starttls,
        Some(TlsWord::None) => Tls::None,
    }
}

fn needed(reader: &mut Reader<'_>, path: &str, key: &str, value: Option<&String>) -> Option<String> {
    if value.is_none_or(|text| text.trim().is_empty()) {
        reader.fail(path, "missing_key", format!("the key `{key}` is missing"), "");
        return None;
    }
    value.cloned()
}

/// Redacted text is still PHI: without TLS it never leaves the machine.
fn plain_only_to_loopback(reader: &mut Reader<'_>, path: &str, host: &str, tls: Tls) {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if tls == Tls::None && !loopback {
        let message = format!("`tls = \"none\"` to `{host}`, which is not this machine");
        let help =
            "use `tls` or `starttls`; without protection only 127.0.0.1, ::1 and localhost are allowed";
        reader.fail(&format!("{path}/tls"), "plain_text", message, help);
    }
}

fn secret(
    reader: &mut Reader<'_>,
    path: &str,
    (env, file): (Option<&String>, Option<&PathBuf>),
    base: &Path,
) -> Secret {
    match (env, file) {
        (Some(_), Some(_)) => {
            reader.fail(path, "contradiction", "a secret has two places", "give one of them");
            Secret::None
        }
        (Some(name), None) => Secret::Env(name.clone()),
        (None, Some(file)) => Secret::File(base.join(file)),
        (None, None) => Secret::None,
    }
}

/// Folders whose mail is stored and flagged, never acknowledged (L38).
fn is_junk(name: &str) -> bool {
    let last = name.rsplit(['/', '.']).next().unwrap_or(name).to_lowercase();
    ["junk", "spam", "junk email", "junk e-mail", "bulk mail"].contains(&last.as_str())
}

/// Gmail's All Mail under the names of the gateway's languages: every mail is in it (L38).
fn is_all_mail(name: &str) -> bool {
    let names = ["all mail", "todos", "todos os e-mails", "tutti i messaggi"];
    let in_gmail = name.split_once("]/").filter(|(root, _)| matches!(*root, "[Gmail" | "[Google Mail"));
    in_gmail.is_some_and(|(_, folder)| names.contains(&folder.to_lowercase().as_str()))
}

fn folders(reader: &mut Reader<'_>, path: &str, table: &AccountTable) -> Vec<FolderRule> {
    let inbox = [FolderEntry::Name("INBOX".to_owned())];
    let entries = table.folders.as_deref().unwrap_or(&inbox);
    let mut folders: Vec<FolderRule> = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let place = format!("{path}/folders/{number}");
        let (text, respond) = match entry {
            FolderEntry::Name(name) => (name, None),
            FolderEntry::Rule(rule) => (&rule.name, rule.respond),
        };
        let Some(name) = reader.parsed(&place, text, FolderName::parse(text)) else { continue };
        if folders.iter().any(|folder| folder.name == name) {
            reader.fail(&place, "duplicate", format!("the folder `{text}` is named twice"), "");
        }
        if is_all_mail(text) && entries.len() > 1 {
            let help = "Gmail's All Mail holds every mail of the other folders again: read INBOX alone";
            reader.fail(&place, "all_mail", format!("`{text}` beside other folders"), help);
        }
        folders.push(FolderRule { name, respond: respond.unwrap_or(!is_junk(text)) });
    }
    if folders.is_empty() {
        reader.fail(
            &format!("{path}/folders"),
            "missing_key",
            "no folder is read",
            "for example [\"INBOX\"]",
        );
    }
    folders
}

fn after(reader: &mut Reader<'_>, path: &str, table: &AccountTable, folders: &[FolderRule]) -> Option<After> {
    let place = format!("{path}/move_to");
    match (table.after, &table.move_to) {
        (Some(AfterWord::Move), Some(text)) => {
            let to = reader.parsed(&place, text, FolderName::parse(text))?;
            if folders.iter().any(|folder| folder.name == to) {
                let help = "mail would be moved into a folder that is read";
                reader.fail(&place, "contradiction", format!("`{text}` is one of `folders`"), help);
            }
            Some(After::Move(to))
        }
        (Some(AfterWord::Move), None) => {
            reader.fail(
                path,
                "missing_key",
                "the key `move_to` is missing",
                "the folder for mail that is done",
            );
            None
        }
        (word, Some(_)) => {
            reader.fail(&place, "contradiction", "`move_to` without `after = \"move\"`", "");
            (word == Some(AfterWord::None)).then_some(After::None)
        }
        (Some(AfterWord::None), None) => Some(After::None),
        (Some(AfterWord::Flag) | None, None) => Some(After::Flag),
    }
}

fn evidence(reader: &mut Reader<'_>, path: &str, table: &AuthTable) -> AuthEvidence {
    match table.kind {
        AuthKind::Rfc8601 if table.authserv_ids.is_empty() => {
            let help = "the id your own server writes first into Authentication-Results (RFC 8601 2.5)";
            reader.fail(path, "missing_key", "`authserv_ids` is empty", help);
            AuthEvidence::None
        }
        AuthKind::Rfc8601 => AuthEvidence::Rfc8601 { authserv_ids: table.authserv_ids.clone() },
        AuthKind::ExchangeOnline => {
            AuthEvidence::ExchangeOnline { accepted_domains: table.accepted_domains.clone() }
        }
        AuthKind::LocalDkim => {
            let help = "until DKIM is verified here, every sender counts as unproven";
            reader.warn(&format!("{path}/kind"), "not_yet", "`local-dkim` is not implemented", help);
            AuthEvidence::None
        }
    }
}

/// The way out.
pub fn transport(reader: &mut Reader<'_>, table: &SmtpTable, base: &Path) -> Option<Transport> {
    let relay = match table.kind {
        SmtpKind::Directory => {
            let Some(path) = &table.path else {
                reader.fail(
                    "smtp",
                    "missing_key",
                    "the key `path` is missing",
                    "where the mails are written",
                );
                return None;
            };
            Relay::Directory(base.join(path))
        }
        SmtpKind::Smtp => {
            let tls = tls(table.tls);
            let host = needed(reader, "smtp", "host", table.host.as_ref())?;
            plain_only_to_loopback(reader, "smtp", &host, tls);
            let usual = match tls {
                Tls::Tls => 465,
                Tls::Starttls => 587,
                Tls::None => 25,
            };
            let password =
                secret(reader, "smtp", (table.password_env.as_ref(), table.password_file.as_ref()), base);
            if table.user.is_some() != (password != Secret::None) {
                let help = "give `user` with `password_env` or `password_file`, or neither";
                reader.fail("smtp", "contradiction", "half a login", help);
            }
            let login = table.user.clone().map(|user| (user, password));
            Relay::Smtp { host, port: table.port.unwrap_or(usual), tls, login }
        }
    };
    Some(Transport {
        relay,
        reverse_path: match table.reverse_path {
            Some(ReversePathWord::Null) => ReversePathPolicy::Null,
            None | Some(ReversePathWord::Desk) => ReversePathPolicy::Desk,
            Some(ReversePathWord::Verp) => ReversePathPolicy::Verp,
        },
        max_per_minute: table.max_per_minute,
        max_connections: table.max_connections.unwrap_or(10),
    })
}

/// Caps, the decided ones where the file is silent.
pub fn governor(table: &GovernorTable) -> Governor {
    let usual = Governor::default();
    Governor {
        per_address_hour: table.per_address_hour.unwrap_or(usual.per_address_hour),
        per_address_day: table.per_address_day.unwrap_or(usual.per_address_day),
        per_mailbox_hour: table.per_mailbox_hour.unwrap_or(usual.per_mailbox_hour),
    }
}

/// Where the key ring comes from.
pub fn keys(reader: &mut Reader<'_>, table: &KeysTable, base: &Path) -> Option<Secret> {
    match secret(reader, "keys", (table.env.as_ref(), table.file.as_ref()), base) {
        Secret::None => {
            reader.fail("keys", "missing_key", "`[keys]` names no place", "give `file` or `env`");
            None
        }
        place => Some(place),
    }
}

/// The database's URL, a relative SQLite path resolved against the file.
pub fn store_url(reader: &mut Reader<'_>, url: &str, base: &Path) -> Option<String> {
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() {
            reader.fail(
                "store/url",
                "invalid",
                "`sqlite:` names no file",
                "for example \"sqlite:mailward.db\"",
            );
            return None;
        }
        let resolved = if path.starts_with(':') { PathBuf::from(path) } else { base.join(path) };
        return Some(format!("sqlite:{}", resolved.display()));
    }
    let server = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    let Some(server) = server else {
        let help = "`sqlite:PATH` or `postgres://user@host/database`";
        reader.fail("store/url", "invalid", "the URL names no known database", help);
        return None;
    };
    let (credentials, host) = server.rsplit_once('@').unwrap_or(("", server));
    let help = "secrets do not stand in files: use PGPASSWORD or ~/.pgpass";
    if credentials.contains(':')
        && ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| host.starts_with(own))
    {
        reader.warn("store/url", "secret_in_file", "the URL holds a password", help);
    } else if credentials.contains(':') {
        reader.fail("store/url", "secret_in_file", "the URL holds a password", help);
    }
    Some(url.to_owned())
}
