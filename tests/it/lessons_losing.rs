//! Losing mail: L1's faults at every station, L5, L7, L8. What needs a mail server stands in
//! `lessons_servers`.

use super::lessons_support::{ALARM, HELP, House, MARY, Mail, Plan, Proof, account, noon};

/// Where a mail's way can be cut: a table, and the statement that writes it.
const STATIONS: [(&str, &str); 7] = [
    ("ticket", "INSERT ON ticket WHEN NEW.subject LIKE '%faultmark%'"),
    (
        "participant",
        "INSERT ON participant WHEN (SELECT subject FROM ticket WHERE id = NEW.ticket) LIKE '%faultmark%'",
    ),
    (
        "article",
        "INSERT ON article WHEN (SELECT subject FROM ticket WHERE id = NEW.ticket) LIKE '%faultmark%'",
    ),
    (
        "message_ref",
        "INSERT ON message_ref WHEN (SELECT subject FROM ticket WHERE id = NEW.ticket) LIKE '%faultmark%'",
    ),
    ("outbox", "INSERT ON outbox WHEN (SELECT subject FROM ticket WHERE id = NEW.ticket) LIKE '%faultmark%'"),
    ("audit", "INSERT ON audit WHEN (SELECT subject FROM ticket WHERE id = NEW.ticket) LIKE '%faultmark%'"),
    ("ledger", "UPDATE ON ledger WHEN (SELECT subject FROM ticket WHERE id = NEW.ticket) LIKE '%faultmark%'"),
];

/// L1, L10: at whichever table the way of one mail is cut, nothing of it is left behind but itself,
/// its neighbours pass, and once the fault is gone it becomes its ticket.
#[tokio::test]
async fn l1_a_fault_at_any_station_loses_nothing() {
    let house = House::open(&Plan::default()).await;
    let mut tickets = 0;
    for (round, (station, cut)) in STATIONS.into_iter().enumerate() {
        for (place, subject) in ["before", "faultmark", "after"].into_iter().enumerate() {
            let mail = Mail::new(MARY, &format!("{subject} {station}"));
            house.drop_in("support", &format!("{round}-{place}"), &mail.bytes(), noon());
        }
        house.sql(&format!("CREATE TRIGGER fault BEFORE {cut} BEGIN SELECT RAISE(ABORT, 'cut'); END")).await;
        house.serve().await;
        let balance = house.balance().await;
        tickets += 2;
        let sums = (balance.incoming, balance.tickets, balance.quarantined, balance.stored);
        assert_eq!(sums, (tickets + 1, tickets, 1, 0), "{station}");
        for ticket in house.tickets().await {
            assert_eq!(ticket.message_count, 1, "{station}: a ticket without its body, or doubled");
        }
        let waiting = house.office.store.quarantine_list().await.unwrap();
        assert_eq!(waiting.len(), 1, "{station}");
        house.sql("DROP TRIGGER fault").await;
        retry(&house, &waiting[0].id).await;
        house.serve().await;
        tickets += 1;
        let balance = house.balance().await;
        assert_eq!((balance.tickets, balance.quarantined), (tickets, 0), "{station}");
    }
    let mut numbers: Vec<i64> = house.tickets().await.iter().map(|ticket| ticket.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=tickets).collect::<Vec<_>>(), "no number is lost or doubled by a fault");
    assert_eq!(house.to_customers().await.len(), numbers.len(), "one acknowledgment each");
    assert!(house.office.store.audit_verify().await.unwrap().ok);
}

async fn retry(house: &House, id: &str) {
    use mailward::domain::ticket::Actor;
    use mailward::store::QuarantineAction;
    let id = mailward::domain::ids::LedgerId::parse(id).unwrap();
    let actor = Actor::Operator("op".into());
    house.office.store.quarantine_act(id, QuarantineAction::Retry, &actor, noon()).await.unwrap();
}

#[tokio::test]
async fn l5_a_missing_message_id_loses_nothing() {
    let house = House::open(&Plan::default()).await;
    for number in 1..=3 {
        let mail = Mail::new(MARY, "Without an id").id(None).body(&format!("This is matter {number}."));
        assert_eq!(house.take(&mail).await.ticket, Some(number));
    }
    house.sweep().await;
    // Our answer still threads: the customer's reply names our id.
    let ours = house.mail("received", MARY).await;
    let id = super::lessons_support::header(&ours, "Message-ID").unwrap();
    let reply = Mail::new(MARY, "Re").id(None).header("In-Reply-To", &id);
    assert_eq!(house.take(&reply).await.action, "joined");
}

