//! Duplicates: L6, L10, L11, L12, and L9 of two gateways on one mailbox.

use mailward::domain::ids::{AgentName, TicketNumber};
use mailward::domain::ticket::Actor;
use mailward::store::Ids;
use mailward::worker::command::CommandError;

use super::lessons_support::{ALARM, ANA, HELP, House, MARY, Mail, Plan, SALES, account, noon};

/// One mail as two servers may render it: boundaries, encodings, folding, Received, line ends.
fn rendered(boundary: &str, base64: bool) -> Vec<u8> {
    let (encoding, body) = if base64 {
        let text = "T2zDoSwgYSB0ZWxhIGVzdMOhIGVtIGJyYW5jby4NCk9icmlnYWRhIQ0K";
        ("base64", text)
    } else {
        ("quoted-printable", "Ol=C3=A1, a tela est=C3=A1 em=\r\n branco.\r\nObrigada!\r\n")
    };
    let received = if base64 { "Received: from a by b; Tue, 13 May 2025 11:59:01 +0000\r\n" } else { "" };
    format!(
        "{received}Return-Path: <{MARY}>\r\nFrom: {}<{MARY}>\r\nTo: {HELP}\r\nSubject:{}A tela em branco\r\n\
         Date: Tue, 13 May 2025 {}\r\nMessage-ID: <tela@clinic.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n\
         Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n\
         --{boundary}\r\nContent-Type: application/octet-stream; name=\"a.bin\"\r\n\
         Content-Disposition: attachment; filename=\"a.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         AAECAwQFBgc=\r\n--{boundary}--\r\n",
        if base64 { "Mary " } else { "\"Mary\" " },
        if base64 { " " } else { "\r\n " },
        if base64 { "11:59:00 +0000" } else { "06:59:00 -0500" },
    )
    .into_bytes()
}

#[tokio::test]
async fn l6_identity_is_content_not_transport() {
    let house = House::open(&Plan::default()).await;
    let first = house.take_for("support", &rendered("one", true)).await.unwrap();
    assert_eq!((first.action, first.ticket), ("new", Some(1)));
    let again = house.take_for("support", &rendered("two", false)).await.unwrap();
    assert_eq!((again.action, again.state), ("duplicate", "ignored"));
    let row = house.ledger().await.into_iter().find(|row| row.state == "ignored").unwrap();
    assert_eq!(row.duplicate_of, Some(first.ledger.to_string()));
    assert_eq!(house.ticket(1).await.messages.len(), 1);
    // A carrier that reuses its ids: other content under the same id is a new article, flagged.
    let other = Mail::new(MARY, "Another matter").id(Some("tela@clinic.example"));
    let ended = house.take(&other).await;
    assert_eq!((ended.action, ended.ticket), ("new", Some(2)));
    assert!(house.ticket(2).await.messages[0].flags.contains(&"repeated_message_id".to_owned()));
    // The same words under another id are another mail.
    let base = other.id(Some("third@clinic.example"));
    assert_eq!(house.take(&base).await.ticket, Some(3));
    house.sweep().await;
    assert_eq!(house.to_customers().await.len(), 3, "one acknowledgment a ticket, none for the copy");
}

/// L10: a transaction that cannot be finished leaves nothing of the mail in any table.
#[tokio::test]
async fn l10_ticket_and_all_that_hangs_on_it_commit_as_one() {
    let house = House::open(&Plan::default()).await;
    let cut = "UPDATE ON ledger WHEN NEW.state = 'committed' BEGIN SELECT RAISE(ABORT, 'cut'); END";
    house.sql(&format!("CREATE TRIGGER fault BEFORE {cut}")).await;
    let mail = Mail::new(MARY, "All or nothing");
    assert_eq!(house.take(&mail).await.state, "quarantined");
    assert!(house.tickets().await.is_empty());
    assert!(house.outbox().await.is_empty(), "no mail of a ticket that is not there");
    house.sql("DROP TRIGGER fault").await;
    // The twin: without the fault all of it is there, the number unspent.
    let ended = house.take(&Mail::new(MARY, "All of it")).await;
    assert_eq!(ended.ticket, Some(1));
    let ticket = house.ticket(1).await;
    let kinds: Vec<&str> = ticket.outbox.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(
        (ticket.messages.len(), kinds.contains(&"received"), kinds.contains(&"notification")),
        (1, true, true)
    );
}

