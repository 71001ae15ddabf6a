//! Providers are not the RFCs: L35, L36, L37.

use super::harness::{At, Sink};
use super::lessons_losing::bounce;
use super::lessons_support::{ANA, HELP, House, MARY, Mail, Plan, account, address_in, header, relay};

/// An agent's mail client answers the newest notification in the sink.
fn agents_answer(sink: &Sink, words: &str) -> Mail {
    let note = sink.mails_to(ANA).pop().unwrap().text();
    Mail::new(ANA, "Re: ticket").to(&address_in(&header(&note, "Reply-To").unwrap())).body(words)
}

/// L35: by `reverse_path`, what stands in MAIL FROM of an acknowledgment and of an agent's answer.
#[tokio::test]
async fn l35_reverse_paths_on_the_wire() {
    for policy in ["null", "desk", "verp"] {
        let sink = Sink::start();
        let house = House::open(&Plan { smtp: relay(sink.port, policy), ..Plan::default() }).await;
        house.take(&Mail::new(MARY, "A matter")).await;
        house.sweep().await;
        assert_eq!(house.take(&agents_answer(&sink, "Please try again.")).await.action, "answered");
        house.sweep().await;
        let mails = sink.mails_to(MARY);
        assert_eq!(mails.len(), 2, "{policy}");
        let (automatic, answer) = (&mails[0].from, &mails[1].from);
        let bounces = |from: &str| from.starts_with("help+") && from.ends_with("@desk.example");
        match policy {
            "null" => assert_eq!((automatic.as_str(), answer.as_str()), ("", HELP)),
            "desk" => assert_eq!((automatic.as_str(), answer.as_str()), (HELP, HELP)),
            _ => {
                assert!(bounces(automatic) && bounces(answer) && automatic == answer, "{automatic} {answer}");
            }
        }
        assert!(!answer.is_empty(), "{policy}: an answer's bounce must be seen");
        assert!(mails.iter().all(|mail| header(&mail.text(), "From").unwrap().contains(HELP)), "{policy}");
    }
}

/// L35: a relay that refuses the null path pauses the transport and alarms; nothing dies, and with
/// another policy everything goes.
#[tokio::test]
async fn l35_a_refused_null_path_kills_no_row() {
    let sink = Sink::start();
    sink.answer(At::Mail, "FROM:<>", "501 Invalid MAIL FROM address provided");
    let plan = Plan { smtp: relay(sink.port, "null"), ..Plan::default() };
    let house = House::open(&plan).await;
    house.take(&Mail::new(MARY, "A matter")).await;
    house.sweep().await;
    assert!(sink.mails_to(MARY).is_empty());
    let rows = house.to_customers().await;
    assert!(rows.iter().all(|row| ["queued", "later"].contains(&row.state.as_str())), "{rows:?}");
    let later = house.clock().now() + chrono::TimeDelta::hours(1);
    let house = house.restart(&Plan { smtp: relay(sink.port, "desk"), ..plan }, later).await;
    house.take(&Mail::new("tom@clinic.example", "Another matter")).await;
    house.sweep().await;
    assert_eq!(sink.mails_to("tom@clinic.example").len(), 1);
}

/// L35: a bounce finds its mail by the Message-ID it quotes, and by the bounce address alone.
#[tokio::test]
async fn l35_bounces_of_an_answer_come_back_to_the_ticket() {
    for by_address in [false, true] {
        let sink = Sink::start();
        let house = House::open(&Plan { smtp: relay(sink.port, "verp"), ..Plan::default() }).await;
        house.take(&Mail::new(MARY, "A matter")).await;
        house.sweep().await;
        house.later(5);
        house.take(&agents_answer(&sink, "Please try again.")).await;
        house.sweep().await;
        assert_eq!(house.ticket(1).await.line.state, "pending");
        let answer = sink.mails_to(MARY).pop().unwrap();
        let id = address_in(&header(&answer.text(), "Message-ID").unwrap());
        let report = if by_address {
            // SES gave the mail another Message-ID: only the address it came back to is ours.
            String::from_utf8(bounce("0100018f@ses.example"))
                .unwrap()
                .replace(HELP, &answer.from)
                .into_bytes()
        } else {
            bounce(&id)
        };
        let ended = house.take_for("support", &report).await.unwrap();
        assert_eq!((ended.reason, ended.ticket), ("bounce_matched", Some(1)), "by address: {by_address}");
        let ticket = house.ticket(1).await;
        assert_eq!(ticket.line.state, "open", "the customer never read it");
        assert!(ticket.outbox.iter().any(|row| row.kind == "answer" && row.bounced));
        house.sweep().await;
        assert_eq!(sink.mails_to(MARY).len(), 2, "a bounce causes no mail to the customer");
    }
}

