//! Breach desks: everything is stored and shown, nothing is closed by time, merged or moved (L8, L11).

use crate::decide::on_command::on_command;
use crate::decide::on_tick::on_tick;
use crate::decide::testing::*;
use crate::domain::command::{Command, Refusal};
use crate::domain::facts::Hint;
use crate::domain::message::{Grade, MessageClass, RobotSign};
use crate::domain::ticket::{Actor, TicketSnapshot, TicketState};

const CLASSES: [MessageClass; 10] = [
    MessageClass::Human,
    MessageClass::Autoreply,
    MessageClass::Receipt,
    MessageClass::Challenge,
    MessageClass::Calendar,
    MessageClass::Bounce,
    MessageClass::Feedback,
    MessageClass::Bulk,
    MessageClass::Spam,
    MessageClass::Encrypted,
];

fn restricted(state: TicketState) -> TicketSnapshot {
    TicketSnapshot {
        restricted: true,
        desk: desk_name("breach"),
        priority: crate::domain::ticket::Priority::Urgent,
        ..ticket(state)
    }
}

#[test]
fn l8_every_class_becomes_a_ticket_or_joins() {
    for class in CLASSES {
        let case = Case::from(REQUESTER).on("breach").class(class);
        let decision = case.decide();
        check(
            class.as_str(),
            &decision,
            &["action new", "opens urgent restricted", "mail notification to ana"],
            &["action held"],
        );
        let person = matches!(class, MessageClass::Human | MessageClass::Encrypted);
        assert_eq!(lines(&decision).contains(&"mail received to 1".to_owned()), person, "{class:?}");
        let joined = case.hint(Hint::InReplyTo, restricted(TicketState::Open)).decide();
        check(class.as_str(), &joined, &["action joined", "article in"], &["opens"]);
    }
}

#[test]
fn l8_a_bounce_on_a_breach_desk_is_shown() {
    let bounce = Case::from(STRANGER)
        .on("breach")
        .class(MessageClass::Bounce)
        .with(|c| c.mail.robot = vec![RobotSign::NullPath]);
    check(
        "unmatched",
        &bounce.decide(),
        &["opens urgent restricted", "article in auto bounce", "mail received to 1 !null_path"],
        &[],
    );
    let matched = bounce.bounce(restricted(TicketState::Open), false).decide();
    check("matched", &matched, &["action joined", "article in auto bounce"], &["opens"]);
}

#[test]
fn l11_a_copy_of_a_breach_report_shows_no_content() {
    let copy =
        Case::from(STRANGER).grade(Grade::Pass).with(|c| c.mail.cc = vec![mailbox("breach+x@help.example")]);
    let withheld = "[withheld: restricted";
    let opened = copy.decide();
    check(
        "opens",
        &opened,
        &[&format!("article in public withheld {withheld}")],
        &["article in public  redacted text"],
    );
    let joins = copy.clone().with(|c| {
        c.mail.from = Some(mailbox(REQUESTER));
        c.facts.sender = Some(key(REQUESTER));
    });
    let joined = joins.hint(Hint::InReplyTo, pending()).decide();
    check("joins", &joined, &["action joined", &format!("article in public withheld {withheld}")], &[]);
    for decision in [opened, joined] {
        let debug = format!("{:?}", decision.effects);
        assert!(!debug.contains("redacted text, 13 bytes"), "{debug}");
    }
    let alone = Case::from(STRANGER).decide();
    assert!(format!("{:?}", alone.effects).contains("redacted text, 13 bytes"));
    check(
        "its twin",
        &alone,
        &["article in public  redacted text"],
        &[&format!("article in public withheld {withheld}")],
    );
}

#[test]
fn breach_tickets_are_never_closed_by_time() {
    let policy = policy();
    let mut facts = quiet("03-09 10:00");
    facts.ticket.reminded_at = Some(at("03-05 10:00"));
    let tick = |facts| on_tick(facts, scene(&policy, "breach", at("03-09 10:00")));
    check("by desk", &tick(&facts), &["action looked"], &["state", "mail"]);
    facts.ticket.restricted = true;
    let support = on_tick(&facts, scene(&policy, "support", at("03-09 10:00")));
    check("by ticket", &support, &["action looked"], &["state", "mail"]);
    facts.ticket.restricted = false;
    let support = on_tick(&facts, scene(&policy, "support", at("03-09 10:00")));
    check("its twin", &support, &["action closed", "state closed"], &[]);
}

#[test]
fn breach_tickets_are_never_merged_or_moved() {
    let policy = policy();
    let mut facts = command_facts(restricted(TicketState::Open));
    facts.other =
        Some(TicketSnapshot { id: crate::domain::ids::TicketId::new(id(8)), ..facts.ticket.clone() });
    let order =
        |command| on_command(&command, &facts, scene(&policy, "breach", at("03-02 12:00")), Actor::System);
    assert_eq!(order(Command::Merge { force: true }), Err(Refusal::Restricted("merged")));
    assert_eq!(order(Command::Move(desk_name("support"))), Err(Refusal::Restricted("moved")));
    check("an agent closes", &order(Command::Close).unwrap(), &["action closed", "state closed"], &["mail"]);
    let open = command_facts(ticket(TicketState::Open));
    let moved = on_command(
        &Command::Move(desk_name("breach")),
        &open,
        scene(&policy, "support", at("03-02 12:00")),
        Actor::System,
    );
    assert!(matches!(moved, Err(Refusal::NotAllowed(_))));
}