/// L11: one mail to two mailboxes makes a ticket each, linked; to support and to the breach address,
/// the support copy shows no content to anyone.
#[tokio::test]
async fn l11_one_mail_to_two_mailboxes() {
    for breach_first in [true, false] {
        let house = House::open(&Plan::default()).await;
        let mail = Mail::new(MARY, "SECRETSUBJECT of our matter").to(&format!("{HELP}, {ALARM}"));
        let mail = mail.body("SECRETBODY about the laptop.").bytes();
        let order = if breach_first { ["breach", "support"] } else { ["support", "breach"] };
        for account in order {
            assert_eq!(house.take_for(account, &mail).await.unwrap().action, "new", "{account}");
        }
        house.sweep().await;
        let (first, second) = (house.ticket(1).await, house.ticket(2).await);
        assert_eq!(second.possibly_related, [1], "linked");
        let (master, copy) = if breach_first { (first, second) } else { (second, first) };
        assert!(master.line.restricted && !copy.line.restricted);
        assert!(master.messages[0].text.contains("SECRETBODY"));
        let (number, ana) = (TicketNumber::new(copy.line.number).unwrap(), AgentName::parse("ana").unwrap());
        let entitled = house.office.commands().entitled(number, &ana).await;
        assert!(matches!(entitled, Err(CommandError::Withheld(_))), "its original is the breach desk's");
        let copy = serde_json::to_string(&copy).unwrap();
        assert!(!copy.contains("SECRETBODY") && !copy.contains("SECRETSUBJECT"), "{copy}");
        let note = house.mail("notification", ANA).await;
        assert!(!note.contains("SECRET"), "{note}");
        // Per account a copy is a copy.
        let again = [mail.as_slice(), b"\r\n"].concat();
        assert_eq!(house.take_for("support", &again).await.unwrap().action, "duplicate");
    }
}

/// The twin of L11: between two support desks the content is shown in both.
#[tokio::test]
async fn l11_two_support_desks_both_show_it() {
    let accounts = format!("{}{}", account("support", "help", ""), account("sales", "sales", ""));
    let house = House::open(&Plan { accounts, ..Plan::default() }).await;
    let mail = Mail::new(MARY, "Our matter").to(&format!("{HELP}, {SALES}")).body("PLAINWORD here.").bytes();
    for account in ["support", "sales"] {
        house.take_for(account, &mail).await.unwrap();
    }
    for number in [1, 2] {
        let (ticket, ana) = (TicketNumber::new(number).unwrap(), AgentName::parse("ana").unwrap());
        house.office.commands().entitled(ticket, &ana).await.unwrap();
        assert!(house.ticket(number).await.messages[0].text.contains("PLAINWORD"));
    }
}

#[tokio::test]
async fn l12_an_erased_ticket_does_not_come_back() {
    let plan = Plan::default();
    let house = House::open(&plan).await;
    let erased = Mail::new(MARY, "Please forget this");
    house.drop_in("support", "1", &erased.bytes(), noon());
    house.drop_in("support", "2", &Mail::new(MARY, "Keep this").bytes(), noon());
    let copy = |number: usize| [erased.bytes().as_slice(), "\r\n".repeat(number).as_bytes()].concat();
    house.drop_in("support", "3", &copy(1), noon());
    house.serve().await;
    assert_eq!(house.tickets().await.len(), 2);
    let ids = Ids::new(noon(), house.office.random());
    let number = TicketNumber::new(1).unwrap();
    let reason = ("they asked", "op");
    house.office.store.erase_ticket(number, &Actor::Operator("op".into()), reason, &ids).await.unwrap();
    assert_eq!(house.count("original").await, 1, "its copy is erased with it");
    // The mail still lies in the mailbox: a poll by a fresh process, and another copy.
    house.drop_in("support", "4", &copy(2), noon());
    let house = house.restart(&plan, noon()).await;
    house.serve().await;
    assert_eq!(house.tickets().await.len(), 2, "nothing came back");
    assert_eq!(house.to_customers().await.len(), 2, "and nobody was answered again");
    let erased = house.ticket(1).await;
    assert_eq!(erased.messages[0].text, "");
    assert_eq!((erased.line.state.as_str(), erased.line.due), ("closed", None), "it lives no longer");
    let balance = house.balance().await;
    assert_eq!((balance.stored, balance.erased), (0, 2), "the mail and its copy");
    for table in ["original", "original_key"] {
        assert_eq!(house.count(table).await, 1, "what comes again is not kept again");
    }
    // The twin: what was never there is taken.
    house.drop_in("support", "5", &Mail::new(MARY, "Something new").bytes(), noon());
    house.serve().await;
    assert_eq!(house.tickets().await.len(), 3);
}

/// L9: two gateways on one database and one mailbox make one ticket a mail.
#[tokio::test(flavor = "multi_thread")]
async fn l9_two_gateways_make_one_ticket_a_mail() {
    let house = House::open(&Plan::default()).await;
    for number in 0..100 {
        let mail = Mail::new(MARY, &format!("Matter {number}"));
        house.drop_in("support", &format!("{number:03}"), &mail.bytes(), noon());
    }
    let other = match mailward::cli::office::Office::open(&house.config, Some(noon())).await {
        Ok(office) => office,
        Err(stop) => panic!("{}", stop.message),
    };
    let both = [&house.office, &other].map(|office| {
        let workers = mailward::cli::serve::workers(office).unwrap();
        tokio::spawn(mailward::serve::run(workers, tokio_util::sync::CancellationToken::new(), false))
    });
    for _ in 0..600 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let rows = house.to_customers().await;
        if rows.len() >= 100 && rows.iter().all(|row| row.state == "sent") {
            break;
        }
    }
    for task in both {
        task.abort();
    }
    let balance = house.balance().await;
    assert_eq!((balance.incoming, balance.tickets), (100, 100));
    assert_eq!(house.to_customers().await.len(), 100);
}
