//! Policy through the whole application: held mail, clocks that wait for the acknowledgment, pages,
//! estimates, merges that are taken back, copies of a breach report, tickets that moved.

use mailward::cli::args::{Config, Held, Review};
use mailward::cli::{self, args};
use mailward::domain::command::Command;
use mailward::domain::ids::{AgentName, DeskName, TicketNumber};
use mailward::worker::command::Order;

use super::harness::{At, Sink};
use super::lessons_support::{
    ANA, EVE, HELP, House, MARY, Mail, Plan, TOM, address_in, at, header, noon, relay,
};

fn number(number: i64) -> TicketNumber {
    TicketNumber::new(number).unwrap()
}

async fn order(house: &House, ticket: i64, command: Command, other: Option<i64>) {
    let agent = AgentName::parse("ana").unwrap();
    let order = Order { number: number(ticket), agent, command, other: other.map(number) };
    house.office.commands().carry_out(&order, "op").await.unwrap();
}

async fn reply_to(house: &House, kind: &str, to: &str) -> String {
    address_in(&header(&house.mail(kind, to).await, "Reply-To").unwrap())
}

/// The notices of a kind and whom they went to, in order.
async fn told(house: &House, kind: &str) -> Vec<String> {
    let rows = house.outbox().await;
    let rows = rows.into_iter().filter(|row| row.kind == kind && row.state != "suppressed");
    rows.map(|row| row.recipient).collect()
}

fn with(help: &str) -> Plan {
    Plan { help: help.into(), ..Plan::default() }
}

fn review(house: &House, id: &str, agent: &str) -> Review {
    Review {
        config: Config { config: house.config.clone() },
        id: id.into(),
        agent: agent.into(),
        at: args::At { at: Some(house.clock().now()) },
    }
}

#[tokio::test]
async fn tuotempo_and_rxhealth_who_may_open_held_mail_is_released_or_refused_and_never_lost() {
    let target = "[[target]]\npriority = \"medium\"\nresponse = \"2h elapsed\"";
    let house = House::open(&with(&format!("submitters = [\"admin\"]\n{target}"))).await;
    let first = house.take(&Mail::new(EVE, "Viewer dark")).await;
    assert_eq!((first.action, first.state, first.ticket), ("held", "held", None));
    let second = house.take(&Mail::new(EVE, "Viewer bright")).await;
    house.sweep().await;
    assert_eq!(house.balance().await.held, 2, "counted, and the books balance");
    assert_eq!((told(&house, "held").await.len(), told(&house, "review").await.len()), (2, 2));
    assert!(house.tickets().await.is_empty(), "no number is spent");
    let notice = house.mail("held", EVE).await;
    assert!(!notice.contains("[#") && notice.contains("waits for a review"), "{notice}");
    assert_eq!(header(&notice, "Reply-To").as_deref(), Some(HELP));
    let waits = house.mail("review", ANA).await;
    let either = |id: &str| waits.replace("=\r\n", "").contains(id);
    assert!(either(&first.ledger.to_string()) || either(&second.ledger.to_string()), "{waits}");
    // Only an agent of the desk decides; an hour later the first is released, the second refused.
    house.later(60);
    let (id, other) = (first.ledger.to_string(), second.ledger.to_string());
    assert!(cli::held::run(Held::Release(review(&house, &id, "carla"))).await.is_err());
    cli::held::run(Held::Release(review(&house, &id, "ana"))).await.unwrap();
    cli::held::run(Held::Refuse(review(&house, &other, "ana"))).await.unwrap();
    house.serve().await;
    let sum = house.balance().await;
    assert_eq!((sum.incoming, sum.tickets, sum.ignored, sum.held), (2, 1, 1, 0));
    let ticket = house.ticket(1).await;
    assert_eq!(ticket.line.opened_at, noon());
    assert_eq!(ticket.clocks[0].due, Some(at("2025-05-13T14:00:00Z")), "clocks count from the arrival");
    assert_eq!(told(&house, "received").await, [EVE]);
    assert!(house.office.store.audit_verify().await.unwrap().ok);
}

/// State and deadline of a ticket's clocks.
async fn states(house: &House) -> Vec<(String, Option<super::lessons_support::Instant>)> {
    house.ticket(1).await.clocks.iter().map(|clock| (clock.state.clone(), clock.due)).collect()
}

