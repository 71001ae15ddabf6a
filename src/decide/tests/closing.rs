//! L32 line by line, and what else time does to a ticket.

use crate::decide::on_tick::on_tick;
use crate::decide::testing::*;
use crate::domain::effect::{Decision, Effect};
use crate::domain::facts::TickFacts;
use crate::domain::ids::ArticleId;
use crate::domain::message::RobotSign;
use crate::domain::outgoing::Suppression;
use crate::domain::ticket::{ClockKind, ClockState, CloseReason, LastPublic, TicketClock, TicketState};

fn tick(facts: &TickFacts, now: &str) -> Decision {
    on_tick(facts, scene(&policy(), "support", at(now)))
}
/// Reminded on Tuesday 12:00, so that the close is due on Wednesday 12:00; polled until `now`.
fn reminded(now: &str) -> TickFacts {
    let mut facts = quiet(now);
    facts.ticket.reminded_at = Some(at("03-03 12:00"));
    facts
}
fn answer(accepted: Option<&str>, bounced: bool) -> LastPublic {
    LastPublic::Answer { article: ArticleId::new(id(5)), accepted_at: accepted.map(at), bounced }
}
type Change = fn(&mut TickFacts);

#[test]
fn l32_the_quiet_way() {
    check(
        "waits",
        &tick(&quiet("03-02 13:00"), "03-02 13:00"),
        &["action looked", "due 03-03 12:00:00"],
        &["mail", "state"],
    );
    let has = ["action reminded", "mail reminder to 1", "reminded 03-03 12:00:00", "due 03-04 12:00:00"];
    check("reminds", &tick(&quiet("03-03 12:00"), "03-03 12:00"), &has, &["state", "mail closed"]);
    check(
        "waits on",
        &tick(&reminded("03-04 11:59:59"), "03-04 11:59:59"),
        &["action looked"],
        &["mail", "state"],
    );
    let closes = tick(&reminded("03-04 12:00"), "03-04 12:00");
    check(
        "closes",
        &closes,
        &["action closed", "state closed", "mail closed to 1", "due -"],
        &["mail reminder"],
    );
    assert_eq!(count(&closes, "mail"), 1);
}

#[test]
fn l32_what_blocks_a_close() {
    let now = "03-04 12:00";
    let blocked: [(&str, &str, Change); 6] = [
        ("a mail waits", "close_waits_for_mail", |f| f.mail_waits = true),
        ("unattributed", "close_waits_for_unattributed_mail", |f| {
            f.unattributed_since = Some(at("03-03 12:00:01"));
        }),
        ("not polled after", "close_waits_for_poll", |f| f.polled_until = Some(at("03-04 11:59:59"))),
        ("never polled", "close_waits_for_poll", |f| f.polled_until = None),
        ("unsent", "close_waits_for_outbox", |f| f.unsent = true),
        ("two things", "close_waits_for_mail", |f| {
            f.unsent = true;
            f.mail_waits = true;
        }),
    ];
    for (name, why, change) in blocked {
        let mut facts = reminded(now);
        change(&mut facts);
        let decision = tick(&facts, now);
        check(name, &decision, &["action looked", "due 03-04 12:05:00"], &["state", "mail"]);
        assert!(decision.reasons.iter().any(|r| r.code == why), "{name}: {:?}", decision.reasons);
    }
    let mut old = reminded(now);
    old.unattributed_since = Some(at("03-03 12:00"));
    check("unattributed for a day", &tick(&old, now), &["action closed"], &[]);
}

#[test]
fn l32_what_never_closes() {
    let now = "03-04 12:00";
    let never: [(&str, Change); 9] = [
        ("not accepted", |f| f.ticket.last_public = Some(answer(None, false))),
        ("bounced", |f| f.ticket.last_public = Some(answer(Some("03-02 12:00"), true))),
        ("the customer's word was last", |f| f.ticket.last_public = Some(LastPublic::Customer)),
        ("nobody said anything", |f| f.ticket.last_public = None),
        ("restricted", |f| f.ticket.restricted = true),
        ("imported", |f| f.ticket.imported = true),
        ("open", |f| f.ticket.state = TicketState::Open),
        ("a robot's ticket", |f| f.never_notify = Some(Suppression::Robot(RobotSign::List).as_str().into())),
        ("no requester", |f| f.ticket.participants.retain(|p| p.no.get() > 1)),
    ];
    for (name, change) in never {
        let mut facts = reminded(now);
        change(&mut facts);
        check(name, &tick(&facts, now), &["action looked"], &["state", "mail"]);
    }
    let mut capped = reminded(now);
    capped.never_notify = Some("cap".into());
    check("an acknowledgment that a cap held back", &tick(&capped, now), &["action closed"], &[]);
}

#[test]
fn l32_a_notice_that_a_cap_holds_back_holds_the_close_back() {
    let mut policy = policy();
    policy.governor.per_mailbox_hour = 5;
    let mut facts = reminded("03-04 12:00");
    facts.counts.mailbox_hour = 5;
    let decision = on_tick(&facts, scene(&policy, "support", at("03-04 12:00")));
    check("capped", &decision, &["action looked", "due 03-04 13:00:00"], &["state", "mail"]);
    facts.counts.mailbox_hour = 4;
    check(
        "its twin",
        &on_tick(&facts, scene(&policy, "support", at("03-04 12:00"))),
        &["action closed"],
        &[],
    );
}

