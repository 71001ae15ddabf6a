//! What a reply does to the ticket it joins: reopening, follow-ups, clocks.

use crate::decide::testing::*;
use crate::domain::facts::Hint;
use crate::domain::ids::TicketId;
use crate::domain::ticket::{ClockKind, ClockState, CloseReason, TicketClock, TicketSnapshot, TicketState};

fn reply(ticket: TicketSnapshot, arrived: &str) -> crate::domain::effect::Decision {
    Case::from(REQUESTER).hint(Hint::InReplyTo, ticket).arrived(arrived).decide()
}
fn closed() -> TicketSnapshot {
    ticket(TicketState::Closed { at: at("03-05 09:00"), reason: CloseReason::NoAnswer })
}

#[test]
fn a_reply_within_reopen_days_reopens_and_later_follows_up() {
    let cases: [(&str, &str, &[&str], &[&str]); 4] = [
        (
            "the next day",
            "03-06 09:00",
            &["action reopened", "state open", "mail notification to ana"],
            &["opens", "mail received"],
        ),
        ("on the last instant", "03-19 09:00:00", &["action reopened"], &["opens"]),
        (
            "a second later",
            "03-19 09:00:01",
            &["action follow_up", "opens medium", "mail received to 1"],
            &["state"],
        ),
        (
            "l32 before the close, fetched after",
            "03-05 08:59:59",
            &["action reopened", "state open"],
            &["opens"],
        ),
    ];
    for (name, when, has, not) in cases {
        check(name, &reply(closed(), when), has, not);
    }
    let resolved = ticket(TicketState::Resolved { at: at("03-05 09:00") });
    check("resolved", &reply(resolved, "03-06 09:00"), &["action reopened", "state open"], &[]);
}

#[test]
fn a_follow_up_names_what_it_follows() {
    let decision = reply(closed(), "04-01 09:00");
    let crate::domain::effect::Subject::New(new) = decision.subject else { panic!("opens") };
    assert_eq!(new.follow_up_of, Some(TicketId::new(id(7))));
}

#[test]
fn a_reply_wakes_what_waited_and_leaves_a_new_ticket_new() {
    check(
        "pending",
        &reply(pending(), "03-03 10:00"),
        &["action joined", "state open", "mail notification to ana"],
        &["mail received"],
    );
    check(
        "new",
        &reply(ticket(TicketState::New), "03-03 10:00"),
        &["action joined", "mail notification to ana"],
        &["state"],
    );
    let mut reminded = pending();
    reminded.reminded_at = Some(at("03-03 09:00"));
    check("reminded", &reply(reminded, "03-03 10:00"), &["reminded -"], &[]);
}

#[test]
fn only_the_assignee_is_told_and_everyone_when_they_left_the_desk() {
    let assigned = |name| TicketSnapshot { assignee: Some(agent_name(name)), ..pending() };
    check(
        "ben",
        &reply(assigned("ben"), "03-03 10:00"),
        &["mail notification to ben"],
        &["mail notification to ana"],
    );
    let all = ["mail notification to ana", "mail notification to ben"];
    check("otto left", &reply(assigned("otto"), "03-03 10:00"), &all, &["mail notification to otto"]);
}

#[test]
fn clocks_run_on_with_what_was_left() {
    let clock = |kind, state| TicketClock::new(kind, state);
    let mut waiting = pending();
    waiting.clocks = vec![
        clock(ClockKind::Response, ClockState::Met { at: at("03-02 12:00") }),
        clock(ClockKind::Resolution, ClockState::Paused { left_s: 3600 * 10 }),
    ];
    // Ten business hours from Friday 12:00: five on Friday, five on Monday.
    let decision = reply(waiting, "03-06 12:00");
    check(
        "over a weekend",
        &decision,
        &["clocks response(met) resolution(due 03-09 14:00:00)", "due 03-09 14:00:00"],
        &[],
    );
    let mut ended = closed();
    ended.clocks = vec![clock(ClockKind::Resolution, ClockState::Met { at: at("03-05 09:00") })];
    let decision = reply(ended, "03-06 09:00");
    check("promised anew", &decision, &["clocks resolution(due 03-09 17:00:00)"], &[]);
}
