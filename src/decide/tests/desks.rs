//! Rules that a desk may configure, each with its twin: the desk that does not.

use std::sync::Arc;

use crate::decide::hours;
use crate::decide::on_command::on_command;
use crate::decide::on_tick::on_tick;
use crate::decide::testing::*;
use crate::domain::command::Command;
use crate::domain::desk::{Ask, CustomerNotice, Desk, DeskClass, EscalationLevel, Span, Target, TargetFor};
use crate::domain::effect::{Decision, Effect};
use crate::domain::facts::{Hint, TickFacts};
use crate::domain::ids::{ArticleId, Category};
use crate::domain::message::{Grade, Language, MessageClass};
use crate::domain::outgoing::{Notice, PublicText};
use crate::domain::policy::Policy;
use crate::domain::text::RawText;
use crate::domain::ticket::{
    Actor, CloseReason, LastPublic, Priority, TicketClock, TicketSnapshot, TicketState,
};
use crate::phi;

fn policy_with(change: impl FnOnce(&mut Desk)) -> Policy {
    let mut policy = policy();
    change(Arc::make_mut(policy.desks.get_mut(&desk_name("support")).unwrap()));
    policy
}
fn clocks(policy: &Policy, priority: Priority) -> Vec<TicketClock> {
    hours::clocks(&policy.desks[&desk_name("support")], priority, None, at("03-02 10:00"))
}
fn open_since(policy: &Policy, priority: Priority) -> TicketSnapshot {
    TicketSnapshot { priority, clocks: clocks(policy, priority), ..ticket(TicketState::Open) }
}
fn tick(policy: &Policy, ticket: &TicketSnapshot, now: &str) -> Decision {
    let facts = TickFacts { ticket: ticket.clone(), ..quiet(now) };
    on_tick(&facts, scene(policy, "support", at(now)))
}
/// The ticket as the decision left it.
fn after(ticket: &TicketSnapshot, decision: &Decision) -> TicketSnapshot {
    let mut ticket = ticket.clone();
    for effect in &decision.effects {
        match effect {
            Effect::SetPriority(priority) => ticket.priority = *priority,
            Effect::SetClocks(clocks) => ticket.clocks.clone_from(clocks),
            _ => {}
        }
    }
    ticket
}

#[test]
fn colombia_overdue_raises_the_priority_one_step_and_tells_the_agents_once() {
    let policy = policy_with(|desk| {
        desk.escalation.raise = true;
        desk.targets.values_mut().for_each(|target| target.update = None);
    });
    let medium = open_since(&policy, Priority::Medium);
    let missed = tick(&policy, &medium, "03-02 14:00");
    let has = [
        "action missed",
        "priority high",
        "clocks response(missed) resolution(due 03-04 10:00:00)",
        "mail notification to ana",
        "mail notification to ben",
        "due 03-04 10:00:00",
    ];
    check("response missed", &missed, &has, &["mail received", "state"]);
    assert_eq!(count(&missed, "mail"), 2);
    let words: Vec<String> = missed.reasons.iter().map(crate::domain::effect::Reason::words).collect();
    assert!(words.contains(&"priority_raised: medium to high: a target was missed".into()), "{words:?}");
    let high = after(&medium, &missed);
    check("looked at again", &tick(&policy, &high, "03-02 14:05"), &["action looked"], &["mail", "priority"]);
    let again = tick(&policy, &high, "03-04 10:00");
    check("resolution missed", &again, &["priority urgent", "mail notification to ana"], &[]);
    let urgent = open_since(&policy, Priority::Urgent);
    check("urgent stays", &tick(&policy, &urgent, "03-02 14:00"), &["action missed"], &["priority"]);
    // Its twin.
    let plain = super::super::testing::policy();
    let kept = tick(&plain, &open_since(&plain, Priority::Medium), "03-02 14:00");
    check("no raise", &kept, &["action missed", "mail notification to ana"], &["priority"]);
}