#[test]
fn l32_a_reply_at_47_59_59_wins() {
    let reply = Case::from(REQUESTER)
        .hint(crate::domain::facts::Hint::InReplyTo, pending())
        .arrived("03-04 11:59:59");
    check("reply", &reply.decide(), &["action joined", "state open"], &[]);
    let mut facts = reminded("03-04 12:00");
    facts.ticket.state = TicketState::Open;
    facts.ticket.last_public = Some(LastPublic::Customer);
    check("tick after it", &tick(&facts, "03-04 12:00"), &["action looked"], &["state", "mail"]);
    let mut unfetched = reminded("03-04 12:00");
    unfetched.polled_until = Some(at("03-04 11:59:58"));
    check("not fetched yet", &tick(&unfetched, "03-04 12:00"), &["action looked"], &["state", "mail"]);
}

#[test]
fn l32_the_close_waits_for_an_opening() {
    // Accepted on Friday 12:00: 48 hours end on Sunday, the desk opens on Monday 09:00.
    let friday = |now: &str| {
        let mut facts = quiet(now);
        facts.ticket.last_public = Some(answer(Some("03-06 12:00"), false));
        facts
    };
    check(
        "reminder a day before",
        &tick(&friday("03-08 09:00"), "03-08 09:00"),
        &["action reminded", "due 03-09 09:00:00"],
        &[],
    );
    let mut facts = friday("03-08 12:00");
    facts.ticket.reminded_at = Some(at("03-08 09:00"));
    check("Sunday", &tick(&facts, "03-08 12:00"), &["action looked", "due 03-09 09:00:00"], &["state"]);
    facts.polled_until = Some(at("03-09 09:00"));
    check("Monday", &tick(&facts, "03-09 09:00"), &["action closed"], &[]);
    let mut policy = policy();
    let mut desk = desk("support", crate::domain::desk::DeskClass::Support);
    desk.autoclose.as_mut().unwrap().at_opening = false;
    policy.desks.insert(desk_name("support"), desk.into());
    facts.ticket.reminded_at = Some(at("03-07 12:00"));
    let sunday = on_tick(
        &TickFacts { polled_until: Some(at("03-08 12:00")), ..facts },
        scene(&policy, "support", at("03-08 12:00")),
    );
    check("a desk that closes at any hour", &sunday, &["action closed"], &[]);
}

#[test]
fn l32_a_late_reminder_moves_the_close() {
    // The sweep slept until Thursday: the customer still has a day.
    let decision = tick(&quiet("03-05 10:00"), "03-05 10:00");
    check("late", &decision, &["action reminded", "due 03-06 10:00:00"], &["state"]);
    let Some(Effect::Enqueue(mail)) = decision.effects.iter().find(|e| matches!(e, Effect::Enqueue(_)))
    else {
        panic!()
    };
    let crate::domain::outgoing::Notice::Reminder { closes_at } = mail.notice else { panic!() };
    assert_eq!(closes_at, at("03-06 10:00"));
    let mut facts = quiet("03-05 10:00");
    facts.mail_waits = true;
    check("their mail waits", &tick(&facts, "03-05 10:00"), &["action looked"], &["mail"]);
    facts.mail_waits = false;
    facts.ticket.reminded_at = Some(at("03-02 11:00"));
    check("reminded before this answer", &tick(&facts, "03-05 10:00"), &["action reminded"], &["state"]);
}

#[test]
fn a_missed_target_is_told_once_to_the_agents() {
    let mut facts = quiet("03-03 10:00");
    facts.ticket.state = TicketState::Open;
    let due = at("03-03 10:00");
    facts.ticket.clocks = vec![TicketClock::new(ClockKind::Response, ClockState::Running { due })];
    let has = ["action missed", "clocks response(missed)", "mail notification to ana"];
    check("missed", &tick(&facts, "03-03 10:00"), &has, &["mail reminder", "state"]);
    check("not yet", &tick(&facts, "03-03 09:59:59"), &["action looked"], &["mail", "clocks"]);
    facts.ticket.clocks[0].state = ClockState::Missed { due };
    check("told", &tick(&facts, "03-03 11:00"), &["action looked"], &["mail", "clocks"]);
}

#[test]
fn resolved_tickets_close_like_pending_ones_and_closed_ones_rest() {
    let mut facts = reminded("03-04 12:00");
    facts.ticket.state = TicketState::Resolved { at: at("03-02 12:00") };
    check("resolved", &tick(&facts, "03-04 12:00"), &["action closed", "mail closed to 1"], &[]);
    facts.ticket.state = TicketState::Closed { at: at("03-02 12:00"), reason: CloseReason::Agent };
    check("closed", &tick(&facts, "03-04 12:00"), &["action looked"], &["mail", "state"]);
}

#[test]
fn l32_the_customers_time_may_be_business_time() {
    let mut policy = policy();
    let mut desk = desk("support", crate::domain::desk::DeskClass::Support);
    let rule = desk.autoclose.as_mut().unwrap();
    rule.after = crate::domain::desk::Span::Business(chrono::Duration::hours(16));
    rule.reminder_before = chrono::Duration::hours(4);
    policy.desks.insert(desk_name("support"), desk.into());
    let at_hour = |now: &str, reminded: Option<&str>| {
        let mut facts = quiet(now);
        facts.ticket.reminded_at = reminded.map(at);
        on_tick(&facts, scene(&policy, "support", at(now)))
    };
    // Accepted on Monday 12:00; 16 business hours of days of eight end on Wednesday 12:00.
    check("reminds", &at_hour("03-04 08:00", None), &["action reminded", "due 03-04 12:00:00"], &["state"]);
    check("waits", &at_hour("03-04 11:59:59", Some("03-04 08:00")), &["action looked"], &["state"]);
    check("closes", &at_hour("03-04 12:00", Some("03-04 08:00")), &["action closed"], &[]);
}