#[tokio::test]
async fn offsite_clock_start_waits_until_smtp_accepted_the_acknowledgment() {
    let sink = Sink::start();
    sink.answer(At::Recipient, "mary@", "450 4.2.0 later");
    let help = "clock_start = \"acknowledged\"\n[[target]]\npriority = \"medium\"\nresolution = \"8h elapsed\"\n\
                update = \"1h elapsed\"";
    let house = House::open(&Plan { smtp: relay(sink.port, "null"), ..with(help) }).await;
    house.take(&Mail::new(MARY, "Viewer slow")).await;
    house.sweep().await;
    assert!(states(&house).await.iter().all(|(state, due)| state == "paused" && due.is_none()));
    sink.recover();
    house.later(30);
    house.sweep().await;
    house.sweep().await;
    let (resolution, update) = (at("2025-05-13T20:30:00Z"), at("2025-05-13T13:30:00Z"));
    let running = |due| ("running".to_owned(), Some(due));
    assert_eq!(states(&house).await, [running(resolution), running(update)]);
}

#[tokio::test]
async fn offsite_outside_hours_a_page_that_is_refused_takes_the_second_channel() {
    let help = "[after_hours]\ncap = \"low\"\nexcept = [\"urgent\"]\non_call = [\"oncall@team.example\"]\n\
                on_call_second = [\"backup@team.example\"]\n\
                [[rule]]\nid = \"down\"\nsays = \"all is down\"\nany = [\"all is down\"]\npriority = \"urgent\"";
    for (refused, want) in [(true, vec!["backup@team.example".to_owned()]), (false, vec![])] {
        let sink = Sink::start();
        if refused {
            sink.answer(At::Recipient, "oncall@", "550 5.1.1 nobody");
        }
        let house = House::open(&Plan { smtp: relay(sink.port, "null"), ..with(help) }).await;
        house.clock().set(at("2025-05-18T12:00:00Z"));
        house.take(&Mail::new(MARY, "Help").body("It seems that all is down here.")).await;
        house.sweep().await;
        house.sweep().await;
        house.sweep().await;
        assert_eq!(told(&house, "page").await, ["oncall@team.example"]);
        assert_eq!(told(&house, "page_second").await, want, "refused {refused}");
        let page = sink.mails_to(if refused { "backup@team.example" } else { "oncall@team.example" });
        assert_eq!(page.len(), 1);
        assert!(!page[0].text().contains("seems that"), "no content");
    }
}

#[tokio::test]
async fn rxhealth_requests_an_answer_without_an_estimate_goes_back_to_the_agent() {
    let house = House::open(&with("eta = [\"request\"]\n[priority]\ndefault_category = \"request\"")).await;
    house.take(&Mail::new(MARY, "New account")).await;
    house.sweep().await;
    let anas = reply_to(&house, "notification", ANA).await;
    let without = house.take(&Mail::new(ANA, "Re").to(&anas).body("We set it up.")).await;
    assert_eq!(without.action, "refused");
    house.sweep().await;
    assert!(told(&house, "answer").await.is_empty());
    let refusal = house.mail("refusal", ANA).await;
    assert!(refusal.contains("#eta"), "{refusal}");
    let answer = Mail::new(ANA, "Re").to(&anas).body("#eta 2025-05-20\n\nWe set it up.");
    assert_eq!(house.take(&answer).await.action, "answered");
    house.sweep().await;
    let mail = house.mail("answer", MARY).await;
    assert!(mail.contains("Estimated resolution: Tuesday, May 20, 2025"), "{mail}");
    assert_eq!(house.ticket(1).await.eta.as_deref(), Some("2025-05-20"));
}

/// The tickets that one may belong to, and why.
async fn related(house: &House, ticket: i64) -> Vec<(i64, String)> {
    house.ticket(ticket).await.related.into_iter().map(|other| (other.ticket, other.reason)).collect()
}

