//! Wrong ticket, leaks, impersonation: L18 to L24, through the whole application.

use super::lessons_support::{ANA, EVE, HELP, House, MARY, Mail, Plan, Proof, TOM, address_in, header};

/// Ticket 1 is Mary's, with Tom in copy of nothing; gives her Reply-To and the id of our mail.
async fn with_ticket(house: &House) -> (String, String) {
    let ended = house.take(&Mail::new(MARY, "Viewer shows nothing").id(Some("first@clinic.example"))).await;
    assert_eq!((ended.ticket, ended.action), (Some(1), "new"));
    house.sweep().await;
    let ours = house.mail("received", MARY).await;
    let reply_to = address_in(&header(&ours, "Reply-To").unwrap());
    let id = address_in(&header(&ours, "Message-ID").unwrap());
    (reply_to, id)
}

/// What a later mail becomes: the action, and its ticket.
async fn becomes(house: &House, mail: &Mail) -> (&'static str, Option<i64>) {
    let ended = house.take(mail).await;
    (ended.action, ended.ticket)
}

#[tokio::test]
async fn l18_an_empty_key_matches_nothing() {
    let house = House::open(&Plan::default()).await;
    let garbage = "x".repeat(4096);
    for (number, id) in ["<>", "\"\"", "< >", "<@>", "", &garbage].iter().enumerate() {
        let mail = Mail::new(MARY, "Same shape").id(None).body(&format!("matter {number}"));
        let mail = mail.header("Message-ID", id).header("In-Reply-To", id).header("References", id);
        let ended = house.take(&mail).await;
        assert_eq!((ended.action, ended.ticket), ("new", i64::try_from(number + 1).ok()), "{id:.20}");
    }
    // The twin: an identifier with substance joins.
    let mail = Mail::new(MARY, "With an id").id(Some("real@clinic.example"));
    assert_eq!(becomes(&house, &mail).await, ("new", Some(7)));
    assert_eq!(
        becomes(&house, &Mail::new(MARY, "Re").answers("real@clinic.example")).await,
        ("joined", Some(7))
    );
}

#[tokio::test]
async fn l19_the_table() {
    let house = House::open(&Plan::default()).await;
    let first = Mail::new(MARY, "Viewer shows nothing").to(&format!("{HELP}, bill@partner.example"));
    let first = first.id(Some("first@clinic.example"));
    assert_eq!(becomes(&house, &first).await, ("new", Some(1)));
    house.sweep().await;
    let ours = house.mail("received", MARY).await;
    let token = address_in(&header(&ours, "Reply-To").unwrap());
    let id = address_in(&header(&ours, "Message-ID").unwrap());
    let joined = ("joined", Some(1));
    let by_token = |from: &str| Mail::new(from, "Re: Viewer").to(&token);
    let by_theirs = |from: &str| Mail::new(from, "Re: Viewer").answers("first@clinic.example");
    let by_tag = |from: &str| Mail::new(from, "About [#1]");
    let joins = [
        ("token of A, A", by_token(MARY)),
        ("token of A, participant B", by_token("bill@partner.example")),
        ("token, same organisation, proven", by_token(TOM)),
        ("token and no proof, but A", by_token(MARY).proof(Proof::None)),
        ("reference to theirs, participant", by_theirs(MARY)),
        ("reference to ours, participant B", Mail::new("bill@partner.example", "Re").answers(&id)),
        ("tag, participant", by_tag(MARY)),
        ("address in other case", by_tag("MARY@Clinic.Example")),
        ("a failed candidate does not end the search", by_tag(MARY).answers("unknown@nowhere.example")),
    ];
    for (case, mail) in &joins {
        assert_eq!(becomes(&house, mail).await, joined, "{case}");
    }
    let opens = [
        ("token, same organisation, unproven", by_token(TOM).proof(Proof::None)),
        ("token, a stranger", by_token(EVE)),
        ("reference to theirs, a stranger", by_theirs(EVE)),
        ("reference, a colleague who is no participant", by_theirs(TOM)),
        ("tag, a stranger", by_tag(EVE)),
        ("tag, a colleague", by_tag(TOM)),
        ("token, DMARC fails under p=reject", by_token(MARY).proof(Proof::Fail)),
        ("reference, DMARC fails", by_theirs(MARY).proof(Proof::Fail)),
        ("tag, DMARC fails", by_tag(MARY).proof(Proof::Fail)),
        ("a bare number", Mail::new(MARY, "ticket 1, number 1, #1")),
    ];
    for (number, (case, mail)) in opens.iter().enumerate() {
        let next = i64::try_from(number + 2).ok();
        assert_eq!(becomes(&house, mail).await, ("new", next), "{case}");
        let related = house.ticket(next.unwrap()).await.possibly_related;
        let named = !case.contains("bare");
        assert_eq!(related, if named { vec![1] } else { vec![] }, "{case}");
    }
    let ticket = house.ticket(1).await;
    assert_eq!(ticket.messages.len(), 1 + joins.len());
    let newcomers = ticket.messages.iter().filter(|m| m.flags.contains(&"new_sender".to_owned())).count();
    assert_eq!(newcomers, 1, "the colleague is flagged");
    let people: Vec<&str> =
        ticket.participants.iter().filter(|p| p.role != "agent").map(|p| p.address.as_str()).collect();
    assert_eq!(people, [MARY, "bill@partner.example"], "and is no participant");
}

