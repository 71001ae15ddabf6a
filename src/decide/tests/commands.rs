//! Commands and their refusals.

use crate::decide::on_command::on_command;
use crate::decide::testing::*;
use crate::domain::command::{Command, Refusal};
use crate::domain::effect::Decision;
use crate::domain::facts::CommandFacts;
use crate::domain::ids::TicketId;
use crate::domain::outgoing::PublicText;
use crate::domain::text::RawText;
use crate::domain::ticket::{
    Actor, ClockKind, ClockState, CloseReason, Priority, TicketClock, TicketSnapshot, TicketState,
    TransitionError,
};
use crate::phi;

fn order(command: &Command, facts: &CommandFacts) -> Result<Decision, Refusal> {
    on_command(
        command,
        facts,
        scene(&policy(), "support", at("03-02 12:00")),
        Actor::Agent(agent_name("ana")),
    )
}
fn reply(text: &str, resolve: bool) -> Command {
    Command::Reply {
        text: PublicText::from_agent(RawText::new(text)),
        redacted: phi::no_customer_text(text),
        resolve,
    }
}
fn note(text: &str) -> Command {
    Command::Note { redacted: phi::no_customer_text(text), text: RawText::new(text) }
}
fn closed(reason: CloseReason) -> TicketSnapshot {
    ticket(TicketState::Closed { at: at("03-02 11:00"), reason })
}
fn merged() -> TicketSnapshot {
    TicketSnapshot { merged_into: Some(TicketId::new(id(8))), ..closed(CloseReason::Merged) }
}

