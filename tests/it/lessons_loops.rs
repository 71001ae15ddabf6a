//! Loops and storms: L14, L15's default, L16, L17.

use super::lessons_support::{EVE, House, MARY, Mail, Plan, Proof, SALES, account, address_in, header, noon};

/// The headers by which a gateway shows that it is one.
const MARKS: [&str; 4] = ["auto-submitted:", "x-auto-response-suppress:", "x-mailward", "precedence:"];

/// A mail of one house on its way into the other, which knows the sender by another domain; a
/// forwarder between them may strip every mark of a robot.
fn on_its_way(mail: &str, (ours, theirs): (&str, &str), stripped: bool) -> Vec<u8> {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let kept = head
        .split("\r\n")
        .filter(|line| !(stripped && MARKS.iter().any(|mark| line.to_lowercase().starts_with(mark))));
    let text = format!("{}\r\n\r\n{body}", kept.collect::<Vec<_>>().join("\r\n"));
    let text = text
        .replace(theirs, "away.example")
        .replace("desk.example", ours)
        .replace("away.example", "desk.example");
    let path = if stripped { format!("<postbox@{ours}>") } else { "<>".to_owned() };
    format!("Return-Path: {path}\r\nReceived: from a by b; Tue, 13 May 2025 12:00:30 +0000\r\n{text}")
        .into_bytes()
}

/// L14: two gateways wired to each other write at most once each way, with all marks, and also where
/// a forwarder strips every mark: then threading ends it, for a reply is not acknowledged.
#[tokio::test]
async fn l14_two_gateways_write_at_most_once_each_way() {
    for (stripped, want) in [(false, (1, 0)), (true, (1, 1))] {
        let (left, right) = (House::open(&Plan::default()).await, House::open(&Plan::default()).await);
        left.take(&Mail::new("help@right.example", "Our ticket")).await;
        let (mut from_left, mut from_right) = (0, 0);
        for _ in 0..5 {
            from_left = wire(&left, &right, (from_left, ("left.example", "right.example")), stripped).await;
            from_right = wire(&right, &left, (from_right, ("right.example", "left.example")), stripped).await;
        }
        assert_eq!((from_left, from_right), want, "stripped {stripped}");
    }
}

/// Carries what `from` has newly written over to `to`; gives how much it has written by now.
async fn wire(from: &House, to: &House, (before, names): (usize, (&str, &str)), stripped: bool) -> usize {
    from.sweep().await;
    let rows = from.to_customers().await;
    for row in rows.iter().skip(before) {
        let file = from.scratch.join("out").join(format!("{}.eml", row.id));
        let mail = std::fs::read_to_string(file).unwrap();
        to.take_for("support", &on_its_way(&mail, names, stripped)).await;
        from.later(1);
        to.later(1);
    }
    rows.len()
}

/// L14, L17: caps hold back acknowledgments, never the mail to agents.
#[tokio::test]
async fn l14_caps_hold_back_acknowledgments_and_l17_never_agents() {
    let governor = "per_address_hour = 3\nper_address_day = 5\nper_mailbox_hour = 0".into();
    let house = House::open(&Plan { governor, ..Plan::default() }).await;
    for hour in 0..4 {
        for number in 0..5 {
            house.take(&Mail::new(EVE, &format!("hour {hour}, {number}"))).await;
        }
        house.later(61);
    }
    house.sweep().await;
    let rows = house.outbox().await;
    let count =
        |kind: &str, state: &str| rows.iter().filter(|row| row.kind == kind && row.state == state).count();
    assert_eq!((count("received", "sent"), count("received", "suppressed")), (5, 15), "3 an hour, 5 a day");
    assert!(
        rows.iter().filter(|row| row.state == "suppressed").all(|row| row.reason.as_deref() == Some("cap"))
    );
    assert_eq!(count("notification", "sent"), 20, "agents hear of every one");
    assert_eq!(house.tickets().await.len(), 20, "and every one is a ticket");
    // The twin: another sender is answered meanwhile.
    house.take(&Mail::new(MARY, "Another person")).await;
    house.sweep().await;
    assert_eq!(house.to_customers().await.len(), 6);
}

