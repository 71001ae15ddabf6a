//! Clocks: pause, resume, met, missed, renewed (L31).

use crate::decide::clocks::{self, Promise};
use crate::decide::hours;
use crate::decide::testing::*;
use crate::domain::ticket::{
    ClockKind, ClockState, LastPublic, Priority, TicketClock, TicketSnapshot, TicketState,
};

fn promise(desk: &crate::domain::desk::Desk) -> Promise<'_> {
    Promise { desk, priority: Priority::Medium, category: None, cadence: None, held_back: false }
}
fn support() -> crate::domain::desk::Desk {
    desk("support", crate::domain::desk::DeskClass::Support)
}
fn started(when: &str) -> Vec<TicketClock> {
    hours::clocks(&support(), Priority::Medium, None, at(when))
}
fn text(clocks: &[TicketClock]) -> String {
    clocks.iter().map(clock).collect::<Vec<_>>().join(" ")
}

#[test]
fn l31_clocks_begin_in_their_own_time() {
    let cases = [
        (
            "03-02 10:00",
            "response(due 03-02 14:00:00) resolution(due 03-04 10:00:00) update(due 03-02 18:00:00)",
        ),
        (
            "03-06 16:00",
            "response(due 03-09 12:00:00) resolution(due 03-10 16:00:00) update(due 03-07 00:00:00)",
        ),
        (
            "03-24 16:00",
            "response(due 03-26 12:00:00) resolution(due 03-27 16:00:00) update(due 03-25 00:00:00)",
        ),
    ];
    for (start, want) in cases {
        assert_eq!(text(&started(start)), want, "{start}");
    }
}

#[test]
fn an_answer_meets_the_response_and_pauses_the_rest() {
    let desk = support();
    let cases = [
        ("in time", "03-02 12:00", "response(met) resolution(left 50400) update(left 28800)"),
        ("at the deadline", "03-02 14:00", "response(met) resolution(left 43200) update(left 28800)"),
        ("late", "03-02 14:00:01", "response(missed) resolution(left 43199) update(left 28800)"),
        ("very late", "03-04 10:00:01", "response(missed) resolution(missed) update(left 28800)"),
    ];
    for (name, now, want) in cases {
        assert_eq!(text(&clocks::answered(&started("03-02 10:00"), promise(&desk), at(now))), want, "{name}");
    }
}

#[test]
fn a_pause_gives_back_exactly_what_was_left() {
    let desk = support();
    let paused = clocks::answered(&started("03-06 10:00"), promise(&desk), at("03-06 12:00"));
    let resumed = clocks::resumed(&paused, promise(&desk), at("03-07 03:00"));
    // 14 business hours from Saturday night: Monday 8, Tuesday 6. The update counts elapsed time.
    assert_eq!(text(&resumed), "response(met) resolution(due 03-10 15:00:00) update(due 03-07 11:00:00)");
    assert_eq!(
        clocks::resumed(&resumed, promise(&desk), at("03-09 03:00")),
        resumed,
        "what runs is left alone"
    );
}

#[test]
fn a_deadline_is_missed_once_it_came() {
    let clocks = started("03-02 10:00");
    let kinds = |now| clocks::expired(&clocks, at(now)).1;
    assert_eq!(kinds("03-02 13:59:59"), []);
    assert_eq!(kinds("03-02 14:00"), [ClockKind::Response]);
    let (missed, _) = clocks::expired(&clocks, at("03-02 14:00"));
    assert_eq!(clocks::expired(&missed, at("03-02 14:00")).1, [], "told once");
}

#[test]
fn an_end_keeps_promises_that_still_ran() {
    let ended = clocks::ended(&started("03-02 10:00"), at("03-02 15:00"));
    assert_eq!(text(&ended), "response(missed) resolution(met) update(met)");
}

#[test]
fn new_promises_keep_what_was_met_missed_or_used() {
    let desk = support();
    let high = Promise { priority: Priority::High, ..promise(&desk) };
    let renewed =
        |ticket: &TicketSnapshot, now| text(&clocks::renewed(ticket, promise(&desk), high, at(now)));
    let open = TicketSnapshot { clocks: started("03-02 10:00"), ..ticket(TicketState::Open) };
    let want = "response(due 03-02 12:00:00) resolution(due 03-04 10:00:00) update(due 03-02 18:00:00)";
    assert_eq!(renewed(&open, "03-02 11:00"), want);
    assert!(
        renewed(&open, "03-02 13:00").starts_with("response(due 03-02 13:00:00)"),
        "used up: due at once"
    );
    let met = TicketSnapshot {
        clocks: clocks::answered(&open.clocks, promise(&desk), at("03-02 12:00")),
        ..pending()
    };
    assert_eq!(
        renewed(&met, "03-03 12:00"),
        "response(met) resolution(left 50400) update(left 28800)",
        "still waits"
    );
    let (missed, _) = clocks::expired(&open.clocks, at("03-02 14:00"));
    let missed = TicketSnapshot { clocks: missed, ..open.clone() };
    assert!(renewed(&missed, "03-02 15:00").starts_with("response(missed)"));
}

#[test]
fn no_clock_starts_where_none_may() {
    let desk = support();
    let high = Promise { priority: Priority::High, ..promise(&desk) };
    let low = Promise { priority: Priority::Low, ..promise(&desk) };
    let renewed = |ticket: &TicketSnapshot, old| text(&clocks::renewed(ticket, old, high, at("03-02 12:00")));
    let imported = TicketSnapshot { imported: true, ..ticket(TicketState::Open) };
    assert_eq!(renewed(&imported, low), "", "l15 history");
    let resolved = ticket(TicketState::Resolved { at: at("03-02 11:00") });
    assert_eq!(renewed(&resolved, low), "", "ended");
    let article = crate::domain::ids::ArticleId::new(id(5));
    let last_public = Some(LastPublic::Answer { article, accepted_at: None, bounced: false });
    assert!(
        !renewed(&TicketSnapshot { last_public, ..pending() }, low).contains("response"),
        "answered already"
    );
    assert!(renewed(&ticket(TicketState::New), low).starts_with("response(due 03-02 12:00:00)"), "its twin");
    assert!(matches!(started("03-02 10:00")[0].state, ClockState::Running { .. }));
}
