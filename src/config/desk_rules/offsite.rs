//! The lines of `offsite`.

use super::*;

#[test]
fn offsite_email_the_customer_is_told_when_a_person_takes_it() {
    let policy = shipped();
    let now = local("2026-02-03T10:00:00-06:00");
    let new = TicketSnapshot {
        state: TicketState::New,
        ..ticket_of(&policy, "offsite", (Priority::High, "incident"), now)
    };
    let assign = Command::Assign(Some(agent_name("bob")));
    check(
        "assigned",
        &order(&policy, &assign, &new, now).unwrap(),
        &["mail assigned to 1"],
        &["mail progress"],
    );
}

#[test]
fn offsite_outside_hours_low_until_the_next_opening_and_the_telephone_number() {
    let friday_night = local("2026-02-06T19:00:00-06:00");
    let high = mail(
        "offsite",
        STRANGER,
        ("Printing", "Several users see an error message in the viewer."),
        friday_night,
    )
    .decide();
    assert_eq!(acknowledged(&high), "low; opens 02-09 14:00; asks Telephone");
    check("nobody is paged", &high, &["opens high"], &["mail page"]);
}

#[test]
fn offsite_outside_hours_words_of_an_emergency_page_at_once_and_say_to_telephone() {
    let friday_night = local("2026-02-06T19:00:00-06:00");
    let emergency = |change: fn(&mut Case)| {
        mail(
            "offsite",
            STRANGER,
            ("EMERGENCY", "The archive is completely down for all sites."),
            friday_night,
        )
        .with(change)
        .decide()
    };
    let page = "mail page to oncall@imaging.example";
    let paged = emergency(|_| {});
    check("paged", &paged, &["opens urgent", page, "mail notification to bob"], &["mail page_storm"]);
    assert_eq!(acknowledged(&paged), "urgent; telephone; asks Telephone");
    let proven = |decision: &Decision| {
        notices(decision).any(|n| matches!(n, Notice::Page { proven: true, second: false, .. }))
    };
    assert!(proven(&paged));
    let unproven = emergency(|case| case.mail.authentication.grade = Grade::None);
    check("an unproven sender pages too", &unproven, &[page], &[]);
    assert!(!proven(&unproven), "marked so");
    check(
        "the sixth in the hour",
        &emergency(|case| case.facts.pages.hour = 5),
        &[page],
        &["mail page_storm"],
    );
    check(
        "the seventh",
        &emergency(|case| case.facts.pages.hour = 6),
        &["mail page_storm to oncall@imaging.example"],
        &[page],
    );
    let storm = emergency(|case| {
        case.facts.pages.hour = 6;
        case.facts.pages.storm = true;
    });
    check("the eighth", &storm, &["opens urgent", "mail notification to bob"], &["mail page"]);
    check(
        "l15 history",
        &emergency(|case| case.facts.history = true),
        &["opens urgent imported"],
        &["mail page"],
    );
    let noon = mail(
        "offsite",
        STRANGER,
        ("EMERGENCY", "The archive is completely down for all sites."),
        local("2026-02-06T12:00:00-06:00"),
    );
    check("within hours", &noon.decide(), &["opens urgent"], &["mail page"]);
    let reply = |paged: bool| {
        mail(
            "offsite",
            REQUESTER,
            ("Now", "EMERGENCY: the archive is completely down for all sites."),
            friday_night,
        )
        .hint(Hint::InReplyTo, TicketSnapshot { desk: desk_name("offsite"), ..pending() })
        .with(|case| case.facts.pages.tickets = paged.then(|| TicketId::new(id(7))).into_iter().collect())
        .decide()
    };
    check("a reply pages", &reply(false), &["action joined", page], &[]);
    check("one page a ticket", &reply(true), &["action joined"], &["mail page"]);
}

#[test]
fn offsite_outside_hours_a_failed_page_takes_the_second_channel() {
    let policy = shipped();
    let now = local("2026-02-06T19:00:00-06:00");
    let open = ticket_of(&policy, "offsite", (Priority::Urgent, "incident"), now);
    let failed = |page_failed| {
        let facts = TickFacts { page_failed, proven: false, ticket: open.clone(), ..quiet("03-02 12:00") };
        on_tick(&facts, scene(&policy, "offsite", now))
    };
    check(
        "the desk's agents, as no second address is named",
        &failed(true),
        &["action paged", "mail page_second to bob@team.example"],
        &["mail page to"],
    );
    check("its twin", &failed(false), &["action looked"], &["mail page"]);
}

