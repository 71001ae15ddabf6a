//! The books: reconciliation finds what a server left out (L3), and `ledger balance` says so when
//! what came in is not what became of it.

use mailward::imap::Limits;
use mailward::worker::Step;
use mailward::worker::ingest::imap::ImapReader;
use sqlx::Connection as _;

use super::faults_support::{Gateway, matter};
use super::harness::Mailbox;
use super::lessons_support::{EVE, House, MARY, Mail, Plan};

fn plan(mailbox: &Mailbox) -> Plan {
    let accounts = format!(
        "[[account]]\nname = \"support\"\nsource = \"imap\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
         user = \"support\"\npassword_file = \"password\"\ndesk = \"help\"\nfirst_run = \"live\"\nafter = \"none\"\n",
        mailbox.server.port
    );
    Plan { accounts, ..Plan::default() }
}

fn mail(number: u32) -> String {
    String::from_utf8(Mail::new(MARY, &format!("Matter {number}")).bytes()).unwrap()
}

async fn read_all(reader: &mut ImapReader) {
    while let Step::Did(_) = reader.step().await.unwrap() {}
}

fn asked_for_all(mailbox: &Mailbox) -> usize {
    mailbox.heard().iter().filter(|line| line.starts_with("UID SEARCH UID 1:")).count()
}

/// L3: SEARCH leaves out the second of three mails, and the cursor goes on. Within the hour nobody
/// asks again (the twin); after it the mail is found, becomes its ticket, and only then the folder
/// counts as reconciled.
#[tokio::test]
async fn l3_an_hourly_reconciliation_finds_what_the_server_left_out() {
    let mailbox = Mailbox::start(&[mail(1), mail(2), mail(3)]);
    mailbox.hide(2);
    let house = House::open(&plan(&mailbox)).await;
    let password: mailward::worker::ingest::imap::PasswordOf =
        std::sync::Arc::new(|_| Some("secret".to_owned().into()));
    let account = mailward::domain::ids::AccountName::parse("support").unwrap();
    let folder = mailward::domain::ids::FolderName::parse("INBOX").unwrap();
    let mut reader = ImapReader::new(house.office.ingest(), account.clone(), Limits::default(), password);
    read_all(&mut reader).await;
    let reconciled =
        async || house.office.store.folder(&account, &folder).await.unwrap().unwrap().reconciled_at;
    assert_eq!(house.tickets().await.len(), 2);
    assert_eq!(reconciled().await, Some(house.clock().now()), "the server says it has no more");
    let first_look = asked_for_all(&mailbox);
    mailbox.show(2);
    house.later(59);
    read_all(&mut reader).await;
    assert_eq!(house.tickets().await.len(), 2, "polls ask from the cursor on");
    assert_eq!(asked_for_all(&mailbox), first_look);
    house.later(2);
    read_all(&mut reader).await;
    assert_eq!(house.tickets().await.len(), 3);
    assert_eq!(reconciled().await, Some(house.clock().now()));
    let rows = house.ledger().await;
    assert!(rows.iter().any(|row| row.uid == 2 && row.state == "committed"));
    house.balance().await;
    reader.close().await;
}

/// What is done to the database, and whether the books notice.
const TAMPERED: [(&str, &str); 8] = [
    (
        "a message is gone",
        "DELETE FROM article WHERE seq = 1 AND ticket = (SELECT id FROM ticket WHERE number = 1)",
    ),
    ("a reply is gone", "DELETE FROM article WHERE seq = 2"),
    ("a row of the ledger is gone, with its mail", "DELETE FROM ledger WHERE uid = 2"),
    ("a mail is gone that was only recorded", "DELETE FROM ledger WHERE state = 'recorded'"),
    ("a mail in a ticket is said to wait", "UPDATE ledger SET state = 'held' WHERE uid = 1"),
    ("a mail is said to be in a ticket", "UPDATE ledger SET state = 'committed' WHERE state = 'recorded'"),
    (
        "its ticket is another one",
        "UPDATE ledger SET ticket = (SELECT id FROM ticket WHERE number = 2) WHERE uid = 1",
    ),
    ("an undecided mail is gone", "DELETE FROM ledger WHERE state = 'quarantined'"),
];

/// `ledger balance`: exit 0 with sound books, 1 with each way of tampering, 0 again with the books put
/// back.
#[tokio::test]
async fn ledger_balance_fails_where_a_mail_is_missing() {
    let house = House::open(&Plan { simulated: false, ..Plan::default() }).await;
    let first = Mail::new(MARY, "First").id(Some("first@clinic.example"));
    house.take(&first).await;
    house.take(&Mail::new(EVE, "Second")).await;
    house.take(&Mail::new(MARY, "Re: First").answers("first@clinic.example")).await;
    house.take(&Mail::new(MARY, "Away").header("Auto-Submitted", "auto-replied")).await;
    let deep =
        format!("From: {MARY}\r\nMIME-Version: 1.0\r\n{}", "Content-Type: message/rfc822\r\n\r\n".repeat(60));
    house.take_for("support", deep.as_bytes()).await.unwrap();
    house.sweep().await;
    let (database, sound) = (house.scratch.join("store.db"), house.scratch.join("sound.db"));
    house.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
    house.office.store.close().await;
    std::fs::copy(&database, &sound).unwrap();
    let balance = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mailward"));
        let output = command.args(["ledger", "balance", "--config"]).arg(&house.config).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said + &String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(balance().0, Some(0), "{}", balance().1);
    for (case, sql) in TAMPERED {
        house.sql(&format!("PRAGMA foreign_keys = OFF; {sql}; PRAGMA wal_checkpoint(TRUNCATE)")).await;
        let (code, said) = balance();
        assert_eq!(code, Some(1), "{case}\n{said}");
        assert!(said.contains("NO") && said.contains("does not balance"), "{case}\n{said}");
        std::fs::copy(&sound, &database).unwrap();
        assert_eq!(balance().0, Some(0), "{case}: put back");
    }
}

/// The real program: `health` shows the age of the reconciliation of each folder.
#[tokio::test]
async fn health_shows_when_a_folder_was_reconciled() {
    let accounts = super::lessons_support::account("support", "help", "");
    let gateway = Gateway::new(&Plan { accounts, simulated: false, ..Plan::default() }, &[]);
    let (code, said, _) = gateway.ask(&["health"]);
    assert!(code == 75 && said.contains("reconcile support INBOX"), "{code} {said}");
    std::fs::write(gateway.scratch.join("support/1.eml"), matter(1)).unwrap();
    assert_eq!(gateway.ask(&["serve", "--until-idle"]).0, 0);
    let (code, said, _) = gateway.ask(&["health"]);
    assert_eq!(code, 0, "{said}");
    // Two hours without a complete look: the difference stays, or nobody looks.
    let url = format!("sqlite:{}", gateway.scratch.join("store.db").display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let older = sqlx::query("UPDATE folder SET reconciled_at = reconciled_at - 7200000000");
    older.execute(&mut connection).await.unwrap();
    let (code, said, _) = gateway.ask(&["health"]);
    let line = said.lines().find(|line| line.contains("reconcile support")).unwrap();
    assert!(code == 75 && line.trim_end().ends_with("NO"), "{code} {said}");
}