#[tokio::test]
async fn tuotempo_one_ticket_per_incident_a_proposal_is_merged_by_mail_and_taken_back() {
    let house = House::open(&with("notices = [\"duplicate\"]")).await;
    let words = "The booking page shows error 502 and patients cannot confirm their appointments.";
    house.take(&Mail::new(MARY, "Booking page").body(words)).await;
    house
        .take(
            &Mail::new(TOM, "Error 502")
                .body("Patients cannot confirm appointments: booking page, error 502."),
        )
        .await;
    house.take(&Mail::new(EVE, "Booking page").body(words)).await;
    house.sweep().await;
    let proposed = related(&house, 2).await;
    assert!(
        proposed.len() == 1 && proposed[0].0 == 1 && proposed[0].1.starts_with("similar"),
        "{proposed:?}"
    );
    assert_eq!(house.ticket(2).await.possibly_related, [1]);
    assert!(related(&house, 3).await.is_empty(), "another organisation's words are another matter");
    let rows = house.outbox().await;
    let to_two = rows.iter().find(|row| row.kind == "notification" && row.ticket == Some(2)).unwrap();
    let path = house.scratch.join("out").join(format!("{}.eml", to_two.id));
    let notification = std::fs::read_to_string(path).unwrap();
    assert!(notification.contains("#merge"), "{notification}");
    let anas = address_in(&header(&notification, "Reply-To").unwrap());
    let toms = reply_to(&house, "received", TOM).await;
    let before = house.balance().await;
    let merged = house.take(&Mail::new(ANA, "Re").to(&anas).body("#merge 1")).await;
    assert_eq!(merged.action, "merged");
    house.sweep().await;
    assert_eq!(told(&house, "duplicate").await, [TOM]);
    let (one, two) = (house.ticket(1).await, house.ticket(2).await);
    assert_eq!((one.messages.len(), two.messages.len(), two.line.merged_into), (2, 0, Some(1)));
    assert_eq!(one.participants.iter().filter(|p| p.role != "agent").count(), 2);
    assert_eq!(house.balance().await.tickets, before.tickets, "a mail that opened a ticket stays one");
    let later = house.take(&Mail::new(TOM, "Re").to(&toms).body("Still so.")).await;
    assert_eq!((later.action, later.ticket), ("joined", Some(1)), "its tokens lead to the survivor");
    order(&house, 2, Command::Unmerge, None).await;
    let (one, two) = (house.ticket(1).await, house.ticket(2).await);
    assert_eq!((one.messages.len(), two.messages.len(), two.line.state.as_str()), (2, 1, "open"));
    assert_eq!(one.participants.iter().filter(|p| p.role != "agent").count(), 1);
    assert!(two.messages[0].text.contains("booking page"));
    let again = house.take(&Mail::new(TOM, "Re").to(&toms).body("And again.")).await;
    assert_eq!((again.action, again.ticket), ("joined", Some(2)));
    assert!(house.office.store.audit_verify().await.unwrap().ok);
}

#[tokio::test]
async fn every_desk_a_merge_of_strangers_is_refused_by_mail() {
    let house = House::open(&Plan::default()).await;
    house.take(&Mail::new(MARY, "One")).await;
    house.take(&Mail::new(EVE, "Two")).await;
    house.sweep().await;
    let anas = reply_to(&house, "notification", ANA).await;
    let merged = house.take(&Mail::new(ANA, "Re").to(&anas).body("#merge 1")).await;
    assert_eq!(merged.action, "refused");
    assert_eq!(house.ticket(2).await.line.merged_into, None);
    house.sweep().await;
    assert!(house.mail("refusal", ANA).await.contains("different customers"));
}

/// L11: the breach address stood in Bcc: no header names it, and still the support copy shows nothing.
#[tokio::test]
async fn l11_a_blind_copy_to_the_breach_desk_withholds_the_support_copy() {
    for (first, second, number) in [("breach", "support", 2), ("support", "breach", 1)] {
        blind_copy(first, second, number).await;
    }
}

async fn blind_copy(first: &str, second: &str, number: i64) {
    let house = House::open(&Plan::default()).await;
    let mail = Mail::new(MARY, "SECRETSUBJECT").body("SECRETBODY about the laptop.").bytes();
    house.take_for(first, &mail).await.unwrap();
    house.take_for(second, &mail).await.unwrap();
    let copy = house.ticket(number).await;
    assert!(copy.messages[0].flags.contains(&"withheld".to_owned()), "{copy:?}");
    assert!(!copy.messages[0].text.contains("SECRET") && !copy.line.subject.contains("SECRET"));
    // The twin: a mail that no breach desk has is shown.
    house.take_for("support", &Mail::new(MARY, "Plain").bytes()).await.unwrap();
    assert!(house.ticket(3).await.line.subject.contains("Plain"));
}

#[tokio::test]
async fn a_bare_reference_follows_a_ticket_that_moved() {
    let house = House::open(&Plan::default()).await;
    house.take(&Mail::new(MARY, "For the other desk")).await;
    house.sweep().await;
    let ours = house.mail("received", MARY).await;
    let id = header(&ours, "Message-ID").unwrap();
    let id = id.trim_matches(['<', '>']);
    order(&house, 1, Command::Move(DeskName::parse("sales").unwrap()), None).await;
    let reply = house.take(&Mail::new(MARY, "Re: For the other desk").answers(id)).await;
    assert_eq!((reply.action, reply.ticket), ("joined", Some(1)));
    let stranger = house.take(&Mail::new(EVE, "Re").answers(id)).await;
    assert_eq!(stranger.action, "new", "the table of L19 holds there, too");
}