#[tokio::test]
async fn l19_gmail_knows_neither_dots_nor_tags() {
    let house = House::open(&Plan::default()).await;
    let mail = Mail::new("Ann.Other+desk@gmail.com", "Login").id(Some("g1@mail.example"));
    assert_eq!(becomes(&house, &mail).await, ("new", Some(1)));
    let same = Mail::new("annother@googlemail.com", "Re: Login").answers("g1@mail.example");
    assert_eq!(becomes(&house, &same).await, ("joined", Some(1)));
    // Elsewhere dots and tags make another person.
    let mail = Mail::new("ann.other@clinic.example", "Login").id(Some("c1@mail.example"));
    assert_eq!(becomes(&house, &mail).await, ("new", Some(2)));
    let other = Mail::new("annother@clinic.example", "Re: Login").answers("c1@mail.example");
    assert_eq!(becomes(&house, &other).await, ("new", Some(3)));
}

#[tokio::test]
async fn l20_holding_a_token_is_not_being_the_person() {
    let house = House::open(&Plan::default()).await;
    let (token, _) = with_ticket(&house).await;
    let answer = Mail::new(MARY, "Re").to(&token).body("The second viewer fails as well.");
    assert_eq!(becomes(&house, &answer).await, ("joined", Some(1)));
    // Eve holds it, names Tom in copy, and learns nothing: a ticket of her own, whose mail tells
    // only of itself.
    let eve = Mail::new(EVE, "Re: Viewer shows nothing").to(&format!("{token}, {TOM}"));
    assert_eq!(becomes(&house, &eve).await, ("new", Some(2)));
    house.sweep().await;
    let to_eve = house.mail("received", EVE).await;
    for secret in ["Viewer", "second viewer", "[#1]", MARY] {
        assert!(!to_eve.contains(secret), "{secret}");
    }
    let rows = house.to_customers().await;
    assert!(rows.iter().all(|row| row.recipient != TOM), "whom Eve names gets nothing");
    assert_eq!(house.ticket(1).await.participants.iter().filter(|p| p.role != "agent").count(), 1);
    // A changed token is none.
    let (local, domain) = token.split_once('@').unwrap();
    let mut letters: Vec<char> = local.chars().collect();
    // One within the signature: the last character holds padding.
    let signed = letters.iter_mut().rev().nth(9).unwrap();
    *signed = if *signed == 'a' { 'b' } else { 'a' };
    let forged = format!("{}@{domain}", letters.into_iter().collect::<String>());
    assert_eq!(becomes(&house, &Mail::new(MARY, "Re").to(&forged)).await, ("new", Some(3)));
    assert!(house.ticket(3).await.possibly_related.is_empty());
}