fn hospital(desk: &mut Desk) {
    let level = |level: u8, priority, contact: &str| EscalationLevel {
        level,
        name: format!("Level {level}"),
        priority,
        contacts: vec![address(contact)],
    };
    desk.escalation.levels = vec![
        level(1, None, "portal@help.example"),
        level(2, Some(Priority::Low), "project@help.example"),
        level(3, Some(Priority::Medium), "leads@help.example"),
        level(4, Some(Priority::High), "board@help.example"),
    ];
    for (priority, hours) in [(Priority::Low, 16), (Priority::Medium, 8), (Priority::High, 1)] {
        let span = Some(Span::Elapsed(chrono::Duration::hours(hours)));
        let target = Target { response: span, resolution: None, update: span };
        desk.targets.insert(TargetFor::Priority(priority), target);
    }
}

#[test]
fn rxhealth_escalation_contacts_accumulate_and_are_told_once_per_level() {
    let policy = policy_with(hospital);
    let escalations = |decision: &Decision| {
        let told = lines(decision).into_iter().filter_map(|line| {
            line.strip_prefix("mail escalation to ").map(|to| to.replace("@help.example", ""))
        });
        told.collect::<Vec<_>>().join(" ")
    };
    let rows: [(Priority, &[(&str, &str)]); 3] = [
        (
            Priority::Low,
            &[
                ("03-03 01:59", ""),
                ("03-03 02:00", "portal project"),
                ("03-03 02:05", ""),
                ("03-03 18:00", "portal project leads"),
                ("03-04 10:00", "portal project leads board"),
                ("03-05 02:00", ""),
            ],
        ),
        (
            Priority::Medium,
            &[
                ("03-02 18:00", "portal project leads"),
                ("03-03 02:00", "portal project leads board"),
                ("03-03 10:00", ""),
            ],
        ),
        (Priority::High, &[("03-02 11:00", "portal project leads board"), ("03-02 12:00", "")]),
    ];
    for (priority, steps) in rows {
        let mut ticket = open_since(&policy, priority);
        for (now, want) in steps {
            let decision = tick(&policy, &ticket, now);
            assert_eq!(escalations(&decision), *want, "{priority:?} {now}: {:#?}", lines(&decision));
            ticket = after(&ticket, &decision);
        }
    }
    // An answer ends the climb; the cadence of updates goes on.
    let ticket = open_since(&policy, Priority::Low);
    let mut answered = after(&ticket, &tick(&policy, &ticket, "03-03 02:00"));
    let article = ArticleId::new(id(5));
    answered.last_public = Some(LastPublic::Answer { article, accepted_at: None, bounced: false });
    assert_eq!(escalations(&tick(&policy, &answered, "03-03 18:00")), "");
}

#[test]
fn rxhealth_an_escalation_holds_no_content() {
    let policy = policy_with(hospital);
    let decision = tick(&policy, &open_since(&policy, Priority::High), "03-02 11:00");
    let mut notices = decision.effects.iter().filter_map(|effect| match effect {
        Effect::Enqueue(mail) if mail.notice.kind() == "escalation" => Some(&mail.notice),
        _ => None,
    });
    let notice = notices.next().unwrap();
    assert!(notice.automatic() && !notice.to_customer());
    assert!(!format!("{notice:?}").contains("redacted"), "{notice:?}");
}

#[test]
fn offsite_and_rxhealth_the_update_cadence_repeats() {
    let policy = policy();
    let mut ticket = open_since(&policy, Priority::Medium);
    ticket.clocks.retain(|clock| clock.kind == crate::domain::ticket::ClockKind::Update);
    let steps = [
        ("03-02 18:00", "update(due 03-03 02:00:00)"),
        ("03-03 02:00", "update(due 03-03 10:00:00)"),
        // The gateway stood still: the next one counts from now.
        ("03-04 12:00", "update(due 03-04 20:00:00)"),
    ];
    for (now, want) in steps {
        let decision = tick(&policy, &ticket, now);
        let has = [&*format!("clocks {want}"), "mail notification to ana", "mail notification to ben"];
        check(now, &decision, &has, &["priority", "state"]);
        let told = decision.effects.iter().any(|effect| {
            matches!(effect, Effect::Enqueue(mail) if matches!(mail.notice, Notice::AgentNotification { event: "progress", .. }))
        });
        assert!(told, "{now}");
        ticket = after(&ticket, &decision);
        check("told once", &tick(&policy, &ticket, now), &["action looked"], &["mail"]);
    }
}

