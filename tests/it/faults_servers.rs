//! Conservation where an IMAP server misbehaves in the middle of a command: the whole application
//! against a mailbox that keeps its state and answers NO, BAD, BYE or nothing at all where it is told
//! to. At the end every mail is one message of one ticket and lies once in the other folder.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use mailward::imap::Limits;
use tokio_util::sync::CancellationToken;

use super::harness::{Act, Mailbox, Mischief};
use super::lessons_support::{House, MARY, Mail, Plan};

const MAILS: u32 = 6;

fn mails(from: u32, to: u32) -> Vec<String> {
    let mail = |n| String::from_utf8(Mail::new(MARY, &format!("Matter {n}")).bytes()).unwrap();
    (from..=to).map(mail).collect()
}

fn plan(mailbox: &Mailbox, more: &str) -> Plan {
    let accounts = format!(
        "[[account]]\nname = \"support\"\nsource = \"imap\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
         user = \"support\"\npassword_file = \"password\"\ndesk = \"help\"\nfirst_run = \"live\"\n{more}\n",
        mailbox.server.port
    );
    Plan { accounts, ..Plan::default() }
}

fn moving(mailbox: &Mailbox) -> Plan {
    plan(mailbox, "after = \"move\"\nmove_to = \"Done\"")
}

/// Bounds that a test can wait for.
fn hasty() -> Limits {
    Limits { connect: Duration::from_secs(10), stall: Duration::from_secs(3), ..Limits::default() }
}

async fn serve(house: &House, limits: Limits) {
    let mut workers = mailward::cli::serve::workers(&house.office).unwrap();
    workers.limits = limits;
    let ended = mailward::serve::run(workers, CancellationToken::new(), true).await;
    assert_eq!(ended, mailward::serve::Ended::Well);
}

/// Every mail is one message of one ticket, acknowledged once.
async fn conserved(house: &House, mails: u32, case: &str) {
    let balance = house.balance().await;
    let count = i64::from(mails);
    let sums = (balance.tickets, balance.stored, balance.unfetchable, balance.quarantined);
    assert_eq!(sums, (count, 0, 0, 0), "{case}: {balance:?}");
    let tickets = house.tickets().await;
    assert!(tickets.iter().all(|ticket| ticket.message_count == 1), "{case}");
    let mut subjects: Vec<&str> = tickets.iter().map(|ticket| ticket.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), usize::try_from(mails).unwrap(), "{case}");
    let rows = house.to_customers().await;
    assert_eq!(rows.len(), subjects.len(), "{case}: one acknowledgment each");
    assert!(rows.iter().all(|row| row.state == "sent"), "{case}");
}

/// One fault, and what is left of it when the gateway had its time.
async fn check(abilities: &'static str, mischief: Mischief) {
    let case = format!("{abilities}: {mischief:?}");
    let mailbox = Mailbox::start(&mails(1, MAILS));
    mailbox.abilities(abilities);
    // Nobody can know whether a COPY was done whose answer was lost: it is done again (RFC 3501 6.4.7).
    let twice = mischief.at == "UID COPY" && matches!(mischief.act, Act::EndBeforeAnswer);
    mailbox.mischief(mischief);
    let house = House::open(&moving(&mailbox)).await;
    // The first wait of a gap is a minute, the third half an hour.
    for wait in [0, 2, 6, 31, 121] {
        house.later(wait);
        serve(&house, hasty()).await;
        if house.balance().await.unfetchable == 0 && mailbox.left().is_empty() {
            break;
        }
    }
    conserved(&house, MAILS, &case).await;
    assert_eq!(mailbox.left(), [0_u32; 0], "{case}: nothing is left in the folder");
    let mut elsewhere = mailbox.elsewhere();
    elsewhere.sort_unstable();
    if twice {
        elsewhere.dedup();
    }
    assert_eq!(elsewhere, (1..=MAILS).collect::<Vec<_>>(), "{case}: each once in the other folder");
}