#[tokio::test]
async fn l21_the_same_subject_never_threads() {
    let house = House::open(&Plan::default()).await;
    let subject = "Viewer shows nothing";
    assert_eq!(
        becomes(&house, &Mail::new(MARY, subject).id(Some("s@clinic.example"))).await,
        ("new", Some(1))
    );
    assert_eq!(becomes(&house, &Mail::new(MARY, subject)).await, ("new", Some(2)));
    assert_eq!(becomes(&house, &Mail::new(MARY, &format!("Re: {subject}"))).await, ("new", Some(3)));
    let reply = Mail::new(MARY, "Something else entirely").answers("s@clinic.example");
    assert_eq!(becomes(&house, &reply).await, ("joined", Some(1)));
}

#[tokio::test]
async fn l23_reply_to_is_no_identity() {
    let house = House::open(&Plan::default()).await;
    let (token, _) = with_ticket(&house).await;
    let eve = Mail::new(EVE, "Re: Viewer").to(&token).header("Reply-To", MARY);
    assert_eq!(becomes(&house, &eve).await, ("new", Some(2)));
    let ticket = house.ticket(2).await;
    assert_eq!(ticket.line.requester.as_deref(), Some(EVE));
    assert!(ticket.messages[0].flags.contains(&"reply_to_differs".to_owned()));
    house.sweep().await;
    let rows = house.to_customers().await;
    let second: Vec<&str> =
        rows.iter().filter(|r| r.ticket == Some(2)).map(|r| r.recipient.as_str()).collect();
    assert_eq!(second, [EVE], "the acknowledgment goes to the author, not to whom they name");
    // The twin: Mary with a return address of her own is still Mary.
    let mary = Mail::new(MARY, "Re: Viewer").to(&token).header("Reply-To", "mary@home.example");
    assert_eq!(becomes(&house, &mary).await, ("joined", Some(1)));
}

/// An agent's mail client answers the notification and quotes all of it: with `> `, or as some
/// clients do, bare.
async fn agents_answer(house: &House, words: &str, quote: &str) -> Mail {
    let note = house.mail("notification", ANA).await;
    let to = address_in(&header(&note, "Reply-To").unwrap());
    let body = note.split_once("\r\n\r\n").unwrap().1.replace("\r\n", "\n");
    let quoted = body.lines().map(|line| format!("{quote}{line}")).collect::<Vec<_>>().join("\n");
    let id = address_in(&header(&note, "Message-ID").unwrap());
    let attribution = if quote.is_empty() { String::new() } else { format!("On Tuesday, {HELP} wrote:\n") };
    let mail = Mail::new(ANA, "Re: ticket").to(&to).answers(&id);
    mail.body(&format!("{words}\n\n{attribution}{quoted}"))
}

#[tokio::test]
async fn l24_internal_text_never_reaches_a_customer() {
    let house = House::open(&Plan::default()).await;
    let mail = Mail::new(MARY, "Viewer").body("CANARYWORD the viewer shows nothing.");
    assert_eq!(becomes(&house, &mail).await, ("new", Some(1)));
    house.sweep().await;
    assert!(
        house.mail("notification", ANA).await.contains("CANARYWORD"),
        "the canary is in the notification"
    );
    // A note stays inside.
    let note = agents_answer(&house, "#note\nINSIDEWORD: call the vendor.", "> ").await;
    assert_eq!(becomes(&house, &note).await.0, "noted");
    house.sweep().await;
    assert_eq!(house.to_customers().await.len(), 1, "only the acknowledgment");
    // The twin: an answer goes, exactly once, without notification, agent's address or note.
    for (count, quote) in ["> ", "", "| "].into_iter().enumerate() {
        house.later(5);
        let words = format!("We restarted it, attempt {count}.");
        let answer = agents_answer(&house, &words, quote).await;
        assert_eq!(becomes(&house, &answer).await, ("answered", Some(1)), "{quote:?}");
        house.sweep().await;
        let answers = house.to_customers().await.iter().filter(|row| row.kind == "answer").count();
        assert_eq!(answers, count + 1, "{quote:?}");
        let sent = house.mail("answer", MARY).await;
        assert!(sent.contains(&words), "{sent}");
        for inside in ["CANARYWORD", "INSIDEWORD", ANA, "team.example", "mailward: write", "Priority"] {
            assert!(!sent.contains(inside), "{quote:?}: {inside} is in\n{sent}");
        }
    }
}