/// L15: history is the default, also for a directory of files.
#[tokio::test]
async fn l15_history_is_the_default() {
    for (first_run, sent) in [("first_run = \"history\"", 0), ("first_run = \"live\"", 30)] {
        let accounts = account("support", "help", first_run);
        let house = House::open(&Plan { accounts, ..Plan::default() }).await;
        for number in 0..30 {
            house.drop_in(
                "support",
                &format!("{number:02}"),
                &Mail::new(MARY, &format!("old {number}")).bytes(),
                noon(),
            );
        }
        house.serve().await;
        assert_eq!(house.tickets().await.len(), 30);
        let rows = house.outbox().await;
        assert_eq!(
            rows.iter().filter(|row| row.state != "suppressed" && row.kind == "received").count(),
            sent
        );
        assert_eq!(rows.iter().any(|row| row.kind == "notification"), sent > 0);
    }
}

/// L16: an acknowledgment holds nothing of what an outsider wrote; by grade it is sent or not.
#[tokio::test]
async fn l16_no_echo_and_none_where_dmarc_fails() {
    let help = "echo_subject = true".to_owned();
    let house = House::open(&Plan { help, ..Plan::default() }).await;
    // By grade: sent, and does the subject come back?
    let cases = [(Proof::Pass, true, true), (Proof::None, true, false), (Proof::Fail, false, false)];
    for (number, (proof, sent, echoed)) in cases.into_iter().enumerate() {
        let from = format!("person{number}@elsewhere.example");
        let mut mail =
            Mail::new(&from, "BUYTHIS at once").proof(proof).body("SPAMBODY http://shop.example/x");
        mail.name = "SPAMNAME".into();
        assert_eq!(house.take(&mail).await.action, "new");
        house.sweep().await;
        let rows = house.to_customers().await;
        let theirs: Vec<_> = rows.iter().filter(|row| row.recipient == from).collect();
        assert_eq!(theirs.len(), usize::from(sent), "{proof:?}");
        if sent {
            let text = house.mail("received", &from).await;
            assert_eq!(text.contains("BUYTHIS"), echoed, "{proof:?}");
            assert!(!text.contains("SPAMBODY") && !text.contains("SPAMNAME"), "{proof:?}\n{text}");
        } else {
            let ticket = house.ticket(i64::try_from(number + 1).unwrap()).await;
            assert!(ticket.messages[0].flags.contains(&"dmarc_fail".to_owned()), "kept and flagged");
        }
    }
    // Fail under p=none is no failure: acknowledged without echo.
    let lenient = String::from_utf8(Mail::new(EVE, "BUYTHIS too").proof(Proof::Fail).bytes()).unwrap();
    let lenient = lenient.replace("p=reject", "p=none");
    house.take_for("support", lenient.as_bytes()).await.unwrap();
    house.sweep().await;
    assert!(!house.mail("received", EVE).await.contains("BUYTHIS"));
}

/// The marks of RFC 3834 stand on every automatic mail, and its answer comes to the ticket.
#[tokio::test]
async fn l16_the_acknowledgment_is_marked_and_addressed() {
    let house = House::open(&Plan::default()).await;
    let mail = Mail::new(MARY, "A matter").id(Some("a@clinic.example"));
    house.take(&mail).await;
    house.sweep().await;
    let sent = house.mail("received", MARY).await;
    assert_eq!(header(&sent, "Auto-Submitted").as_deref(), Some("auto-replied"));
    assert_eq!(header(&sent, "In-Reply-To").as_deref(), Some("<a@clinic.example>"));
    let reply_to = address_in(&header(&sent, "Reply-To").unwrap());
    assert!(reply_to.starts_with("help+") && reply_to != SALES);
}