fn asked(decision: &Decision) -> String {
    let asks = decision.effects.iter().find_map(|effect| match effect {
        Effect::Enqueue(mail) => match &mail.notice {
            Notice::Received { asks, .. } => Some(asks.join(", ")),
            _ => None,
        },
        _ => None,
    });
    asks.unwrap()
}

#[test]
fn tuotempo_and_unimed_missing_fields_are_asked_for_by_name() {
    let category = |name: &str| Category::parse(name).unwrap();
    let case = |kind: &'static str| {
        Case::from(STRANGER).with(|case| {
            case.policy = policy_with(|desk| {
                desk.languages = vec![Language::It, Language::En];
                desk.fields = [("Instance", "instance"), ("Passi", "steps"), ("Steps", "steps")]
                    .map(|(label, field)| (label.to_owned(), field.to_owned()))
                    .to_vec();
                desk.categories = vec![category(kind)];
                let labels = [(Language::It, "Passi".to_owned()), (Language::En, "Steps".to_owned())].into();
                desk.asks = vec![
                    Ask { field: "instance".into(), categories: Vec::new(), labels: [].into() },
                    Ask { field: "steps".into(), categories: vec![category("incident")], labels },
                ];
            });
        })
    };
    let speaks = |language| move |case: &mut Case| case.mail.language = Some(language);
    let holds = |name: &'static str, value: &'static str| {
        move |case: &mut Case| case.mail.fields.push((name.to_owned(), RawText::new(value)))
    };
    let rows = [
        ("all are missing", case("incident").with(speaks(Language::En)), "Instance, Steps"),
        ("the customer's language", case("incident").with(speaks(Language::It)), "Instance, Passi"),
        ("no language of the desk", case("incident").with(speaks(Language::Es)), "Instance, Passi"),
        ("another kind", case("request"), "Instance"),
        ("one is there", case("incident").with(holds("instance", "tt_example")), "Passi"),
        ("an empty one is missing", case("request").with(holds("instance", " ")), "Instance"),
        ("nothing is missing", case("request").with(holds("instance", "tt_example")), ""),
        ("a desk that asks for nothing", Case::from(STRANGER), ""),
    ];
    for (name, case, want) in rows {
        assert_eq!(asked(&case.decide()), want, "{name}");
    }
}

fn telling(notices: &[CustomerNotice]) -> Policy {
    policy_with(|desk| desk.notices = notices.iter().copied().collect())
}
fn order(policy: &Policy, command: &Command, ticket: TicketSnapshot) -> Decision {
    let actor = Actor::Agent(agent_name("ana"));
    on_command(command, &command_facts(ticket), scene(policy, "support", at("03-02 12:00")), actor).unwrap()
}

#[test]
fn every_desk_tells_its_customers_what_its_switches_say() {
    let reply = |resolve| Command::Reply {
        text: PublicText::from_agent(RawText::new("Done.")),
        redacted: phi::no_customer_text("Done."),
        resolve,
    };
    let open = || ticket(TicketState::Open);
    let assign = || Command::Assign(Some(agent_name("ben")));
    let taken = TicketSnapshot { assignee: Some(agent_name("ana")), ..open() };
    let restricted = TicketSnapshot { restricted: true, ..open() };
    let rows = [
        (CustomerNotice::Resolved, Command::Resolve, open(), "mail resolved to 1", "mail resolved"),
        (CustomerNotice::Resolved, reply(true), open(), "mail resolved to 1", "mail resolved"),
        (CustomerNotice::Closed, Command::Close, open(), "mail closed to 1", "mail closed"),
        (CustomerNotice::Assigned, assign(), open(), "mail assigned to 1", "mail assigned"),
    ];
    for (notice, command, ticket, has, not) in rows {
        let name = format!("{notice:?}");
        check(&name, &order(&telling(&[notice]), &command, ticket.clone()), &[has], &[]);
        check(&name, &order(&telling(&[]), &command, ticket), &["action"], &[not]);
    }
    let words = order(&telling(&[]), &reply(true), open());
    check("words go out in any case", &words, &["state resolved", "mail answer to 1"], &[]);
    let assigned = telling(&[CustomerNotice::Assigned]);
    check(
        "offsite: not the second one",
        &order(&assigned, &assign(), taken),
        &["assign ben"],
        &["mail assigned"],
    );
    check("never of a breach", &order(&assigned, &assign(), restricted), &["assign ben"], &["mail assigned"]);
}