/// L7: every mail ends in a state with a reason, and can be listed.
#[tokio::test]
async fn l7_every_mail_has_a_state_and_a_reason() {
    let house = House::open(&Plan::default()).await;
    let first = Mail::new(MARY, "A matter").id(Some("first@clinic.example"));
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(60);
    let cases: [(&str, Vec<u8>, (&str, &str)); 8] = [
        ("new", first.bytes(), ("committed", "new")),
        (
            "joins",
            Mail::new(MARY, "Re").answers("first@clinic.example").bytes(),
            ("committed", "threaded_by_in_reply_to"),
        ),
        (
            "vacation",
            Mail::new(MARY, "Away").header("Auto-Submitted", "auto-replied").bytes(),
            ("recorded", "autoreply"),
        ),
        ("bounce of nothing of ours", bounce("unknown@elsewhere.example"), ("recorded", "report_unmatched")),
        ("spam", Mail::new(MARY, "Win").header("X-Spam-Flag", "YES").bytes(), ("held", "spam")),
        (
            "a newsletter",
            Mail::new(MARY, "News").header("List-Id", "<news.example>").bytes(),
            ("committed", "new"),
        ),
        (
            "too deep",
            format!("From: {MARY}\r\nMIME-Version: 1.0\r\n{deep}").into_bytes(),
            ("quarantined", ""),
        ),
        ("a copy", [first.bytes().as_slice(), b"\r\n"].concat(), ("ignored", "duplicate")),
    ];
    for (case, bytes, (state, reason)) in &cases {
        let ended = house.take_for("support", bytes).await.unwrap();
        assert_eq!(ended.state, *state, "{case}: {ended:?}");
        assert!(reason.is_empty() || ended.reason == *reason, "{case}: {ended:?}");
    }
    let ledger = house.ledger().await;
    assert_eq!(ledger.len(), cases.len());
    for row in &ledger {
        assert!(row.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{row:?}");
    }
    let balance = house.balance().await;
    let sums = (
        balance.tickets,
        balance.joined,
        balance.recorded,
        balance.held,
        balance.quarantined,
        balance.ignored,
    );
    assert_eq!(sums, (2, 1, 2, 1, 1, 1));
}

/// A delivery status notification about a mail with this Message-ID.
pub fn bounce(original: &str) -> Vec<u8> {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.clinic.example\r\nTo: {HELP}\r\nSubject: Undelivered\r\n\
         Date: Tue, 13 May 2025 11:59:30 +0000\r\nMessage-ID: <b-{original}>\r\nAuto-Submitted: auto-replied\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.clinic.example\r\n\r\n\
         Final-Recipient: rfc822; {MARY}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{original}>\r\n\r\n--b--\r\n"
    )
    .into_bytes()
}

/// L8: suppression stops the response, never the storage; a breach desk shows every class of mail.
#[tokio::test]
async fn l8_suppression_stops_the_response_never_the_storage() {
    let robots = [
        ("null path", Mail::new(MARY, "1").header("Return-Path", "<>"), "null_path"),
        ("auto-generated", Mail::new(MARY, "2").header("Auto-Submitted", "auto-generated"), "auto_submitted"),
        ("suppress", Mail::new(MARY, "3").header("X-Auto-Response-Suppress", "All"), "suppress_header"),
        ("precedence", Mail::new(MARY, "4").header("Precedence", "bulk"), "precedence"),
        ("list", Mail::new(MARY, "5").header("List-Id", "<all.clinic.example>"), "list"),
        ("no-reply", Mail::new("no-reply@clinic.example", "6"), "noreply"),
        ("DMARC fails", Mail::new(MARY, "7").proof(Proof::Fail), "dmarc_fail"),
    ];
    let house = House::open(&Plan::default()).await;
    for (case, mail, reason) in &robots {
        let ended = house.take(mail).await;
        assert_eq!(ended.action, "new", "{case}");
        let ticket = house.ticket(ended.ticket.unwrap()).await;
        let acks: Vec<_> = ticket.outbox.iter().filter(|row| row.kind == "received").collect();
        assert_eq!(acks.len(), 1, "{case}: one decision");
        assert_eq!(
            (acks[0].state.as_str(), acks[0].reason.as_deref()),
            ("suppressed", Some(*reason)),
            "{case}"
        );
    }
    house.sweep().await;
    assert!(house.to_customers().await.is_empty());
    // The twin: a person is answered, once.
    house.take(&Mail::new(MARY, "A person").header("Auto-Submitted", "no")).await;
    house.sweep().await;
    let rows = house.to_customers().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].state, "sent");
    // The breach desk keeps and shows a vacation notice, a bounce, spam and a receipt.
    let breach = [
        Mail::new(MARY, "Away").header("Auto-Submitted", "auto-replied").to(ALARM).bytes(),
        bounce("nothing@elsewhere.example"),
        Mail::new(MARY, "Win").header("X-Spam-Flag", "YES").to(ALARM).bytes(),
    ];
    for bytes in &breach {
        let ended = house.take_for("breach", bytes).await.unwrap();
        assert_eq!(ended.action, "new");
        assert!(house.ticket(ended.ticket.unwrap()).await.line.restricted);
    }
    house.sweep().await;
    assert_eq!(house.to_customers().await.len(), 1, "and answers none of them");
    // Its twin: a person's report is acknowledged, without content.
    let report = Mail::new(MARY, "WORDONE lost a laptop").to(ALARM).body("WORDTWO with records of patients.");
    house.take_for("breach", &report.bytes()).await.unwrap();
    house.sweep().await;
    assert_eq!(house.to_customers().await.len(), 2);
    let sent = house.mail("received", MARY).await;
    assert!(!sent.contains("WORDONE") && !sent.contains("WORDTWO"), "{sent}");
}

/// L4 without a server: what arrived during an outage is taken in order, each with its own arrival.
#[tokio::test]
async fn l4_files_of_ten_days_arrive_in_order() {
    let accounts = account("support", "help", "");
    let house = House::open(&Plan { accounts, ..Plan::default() }).await;
    for day in 0..10 {
        let when = noon() - chrono::TimeDelta::days(10 - day);
        house.drop_in("support", &format!("{day:02}"), &Mail::new(MARY, &format!("day {day}")).bytes(), when);
    }
    house.serve().await;
    let mut tickets = house.tickets().await;
    tickets.sort_by_key(|ticket| ticket.number);
    let subjects: Vec<String> = tickets.iter().map(|ticket| ticket.subject.clone()).collect();
    assert_eq!(subjects, (0..10).map(|day| format!("day {day}")).collect::<Vec<_>>());
    assert!(tickets.windows(2).all(|pair| pair[0].opened_at < pair[1].opened_at));
    assert_eq!(tickets[0].opened_at, noon() - chrono::TimeDelta::days(10), "arrival, not now");
    assert_eq!(house.to_customers().await.len(), 10, "mail of an outage is live");
}