#[test]
fn offsite_clock_start_resolution_and_updates_start_with_the_accepted_acknowledgment() {
    let noon = local("2026-02-03T12:00:00-06:00");
    let words = ("Printing", "Several users see an error message in the viewer.");
    let case = mail("offsite", STRANGER, words, noon);
    let decision = case.decide();
    check("they wait", &decision, &["opens high", "clocks resolution(left 86400) update(left 14400)"], &[]);
    let Subject::New(new) = &decision.subject else { panic!() };
    assert!(new.needs_acknowledgment && new.due_at.is_none());
    let opened = TicketSnapshot {
        acknowledgment: Acknowledgment::Awaited,
        ..ticket_of(&case.policy, "offsite", (Priority::High, "incident"), noon)
    };
    let opened = after(&opened, &decision);
    check(
        "nothing starts by itself",
        &tick(&case.policy, &opened, noon + Duration::hours(9)),
        &["action looked"],
        &["clocks"],
    );
    let settled = TicketSnapshot {
        acknowledgment: Acknowledgment::Settled(noon + Duration::minutes(5)),
        ..opened.clone()
    };
    let started = tick(&case.policy, &settled, noon + Duration::minutes(7));
    // 24 business hours after 12:05 in Chicago, days of nine hours: Friday 09:05; an update after four.
    check(
        "they start",
        &started,
        &[
            "action started",
            "StartClocks",
            "clocks resolution(due 02-06 15:05:00) update(due 02-03 22:05:00)",
        ],
        &["mail"],
    );
    let again = tick(&case.policy, &after(&settled, &started), noon + Duration::minutes(9));
    check("once", &again, &["action looked"], &["StartClocks", "clocks"]);
    let silent =
        mail("offsite", STRANGER, words, noon).with(|case| case.mail.authentication.grade = Grade::Fail);
    check(
        "no acknowledgment goes out: they run from the arrival",
        &silent.decide(),
        &["clocks resolution(due 02-06 15:00:00)"],
        &[],
    );
    // Arrived at night: the cap holds them back until the desk opens, however early it was accepted.
    let night = local("2026-02-03T19:00:00-06:00");
    let capped =
        TicketSnapshot { acknowledgment: Acknowledgment::Settled(night), opened_at: night, ..opened };
    let started = tick(&case.policy, &capped, local("2026-02-03T19:01:00-06:00"));
    check("a cap", &started, &["clocks resolution(due 02-06 20:00:00) update(due 02-04 18:00:00)"], &[]);
}

#[test]
fn offsite_update_cadence_holds_unless_an_agent_negotiates_another_audited() {
    let policy = shipped();
    let now = local("2026-02-03T10:00:00-06:00");
    let high = ticket_of(&policy, "offsite", (Priority::High, "incident"), now);
    let every = Some(Span::parse("2h elapsed").unwrap());
    let set = order(&policy, &Command::Cadence(every), &high, now).unwrap();
    let reasons: Vec<String> = set.reasons.iter().map(crate::domain::effect::Reason::words).collect();
    assert_eq!(reasons, ["cadence_set: 7200s elapsed"]);
    let negotiated = after(&high, &set);
    assert!(
        clock_line(&negotiated.clocks).ends_with("update(due 02-03 18:00:00)"),
        "{}",
        clock_line(&negotiated.clocks)
    );
    let missed = tick(&policy, &negotiated, local("2026-02-03T12:00:00-06:00"));
    check(
        "repeats at the negotiated span",
        &missed,
        &["mail progress to 1", "mail notification to bob"],
        &[],
    );
    assert!(clock_line(&after(&negotiated, &missed).clocks).ends_with("update(due 02-03 20:00:00)"));
    let back = after(&negotiated, &order(&policy, &Command::Cadence(None), &negotiated, now).unwrap());
    assert!(clock_line(&back.clocks).ends_with("update(due 02-03 20:00:00)"), "{}", clock_line(&back.clocks));
}

#[test]
fn offsite_no_answer_within_48_hours_closes_at_an_opening_after_a_reminder() {
    let policy = shipped();
    let rule = policy.desks[&desk_name("offsite")].autoclose.unwrap();
    assert_eq!(
        (rule.after, rule.reminder_before, rule.at_opening),
        (Span::Elapsed(Duration::hours(48)), Duration::hours(24), true)
    );
    for (name, desk) in policy.desks.iter().filter(|(name, _)| name.as_str() != "offsite") {
        assert_eq!(desk.autoclose, None, "{name} promised nothing of the kind");
    }
}

#[test]
fn offsite_emergency_is_updated_every_hour_until_resolved() {
    let policy = shipped();
    let start = local("2026-02-07T02:00:00-06:00");
    let mut open = ticket_of(&policy, "offsite", (Priority::Urgent, "incident"), start);
    for hour in 1..=3 {
        let decision = tick(&policy, &open, start + Duration::hours(hour));
        check(
            "the customer and the agents",
            &decision,
            &["mail progress to 1", "mail notification to bob"],
            &["state"],
        );
        open = after(&open, &decision);
    }
}