#[test]
fn every_desk_reminds_and_closes_as_its_switches_say() {
    let quiet_ticket = quiet("03-04 12:00").ticket;
    let silent = telling(&[]);
    check(
        "no reminder",
        &tick(&silent, &quiet_ticket, "03-03 12:00"),
        &["action looked"],
        &["mail", "reminded"],
    );
    check(
        "closes without a word",
        &tick(&silent, &quiet_ticket, "03-04 12:00"),
        &["state closed"],
        &["mail"],
    );
    let reminds = telling(&[CustomerNotice::Reminder]);
    check("reminds", &tick(&reminds, &quiet_ticket, "03-03 12:00"), &["mail reminder to 1"], &[]);
}

#[test]
fn colombia_and_offsite_a_reply_that_reopens_is_confirmed() {
    let closed = TicketState::Closed { at: at("03-02 09:00"), reason: CloseReason::Agent };
    let case = |who: &str, notices: &'static [CustomerNotice]| {
        Case::from(who).hint(Hint::InReplyTo, ticket(closed)).with(|case| case.policy = telling(notices))
    };
    let on = &[CustomerNotice::Reopened];
    check("confirmed", &case(REQUESTER, on).decide(), &["action reopened", "mail reopened to 1"], &[]);
    check("to who wrote", &case(OTHER, on).decide(), &["mail reopened to 2"], &["mail reopened to 1"]);
    check("its twin", &case(REQUESTER, &[]).decide(), &["action reopened"], &["mail reopened"]);
    let open = Case::from(REQUESTER).hint(Hint::InReplyTo, pending()).with(|case| case.policy = telling(on));
    check("nothing was ended", &open.decide(), &["action joined"], &["mail reopened"]);
    let capped = case(REQUESTER, on).with(|case| {
        case.policy.governor.per_mailbox_hour = 1;
        case.facts.counts.mailbox_hour = 1;
    });
    check("l14 capped", &capped.decide(), &["state open", "mail reopened to 1 !cap"], &[]);
}

#[test]
fn colombia_status_is_answered_without_content() {
    let case = |text: &str| {
        Case::from(REQUESTER)
            .hint(Hint::InReplyTo, pending())
            .text(text)
            .with(|case| case.policy = telling(&[CustomerNotice::Status]))
    };
    let quiet = ["state", "clocks", "mail notification", "reminded"];
    let only = ["action joined", "article in auto status_asked", "mail status to 1", "ledger committed"];
    check("by text", &case("#status\n").decide(), &only, &quiet);
    let subject = case("").with(|case| case.mail.subject = RawText::new("Re: [#7] #Status"));
    check("by subject", &subject.decide(), &only, &quiet);
    let more = case("#status\nAnd the printer fails now").decide();
    check(
        "and more",
        &more,
        &["state open", "mail status to 1", "mail notification to ana"],
        &["article in auto"],
    );
    let none = ["mail status"];
    check("not at the head", &case("Hi\n#status").decide(), &["state open"], &none);
    check(
        "a stranger",
        &case("#status")
            .with(|c| {
                c.mail.from = Some(mailbox(STRANGER));
                c.facts.sender = Some(key(STRANGER));
            })
            .decide(),
        &["action new"],
        &none,
    );
    check("l16 unproven", &case("#status").grade(Grade::Fail).decide(), &["action new"], &none);
    check("a robot", &case("#status").class(MessageClass::Autoreply).decide(), &["action joined"], &none);
    let twin = Case::from(REQUESTER).hint(Hint::InReplyTo, pending()).text("#status");
    check("its twin", &twin.decide(), &["state open", "mail notification to ana"], &none);
    let restricted = TicketSnapshot { restricted: true, ..pending() };
    let restricted = case("#status").with(|c| c.facts.candidates[0].ticket = restricted);
    check("never of a breach", &restricted.decide(), &["action joined"], &none);
    assert_eq!(desk("support", DeskClass::Support).notices.len(), 3);
}
