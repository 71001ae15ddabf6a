//! The lines of `colombia`.

use super::*;

#[test]
fn colombia_languages_and_categories() {
    let policy = shipped();
    let desk = &policy.desks[&desk_name("colombia")];
    assert_eq!(desk.languages, [Language::Es, Language::En]);
    let categories: Vec<&str> = desk.categories.iter().map(Category::as_str).collect();
    assert_eq!(categories, ["incident", "request", "breach"]);
}

#[test]
fn colombia_outside_hours_the_next_working_day_is_named_and_only_urgent_is_handled() {
    let friday_night = local("2026-01-09T20:00:00-05:00");
    // Monday 01-12 is a holiday: the desk opens on Tuesday at 08:00 in Bogota.
    let slow =
        mail("colombia", STRANGER, ("Lentitud", "El sistema presenta lentitud al guardar."), friday_night);
    assert_eq!(acknowledged(&slow.decide()), "medium; by 01-13 17:00; opens 01-13 13:00");
    let down = mail(
        "colombia",
        STRANGER,
        ("Caído", "La aplicación está completamente fuera de servicio."),
        friday_night,
    );
    assert_eq!(acknowledged(&down.decide()), "urgent; by 01-10 02:00");
    let noon = mail(
        "colombia",
        STRANGER,
        ("Lentitud", "El sistema presenta lentitud."),
        local("2026-01-09T12:00:00-05:00"),
    );
    assert_eq!(acknowledged(&noon.decide()), "medium; by 01-09 21:00", "open: nothing is said of an opening");
}

#[test]
fn colombia_overdue_raises_one_step_and_tells_the_customer() {
    let policy = shipped();
    let low = ticket_of(&policy, "colombia", (Priority::Low, "incident"), local("2026-02-03T09:00:00-05:00"));
    let missed = tick(&policy, &low, local("2026-02-03T17:00:00-05:00"));
    let has = [
        "action missed",
        "priority medium",
        "mail notification to ana",
        "mail progress to 1",
        "mail progress to 2",
    ];
    check("low", &missed, &has, &["state"]);
    let again = tick(&policy, &after(&low, &missed), local("2026-02-03T17:05:00-05:00"));
    check("once", &again, &["action"], &["priority", "mail progress"]);
}

#[test]
fn colombia_the_agents_are_warned_at_50_75_and_90_percent_each_once() {
    let policy = shipped();
    // Urgent: response in 60 minutes, resolution in 240, both elapsed.
    let start = local("2026-02-03T09:00:00-05:00");
    let mut ticket = ticket_of(&policy, "colombia", (Priority::Urgent, "incident"), start);
    ticket.clocks.retain(|clock| clock.kind == ClockKind::Response);
    let rows = [
        (29, ""),
        (30, "response 50 %"),
        (31, ""),
        (45, "response 75 %"),
        (53, ""),
        (54, "response 90 %"),
        (59, ""),
    ];
    for (minutes, want) in rows {
        let decision = tick(&policy, &ticket, start + Duration::minutes(minutes));
        let near: Vec<&str> = decision
            .reasons
            .iter()
            .filter(|r| r.code == "target_near")
            .filter_map(|r| r.detail.as_deref())
            .collect();
        assert_eq!(near.join(" "), want, "{minutes}");
        assert_eq!(count(&decision, "mail notification to ana"), usize::from(!want.is_empty()), "{minutes}");
        ticket = after(&ticket, &decision);
    }
    // After a standstill one warning, not three; and the sweep knows when to look.
    let mut late = ticket_of(&policy, "colombia", (Priority::High, "incident"), start);
    let decision = tick(&policy, &late, start + Duration::minutes(110));
    assert_eq!(count(&decision, "mail notification to ana"), 1);
    late = after(&late, &decision);
    assert_eq!(late.clocks[0].warned, 90);
    let first = tick(&policy, &ticket_of(&policy, "colombia", (Priority::High, "incident"), start), start);
    check("half of two business hours", &first, &["action looked", "due 02-03 15:00:00"], &["mail"]);
}

#[test]
fn colombia_the_customer_is_told_of_progress_and_resolution_and_asks_for_the_state() {
    let policy = shipped();
    let desk = &policy.desks[&desk_name("colombia")];
    let told = [
        CustomerNotice::Progress,
        CustomerNotice::Resolved,
        CustomerNotice::Status,
        CustomerNotice::Reopened,
    ];
    assert!(told.iter().all(|notice| desk.tells(*notice)));
    let now = local("2026-02-03T10:00:00-05:00");
    let new = TicketSnapshot {
        state: TicketState::New,
        ..ticket_of(&policy, "colombia", (Priority::High, "incident"), now)
    };
    let assign = Command::Assign(Some(agent_name("ana")));
    check(
        "taken up",
        &order(&policy, &assign, &new, now).unwrap(),
        &["assign ana", "mail progress to 1"],
        &["mail assigned"],
    );
    let raised = order(&policy, &Command::Priority(Priority::Urgent), &new, now).unwrap();
    check("another priority", &raised, &["priority urgent", "mail progress to 1"], &[]);
    let same = order(&policy, &Command::Priority(Priority::High), &new, now).unwrap();
    check("the same priority", &same, &["priority high"], &["mail progress"]);
    check("resolved", &order(&policy, &Command::Resolve, &new, now).unwrap(), &["mail resolved to 1"], &[]);
    let asks = mail("colombia", REQUESTER, ("#status", ""), now)
        .hint(Hint::InReplyTo, TicketSnapshot { desk: desk_name("colombia"), ..pending() });
    check("#status", &asks.decide(), &["mail status to 1"], &["mail notification", "state"]);
}

#[test]
fn colombia_breach_has_an_address_and_agents_of_its_own() {
    let policy = shipped();
    let desk = &policy.desks[&desk_name("colombia-breach")];
    assert_eq!((desk.class, desk.agents.len(), desk.autoclose), (DeskClass::Breach, 1, None));
    let report = mail(
        "colombia-breach",
        STRANGER,
        ("Fuga", "Se publicaron historias."),
        local("2026-02-07T22:00:00-05:00"),
    );
    check(
        "anyone reports",
        &report.decide(),
        &["opens urgent restricted", "mail notification to carla"],
        &["mail notification to ana"],
    );
}