/// Cases side by side: they mostly wait.
async fn check_all(cases: Vec<(&'static str, Mischief)>) {
    let checks = cases.into_iter().map(|(abilities, mischief)| check(abilities, mischief));
    stream::iter(checks).buffer_unordered(12).collect::<Vec<()>>().await;
}

const MOVES: &str = "IMAP4rev1 MOVE UIDPLUS";
const COPIES: &str = "IMAP4rev1 UIDPLUS";

/// L3, L13, L26: NO, BAD, BYE, an end and silence in the middle of each command that touches a mail.
#[tokio::test(flavor = "multi_thread")]
async fn l3_a_fault_in_the_middle_of_any_command_loses_and_doubles_nothing() {
    let no = Act::Answer("NO [SERVERBUG] cannot do this now");
    let bad = Act::Answer("BAD command unknown or invalid");
    let put_off = Act::Answer("NO [UNAVAILABLE] the store is busy");
    let fetches = [no, bad, put_off, Act::Bye, Act::HangUp, Act::Truncate, Act::Silence];
    let mut cases = Vec::new();
    for act in fetches.into_iter().chain([Act::LeaveOut, Act::Nil]) {
        for times in [1, 4] {
            cases.push((MOVES, Mischief { at: "BODY.PEEK", after: 2, act, times }));
        }
    }
    check_all(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l13_a_fault_in_the_middle_of_tidying_up_loses_and_doubles_nothing() {
    let no = Act::Answer("NO [SERVERBUG] cannot do this now");
    let bad = Act::Answer("BAD command unknown or invalid");
    let mut cases = Vec::new();
    for (abilities, at) in
        [(MOVES, "UID MOVE"), (COPIES, "UID COPY"), (COPIES, "UID STORE"), (COPIES, "UID EXPUNGE")]
    {
        // A COPY that is refused leaves nothing behind (RFC 3501 6.4.7); a MOVE may be half done (RFC 6851 4.3).
        let after = if at == "UID COPY" { 0 } else { 2 };
        for act in [no, bad, Act::Bye, Act::HangUp, Act::EndBeforeAnswer, Act::Silence] {
            let after = if matches!(act, Act::EndBeforeAnswer) { 0 } else { after };
            cases.push((abilities, Mischief { at, after, act, times: 2 }));
        }
    }
    check_all(cases).await;
}

/// NO, BAD, BYE and silence to what comes before any mail.
#[tokio::test(flavor = "multi_thread")]
async fn l26_a_fault_before_the_first_mail_only_costs_time() {
    let mut cases = Vec::new();
    for at in ["LOGIN", "CAPABILITY", "SELECT", "NOOP", "UID SEARCH", "RFC822.SIZE"] {
        for act in [Act::Answer("NO [UNAVAILABLE] not now"), Act::Answer("BAD what?"), Act::Bye, Act::Silence]
        {
            // BAD to LOGIN is a login refused: a person must help, and that is said.
            if at != "LOGIN" || !matches!(act, Act::Answer("BAD what?")) {
                cases.push((MOVES, Mischief { at, after: 0, act, times: 1 }));
            }
        }
    }
    check_all(cases).await;
}

/// L3: Exchange's placeholder, in any language, becomes a gap that is asked for again, never a ticket.
#[tokio::test(flavor = "multi_thread")]
async fn l3_exchange_s_placeholder_waits_and_is_never_a_ticket() {
    for subject in [
        "Retrieval using the IMAP4 protocol failed for the following\r\n message: 6",
        // Some other language, encoded as RFC 2047 says: its number is the UID.
        "=?utf-8?B?UsOpY3Vww6lyYXRpb24gaW1wb3NzaWJsZTogNg==?=",
    ] {
        let placeholder: &'static str = Box::leak(
            format!(
                "MIME-Version: 1.0\r\nFrom: Microsoft Exchange Server 2010\r\nTo: help@desk.example\r\n\
                 Subject: {subject}\r\n\r\nThe item could not be given.\r\n"
            )
            .into_boxed_str(),
        );
        let mailbox = Mailbox::start(&mails(1, MAILS));
        mailbox.mischief(Mischief { at: "BODY.PEEK", after: 5, act: Act::Instead(placeholder), times: 1 });
        mailbox.mischief(Mischief {
            at: "UID FETCH 6 (UID BODY",
            after: 0,
            act: Act::Instead(placeholder),
            times: 2,
        });
        let house = House::open(&moving(&mailbox)).await;
        for (wait, tickets) in [(0, 5), (2, 5), (6, 5), (31, 6)] {
            house.later(wait);
            serve(&house, hasty()).await;
            let balance = house.balance().await;
            assert_eq!((balance.tickets, balance.unfetchable), (tickets, 6 - tickets), "{subject}");
            if tickets == 5 {
                let rows = house.ledger().await;
                let gap = rows.iter().find(|row| row.state == "unfetchable").unwrap();
                assert_eq!((gap.uid, gap.reason.as_deref()), (6, Some("placeholder")));
                assert_eq!(mailbox.left(), [6], "it is not touched on the server");
            }
        }
        conserved(&house, MAILS, subject).await;
    }
}

/// L3, L28: a mail is what came, not what its size was said to be.
#[tokio::test(flavor = "multi_thread")]
async fn l28_a_size_that_is_wrong_changes_no_mail() {
    for told in [1, 100_000] {
        let mailbox = Mailbox::start(&mails(1, MAILS));
        mailbox.tell_size(told);
        let house = House::open(&moving(&mailbox)).await;
        serve(&house, hasty()).await;
        conserved(&house, MAILS, &format!("told {told}")).await;
        let whole = house.count("ledger WHERE size > 300 AND size < 2000").await;
        assert_eq!(whole, i64::from(MAILS), "told {told}");
    }
}

/// L30: UIDVALIDITY changes while the folder is being read; ten mails come in the meantime.
#[tokio::test(flavor = "multi_thread")]
async fn l30_a_uidvalidity_that_changes_in_mid_run() {
    let mailbox = Mailbox::start(&mails(1, 40));
    let house = House::open(&plan(&mailbox, "after = \"none\"")).await;
    let mut workers = mailward::cli::serve::workers(&house.office).unwrap();
    workers.limits = Limits { batch_mails: 3, ..hasty() };
    let stop = CancellationToken::new();
    let running = tokio::spawn(mailward::serve::run(workers, stop.clone(), false));
    let mut changes = 0;
    let since = std::time::Instant::now();
    while house.tickets().await.len() < 50 {
        let read = house.ledger().await.len();
        if changes < 3 && read > changes * 12 + 5 {
            mailbox.renumber();
            changes += 1;
            if changes == 2 {
                for mail in mails(41, 50) {
                    mailbox.put(&mail);
                }
            }
        }
        assert!(since.elapsed() < Duration::from_mins(3), "{} tickets", house.tickets().await.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    running.await.unwrap();
    serve(&house, hasty()).await;
    assert_eq!(changes, 3);
    conserved(&house, 50, "three changes").await;
    let balance = house.balance().await;
    assert!(balance.ignored >= 20, "what was read before was known again by its content: {balance:?}");
}