type Row = (&'static str, Command, TicketSnapshot, &'static [&'static str], &'static [&'static str]);
type Change = fn(&mut TicketSnapshot);

#[test]
fn what_commands_do() {
    let open = || ticket(TicketState::Open);
    let resolved = ticket(TicketState::Resolved { at: at("03-02 11:00") });
    let rows: Vec<Row> = vec![
        (
            "reply",
            reply("Hi", false),
            open(),
            &[
                "action answered",
                "state pending",
                "mail answer to 1",
                "mail answer to 2",
                "assign ana",
                "reminded -",
            ],
            &["mail answer to 3"],
        ),
        (
            "reply that resolves",
            reply("Hi", true),
            open(),
            &["action resolved", "state resolved", "mail resolved to 1"],
            &["mail answer"],
        ),
        ("reply to a resolved one", reply("Hi", false), resolved.clone(), &["state pending"], &[]),
        ("note", note("called"), open(), &["action noted", "article out internal"], &["mail", "state"]),
        (
            "note on a closed one",
            note("called"),
            closed(CloseReason::Agent),
            &["article out internal"],
            &["mail"],
        ),
        ("resolve", Command::Resolve, open(), &["state resolved", "mail resolved to 1"], &["article"]),
        ("close", Command::Close, open(), &["state closed", "mail closed to 1"], &["article"]),
        (
            "close imported",
            Command::Close,
            TicketSnapshot { imported: true, ..open() },
            &["state closed"],
            &["mail"],
        ),
        ("reopen", Command::Reopen, closed(CloseReason::NoAnswer), &["state open"], &["mail"]),
    ];
    all_done(rows);
}

#[test]
fn what_commands_do_without_words() {
    let open = || ticket(TicketState::Open);
    let rows: Vec<Row> = vec![
        (
            "assign a new one",
            Command::Assign(Some(agent_name("ben"))),
            ticket(TicketState::New),
            &["assign ben", "state open", "mail notification to ben"],
            &["mail notification to ana"],
        ),
        (
            "assign oneself",
            Command::Assign(Some(agent_name("ana"))),
            open(),
            &["assign ana"],
            &["mail", "state"],
        ),
        ("assign nobody", Command::Assign(None), open(), &["assign -"], &["mail", "state"]),
        (
            "priority",
            Command::Priority(Priority::High),
            open(),
            &["priority high", "clocks response(due 03-02 12:00:00)", "due 03-02 12:00:00"],
            &["mail", "state"],
        ),
        (
            "priority of a waiting one",
            Command::Priority(Priority::High),
            pending(),
            &["priority high", "due 03-02 12:00:00"],
            &["clocks response"],
        ),
        (
            "priority of a closed one",
            Command::Priority(Priority::High),
            closed(CloseReason::Agent),
            &["priority high", "due -"],
            &["clocks r"],
        ),
        ("move", Command::Move(desk_name("other")), open(), &["MoveTo", "assign -"], &["mail", "state"]),
    ];
    all_done(rows);
}

fn all_done(rows: Vec<Row>) {
    for (name, command, ticket, has, not) in rows {
        let mut facts = command_facts(ticket);
        if name == "move" {
            facts.agent = None;
        }
        match order(&command, &facts) {
            Ok(decision) => check(name, &decision, has, not),
            Err(refusal) => panic!("{name}: {refusal}"),
        }
    }
}

#[test]
fn what_is_refused() {
    let open = || ticket(TicketState::Open);
    let closed = || closed(CloseReason::Agent);
    let state = Refusal::State;
    let nobody = TicketSnapshot { participants: Vec::new(), ..open() };
    let rows: Vec<(&str, Command, TicketSnapshot, Option<Refusal>)> = vec![
        ("reply when closed", reply("Hi", false), closed(), Some(state(TransitionError::Closed))),
        ("reply when merged", reply("Hi", false), merged(), Some(state(TransitionError::Merged))),
        ("empty reply", reply(" \n", false), open(), Some(Refusal::Empty)),
        ("empty note", note(" "), open(), Some(Refusal::Empty)),
        (
            "l24 marker",
            reply("--- mailward: write above this line ---\nHi", false),
            open(),
            Some(Refusal::Leak),
        ),
        ("nobody to answer", reply("Hi", false), nobody, Some(Refusal::NoRequester)),
        ("resolve when closed", Command::Resolve, closed(), Some(state(TransitionError::Closed))),
        ("close twice", Command::Close, closed(), Some(state(TransitionError::Closed))),
        ("reopen an open one", Command::Reopen, open(), Some(state(TransitionError::NotEnded))),
        ("reopen a merged one", Command::Reopen, merged(), Some(state(TransitionError::Merged))),
        ("assign when merged", Command::Assign(None), merged(), Some(state(TransitionError::Merged))),
        ("assign a stranger", Command::Assign(Some(agent_name("otto"))), open(), None),
        ("move to nowhere", Command::Move(desk_name("nowhere")), open(), None),
        ("move to a desk not one's own", Command::Move(desk_name("other")), open(), None),
    ];
    for (name, command, ticket, want) in rows {
        match (order(&command, &command_facts(ticket)), want) {
            (Err(got), Some(want)) => assert_eq!(got, want, "{name}"),
            (Err(Refusal::NotAllowed(_)), None) => {}
            (got, _) => panic!("{name}: {got:?}"),
        }
    }
}

#[test]
fn merging() {
    let other = |change: Change| {
        let mut other = TicketSnapshot { id: TicketId::new(id(8)), ..ticket(TicketState::Open) };
        change(&mut other);
        CommandFacts { other: Some(other), ..command_facts(ticket(TicketState::Open)) }
    };
    let done = order(&Command::Merge { force: false }, &other(|_| {})).unwrap();
    check("merges", &done, &["action merged", "MergeInto", "state closed", "due -"], &["mail"]);
    let refused: [(&str, Change, Refusal); 5] = [
        ("itself", |t| t.id = TicketId::new(id(7)), Refusal::Merge),
        ("merged", |t| t.merged_into = Some(TicketId::new(id(9))), Refusal::Merge),
        ("restricted", |t| t.restricted = true, Refusal::Merge),
        ("another desk's", |t| t.desk = desk_name("other"), Refusal::Merge),
        ("closed", |t| t.state = closed(CloseReason::Agent).state, Refusal::State(TransitionError::Closed)),
    ];
    for (name, change, want) in refused {
        assert_eq!(order(&Command::Merge { force: false }, &other(change)), Err(want), "{name}");
    }
    assert_eq!(
        order(&Command::Merge { force: false }, &command_facts(ticket(TicketState::Open))),
        Err(Refusal::Merge)
    );
}

#[test]
fn l14_notices_without_words_pass_the_governor_and_answers_do_not() {
    let robot = CommandFacts {
        never_notify: Some("auto_submitted".into()),
        ..command_facts(ticket(TicketState::Open))
    };
    let closed = order(&Command::Close, &robot).unwrap();
    check("close", &closed, &["state closed", "mail closed to 1 !auto_submitted"], &[]);
    check(
        "resolve",
        &order(&Command::Resolve, &robot).unwrap(),
        &["mail resolved to 1 !auto_submitted"],
        &[],
    );
    let answer = lines(&order(&reply("Hi", false), &robot).unwrap());
    assert!(answer.contains(&"mail answer to 1".into()), "{answer:?}");
    let person = lines(&order(&Command::Close, &command_facts(ticket(TicketState::Open))).unwrap());
    assert!(person.contains(&"mail closed to 1".into()), "{person:?}");
}

#[test]
fn an_answer_stops_the_clocks() {
    let clock = |kind, due| TicketClock::new(kind, ClockState::Running { due: at(due) });
    let clocks = vec![clock(ClockKind::Response, "03-02 14:00"), clock(ClockKind::Resolution, "03-04 10:00")];
    let facts = command_facts(TicketSnapshot { clocks, ..ticket(TicketState::Open) });
    check(
        "answer",
        &order(&reply("Hi", false), &facts).unwrap(),
        &["clocks response(met) resolution(left 50400)", "due -"],
        &[],
    );
    check(
        "resolve",
        &order(&reply("Hi", true), &facts).unwrap(),
        &["clocks response(met) resolution(met)"],
        &[],
    );
}