/// L36: the relay renamed our mail; the customer's reply still finds its ticket by the signed root
/// in References, and by nothing else.
#[tokio::test]
async fn l36_the_signed_root_survives_a_renamed_message() {
    let house = House::open(&Plan::default()).await;
    house.take(&Mail::new(MARY, "A matter").id(Some("a@clinic.example"))).await;
    house.sweep().await;
    let ours = house.mail("received", MARY).await;
    let references = header(&ours, "References").unwrap();
    let root = references.split_whitespace().next().unwrap();
    assert_ne!(root, "<a@clinic.example>", "the signed root stands first");
    // SES: another Message-ID, the References as we wrote them; the client leaves out the rest.
    let renamed = "<0100018f-renamed@email.provider.example>";
    let reply = |references: &str| {
        Mail::new(MARY, "Re: A matter")
            .id(None)
            .header("In-Reply-To", renamed)
            .header("References", references)
    };
    let upper = root.to_uppercase();
    for (case, references) in [("as written", root), ("case lost", upper.as_str())] {
        let ended = house.take(&reply(references).body(case)).await;
        assert_eq!((ended.action, ended.ticket), ("joined", Some(1)), "{case}");
    }
    // The twin: without the root nothing known is left, and it is a ticket of its own.
    let ended = house.take(&reply(renamed).body("nothing known")).await;
    assert_eq!((ended.action, ended.ticket), ("new", Some(2)));
}

/// L37: the token is found wherever a server leaves it, in any case, under any carrier.
#[tokio::test]
async fn l37_plus_addresses_rewritten_folded_or_off() {
    let house = House::open(&Plan::default()).await;
    house.take(&Mail::new(MARY, "A matter")).await;
    house.sweep().await;
    let token = address_in(&header(&house.mail("received", MARY).await, "Reply-To").unwrap());
    let (local, _) = token.split_once('@').unwrap();
    assert!(local.len() <= 64, "RFC 5321 4.5.3.1.1");
    let folded = token.to_uppercase();
    let cases = [
        ("as written", Mail::new(MARY, "Re").to(&token)),
        ("case-folded", Mail::new(MARY, "Re").to(&folded)),
        (
            "rewritten to the primary address, Delivered-To left",
            Mail::new(MARY, "Re").header("Delivered-To", &token),
        ),
        ("X-Original-To", Mail::new(MARY, "Re").header("X-Original-To", &token)),
        ("Envelope-To", Mail::new(MARY, "Re").header("Envelope-To", &token)),
        ("in Cc", Mail::new(MARY, "Re").to("someone@clinic.example").header("Cc", &token)),
    ];
    for (case, mail) in &cases {
        let ended = house.take(mail).await;
        assert_eq!((ended.action, ended.ticket), ("joined", Some(1)), "{case}");
    }
    // The twin: the primary address alone is no key.
    assert_eq!(house.take(&Mail::new(MARY, "Re")).await.action, "new");
}

/// L37: with each carrier a reply finds its ticket by what our own mail offered.
#[tokio::test]
async fn l37_carriers() {
    for carrier in ["plus", "catchall", "references-only"] {
        let accounts = account("support", "help", &format!("token_carrier = \"{carrier}\"\n"));
        let house = House::open(&Plan { accounts, ..Plan::default() }).await;
        house.take(&Mail::new(MARY, "A matter")).await;
        house.sweep().await;
        let ours = house.mail("received", MARY).await;
        let reply_to = header(&ours, "Reply-To").map(|value| address_in(&value));
        let to = reply_to.clone().unwrap_or_else(|| HELP.into());
        match carrier {
            "plus" => assert!(to.starts_with("help+") && to.len() > 50),
            "catchall" => assert!(!to.starts_with("help") && to.ends_with("@desk.example")),
            _ => assert_eq!(to, HELP),
        }
        let root = header(&ours, "References").unwrap().split_whitespace().next().unwrap().to_owned();
        let mut reply = Mail::new(MARY, "Re").to(&to);
        if carrier == "references-only" {
            reply = reply.header("References", &root);
        }
        assert_eq!(house.take(&reply).await.action, "joined", "{carrier}");
    }
}
