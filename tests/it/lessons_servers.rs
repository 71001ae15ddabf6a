//! Losing mail and reading servers, on a real Dovecot: L1, L2, L4, L15, L28, L30, L38.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::harness::{Dovecot, Sink, servers};
use super::lessons_support::{ALARM, HELP, House, MARY, Mail, Plan, imap_account, noon, relay};

/// Mails of an old mailbox.
const OLD: usize = 1000;
/// Mails of 50 MB.
const LARGE: usize = 6;
/// Mails that lie there when the killing begins.
const KILLED: usize = 400;

fn plan(dovecot: &Dovecot, more: &str) -> Plan {
    Plan { accounts: imap_account(dovecot, "support", "help", more), ..Plan::default() }
}

fn matter(number: usize) -> Vec<u8> {
    Mail::new(MARY, &format!("Matter {number}")).bytes()
}

/// Subjects of the tickets by number.
async fn subjects(house: &House) -> Vec<String> {
    let mut tickets = house.tickets().await;
    tickets.sort_by_key(|ticket| ticket.number);
    tickets.into_iter().map(|ticket| ticket.subject).collect()
}

fn matters(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("Matter {number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn l1_what_another_client_has_seen_becomes_tickets_all_the_same() {
    if !servers(&["dovecot"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let mut other = dovecot.client("support");
    for number in 0..20 {
        other.append("INBOX", &matter(number), "13-May-2025 11:00:00 +0000");
    }
    other.ok("SELECT INBOX");
    other.ok("STORE 1:10 +FLAGS (\\Seen)");
    let house = House::open(&plan(&dovecot, "first_run = \"live\"")).await;
    house.serve().await;
    assert_eq!(subjects(&house).await, matters(20));
    // While it runs: more mail, opened by a person before the gateway looks.
    other.append("INBOX", &matter(20), "13-May-2025 11:30:00 +0000");
    other.ok("SELECT INBOX");
    other.ok("STORE 21 +FLAGS (\\Seen \\Answered)");
    house.serve().await;
    assert_eq!(subjects(&house).await, matters(21));
    assert_eq!(house.balance().await.incoming, 21);
    assert_eq!(house.to_customers().await.len(), 21, "one acknowledgment each");
}

#[tokio::test(flavor = "multi_thread")]
async fn l4_after_ten_days_of_outage_every_mail_arrives_in_order() {
    if !servers(&["dovecot"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let house = House::open(&plan(&dovecot, "")).await;
    house.serve().await;
    // The gateway is away from here on; `history` was settled by its first look.
    let mut other = dovecot.client("support");
    for number in 0..40 {
        let date = format!("{:02}-May-2025 {:02}:00:00 +0000", 3 + number / 4, 8 + number % 4);
        other.append("INBOX", &matter(number), &date);
    }
    house.serve().await;
    assert_eq!(subjects(&house).await, matters(40));
    let mut tickets = house.tickets().await;
    tickets.sort_by_key(|ticket| ticket.number);
    let opened: Vec<_> = tickets.iter().map(|ticket| ticket.opened_at).collect();
    assert!(opened.windows(2).all(|pair| pair[0] < pair[1]), "{opened:?}");
    assert_eq!(noon() - tickets[0].opened_at, chrono::TimeDelta::hours(10 * 24 + 4));
    assert!(tickets.iter().all(|ticket| !ticket.imported), "what arrived during an outage is live");
    assert_eq!(house.to_customers().await.len(), 40);
}

/// L15: the first look at an old mailbox answers nothing, its twin with `live` answers each once.
#[tokio::test(flavor = "multi_thread")]
async fn l15_an_old_mailbox_is_history() {
    if !servers(&["dovecot"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let mut other = dovecot.client("support");
    for number in 0..OLD {
        other.append("INBOX", &matter(number), "01-Mar-2025 08:00:00 +0000");
    }
    for (first_run, sent) in [("", 0), ("first_run = \"live\"", OLD)] {
        let help = "[[target]]\npriority = \"medium\"\nresponse = \"8h business\"".to_owned();
        let house = House::open(&Plan { help, ..plan(&dovecot, first_run) }).await;
        house.serve().await;
        assert_eq!(house.balance().await.tickets, i64::try_from(OLD).unwrap());
        let rows = house.outbox().await;
        let going = rows.iter().filter(|row| row.state != "suppressed");
        let acknowledgments = going.clone().filter(|row| row.kind == "received").count();
        assert_eq!(acknowledgments, sent, "{first_run}");
        assert_eq!(house.ticket(1).await.clocks.is_empty(), sent == 0, "{first_run}");
        if sent == 0 {
            assert_eq!(going.count(), 0, "no notice, notification or reminder either");
            let one = house.ticket(1).await;
            assert!(one.line.imported && one.line.due.is_none());
            let row = one.outbox.iter().find(|row| row.kind == "received");
            assert_eq!(row.and_then(|row| row.reason.as_deref()), Some("history"));
            // A year later still nothing is due.
            house.later(60 * 24 * 365);
            house.sweep().await;
            assert!(house.to_customers().await.is_empty());
            // The twin within: the next mail is live.
            other.append("INBOX", &matter(OLD), "01-May-2026 12:00:00 +0000");
            house.serve().await;
            assert_eq!(house.to_customers().await.len(), 1);
            other.ok("SELECT INBOX");
            other.ok(&format!("STORE {} +FLAGS (\\Deleted)", OLD + 1));
            other.ok("EXPUNGE");
        }
    }
}

/// L6, L30: another UIDVALIDITY means a whole rescan, deduplicated by content.
#[tokio::test(flavor = "multi_thread")]
async fn l30_another_uidvalidity_is_a_rescan_without_duplicates() {
    if !servers(&["dovecot"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    dovecot.create_folder("support", "Desk");
    let mails: Vec<Vec<u8>> = (0..30).map(matter).collect();
    let mut other = dovecot.client("support");
    for mail in mails.iter().take(20) {
        other.append("Desk", mail, "13-May-2025 11:00:00 +0000");
    }
    let house = House::open(&plan(&dovecot, "first_run = \"live\"\nfolders = [\"Desk\"]")).await;
    house.serve().await;
    assert_eq!(subjects(&house).await, matters(20));
    // Restored from a backup: other UIDs, another order, some gone, and ten new ones among them.
    dovecot.recreate_folder("support", "Desk");
    for mail in mails.iter().skip(5).rev() {
        let again =
            [b"Received: from backup by mx; Tue, 13 May 2025 11:30:00 +0000\r\n", mail.as_slice()].concat();
        other.append("Desk", &again, "13-May-2025 11:30:00 +0000");
    }
    house.serve().await;
    let balance = house.balance().await;
    assert_eq!((balance.incoming, balance.tickets, balance.ignored), (45, 30, 15));
    let mut now = subjects(&house).await;
    now.sort_by_key(|subject| subject.trim_start_matches("Matter ").parse::<u32>().ok());
    assert_eq!(now, matters(30), "the ten new ones came, the others only once");
    assert_eq!(house.to_customers().await.len(), 30);
}

/// L28: a mail above the limit becomes a ticket from its head, many of them in bounded memory.
#[tokio::test(flavor = "multi_thread")]
async fn l28_an_oversize_mail_is_a_ticket_from_its_head() {
    if !servers(&["dovecot"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    let mut other = dovecot.client("support");
    let block =
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg==\r\n".repeat(50 << 20 >> 6);
    for number in 0..LARGE {
        let head = Mail::new(MARY, &format!("Matter {number}"))
            .header("Content-Type", "multipart/mixed; boundary=\"big\"")
            .body(&format!("--big\nContent-Type: text/plain\n\nHEADWORD {number}.\n\n--big\nContent-Type: application/dicom; name=\"study.dcm\"\nContent-Disposition: attachment; filename=\"study.dcm\"\nContent-Transfer-Encoding: base64\n\n"));
        let mut bytes = head.bytes();
        bytes.extend_from_slice(block.as_bytes());
        bytes.extend_from_slice(b"--big--\r\n");
        other.append("INBOX", &bytes, "13-May-2025 11:00:00 +0000");
    }
    other.append("INBOX", &matter(LARGE), "13-May-2025 11:01:00 +0000");
    let small = Plan { simulated: false, ..plan(&dovecot, "first_run = \"live\"\nafter = \"flag\"") };
    let house = House::open(&small).await;
    // The real program, so that its memory is its own.
    let mut child = gateway(&house, true);
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(resident_kib(child.id()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(child.wait().unwrap().success());
    assert!((1..200 << 10).contains(&peak), "{peak} KiB for {LARGE} mails of 50 MB");
    assert_eq!(subjects(&house).await, matters(LARGE + 1));
    for number in 1..=i64::try_from(LARGE).unwrap() {
        let ticket = house.ticket(number).await;
        assert!(ticket.messages[0].text.contains("HEADWORD"));
        assert!(ticket.messages[0].flags.contains(&"oversize".to_owned()));
    }
    assert!(!house.ticket(7).await.messages[0].flags.contains(&"oversize".to_owned()), "the twin is whole");
    let states: Vec<String> = house.ledger().await.into_iter().map(|row| row.state).collect();
    assert_eq!(states.iter().filter(|state| *state == "oversize").count(), LARGE);
    assert_eq!(other.flags("INBOX").len(), LARGE + 1, "the originals stay on the server");
}

/// L38: Junk is stored and flagged, never acknowledged; routes lead by address, and breach wins.
#[tokio::test(flavor = "multi_thread")]
async fn l38_one_mailbox_is_not_one_folder_or_one_desk() {
    if !servers(&["dovecot"]) {
        return;
    }
    let dovecot = Dovecot::start(&["support"]);
    dovecot.create_folder("support", "Junk");
    let cases = [
        ("INBOX", HELP.to_owned(), ("help", true)),
        ("INBOX", "Sales@Desk.example".to_owned(), ("sales", true)),
        ("INBOX", "sales+leaflet@desk.example".to_owned(), ("sales", true)),
        ("INBOX", "unknown@desk.example".to_owned(), ("help", true)),
        ("INBOX", format!("sales@desk.example, {ALARM}"), ("alarm", true)),
        ("Junk", HELP.to_owned(), ("help", false)),
        ("Junk", ALARM.to_owned(), ("alarm", false)),
    ];
    let mut other = dovecot.client("support");
    for (number, (folder, to, _)) in cases.iter().enumerate() {
        let mail = Mail::new(MARY, &format!("Matter {number}")).to(to);
        other.append(folder, &mail.bytes(), "13-May-2025 11:00:00 +0000");
    }
    let more = format!(
        "first_run = \"live\"\nfolders = [\"INBOX\", \"Junk\"]\n[account.routes]\n\"{HELP}\" = \"help\"\n\
         \"sales@desk.example\" = \"sales\"\n\"{ALARM}\" = \"alarm\"\n"
    );
    let house = House::open(&plan(&dovecot, &more)).await;
    house.serve().await;
    let tickets = house.tickets().await;
    assert_eq!(tickets.len(), cases.len());
    for (number, (folder, to, (desk, answered))) in cases.iter().enumerate() {
        let number = i64::try_from(number + 1).unwrap();
        let ticket = house.ticket(number).await;
        assert_eq!(ticket.line.desk, *desk, "{folder} {to}");
        assert_eq!(ticket.line.restricted, *desk == "alarm", "{folder} {to}");
        let received: Vec<_> = ticket.outbox.iter().filter(|row| row.kind == "received").collect();
        assert_eq!(received.len(), 1, "{folder} {to}");
        let (state, reason) = if *answered { ("sent", None) } else { ("suppressed", Some("folder")) };
        assert_eq!(
            (received[0].state.as_str(), received[0].reason.as_deref()),
            (state, reason),
            "{folder} {to}"
        );
        let junk = ticket.messages[0].flags.contains(&"junk_folder".to_owned());
        assert_eq!(junk, *folder == "Junk", "{folder} {to}");
    }
}

/// Starts the real program on the installation of a house whose clock is the system's.
fn gateway(house: &House, until_idle: bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailward"));
    command.args(["serve", "--config"]).arg(&house.config);
    if until_idle {
        command.arg("--until-idle");
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// What grows while a station is at work: mail is durable, decided, sent, tidied up on the server.
const STATIONS: [&str; 4] = [
    "ledger",
    "ledger WHERE state = 'committed'",
    "outbox WHERE state = 'sent'",
    "ledger WHERE tidy = 'done'",
];
/// How often the program is killed: each station a few times.
const KILLS: usize = 16;

/// L2: kill -9 at any point: no loss, no duplicate, and nothing is flagged before it is committed.
#[tokio::test(flavor = "multi_thread")]
async fn l2_kill_at_any_point_loses_and_doubles_nothing() {
    if !servers(&["dovecot"]) {
        return;
    }
    let (dovecot, sink) = (Dovecot::start(&["support"]), Sink::start());
    let mut other = dovecot.client("support");
    for number in 0..KILLED {
        let mail = Mail::new(&format!("user{number}@clinic.example"), &format!("Matter {number}"));
        other.append("INBOX", &mail.bytes(), "09-May-2025 11:00:00 +0000");
    }
    let live = "first_run = \"live\"\nafter = \"flag\"";
    let house =
        House::open(&Plan { smtp: relay(sink.port, "null"), simulated: false, ..plan(&dovecot, live) }).await;
    let mut seed = 0x9e37_79b9_u32;
    let mut reached = [0_i64; 4];
    for kill in 0..KILLS {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        kill_at_work(&house, STATIONS[kill % 4], seed >> 8).await;
        for (station, reached) in STATIONS.iter().zip(&mut reached) {
            *reached = house.count(station).await;
        }
        let [rows, decided, ..] = reached;
        let flagged = other.flags("INBOX").iter().filter(|flags| flags.contains("\\Seen")).count();
        assert!(
            i64::try_from(flagged).unwrap() <= decided,
            "kill {kill}: {flagged} flagged, {decided} committed"
        );
        assert_eq!(house.count("ticket").await, decided, "kill {kill}: a ticket a decided mail");
        assert_eq!(house.count("article").await, decided, "kill {kill}: with its body");
        assert_eq!(house.count("original").await, rows, "kill {kill}: an original a row");
    }
    assert!(reached.iter().all(|count| *count > 0), "every station was at work: {reached:?}");
    assert!(gateway(&house, true).wait().unwrap().success());
    let balance = house.balance().await;
    let count = i64::try_from(KILLED).unwrap();
    assert_eq!(
        (balance.incoming, balance.tickets, balance.stored),
        (count, count, 0),
        "count in = count out"
    );
    let mut now = subjects(&house).await;
    now.sort_by_key(|subject| subject.trim_start_matches("Matter ").parse::<u32>().ok());
    assert_eq!(now, matters(KILLED));
    assert_eq!(other.flags("INBOX").iter().filter(|flags| flags.contains("\\Seen")).count(), KILLED);
    acknowledged_once(&house, &sink).await;
}

/// Lets the program run until a station has done a little, and kills it there.
async fn kill_at_work(house: &House, station: &str, random: u32) {
    let target = house.count(station).await + i64::from(random % 16) + 1;
    let mut child = gateway(house, false);
    for _ in 0..400 {
        if house.count(station).await >= target {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(u64::from(random >> 4) % 8)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    // The leases of the killed run, 25 s for the account and 120 s for a mail, run out at once.
    house
        .sql("UPDATE lease SET expires_at = 0; UPDATE outbox SET lease_until = 1 WHERE state = 'leased'")
        .await;
}

/// Every customer is acknowledged; a mail that was killed between sending and settling may come
/// twice, but then with the same Message-ID and the same octets.
async fn acknowledged_once(house: &House, sink: &Sink) {
    let rows = house.to_customers().await;
    assert_eq!(rows.len(), KILLED);
    for row in &rows {
        let mails = sink.mails_to(&row.recipient);
        let mut bodies: Vec<&[u8]> = mails.iter().map(|mail| mail.bytes.as_slice()).collect();
        bodies.dedup();
        assert!(row.state == "sent" && bodies.len() == 1, "the same mail, however often: {row:?}");
    }
}
