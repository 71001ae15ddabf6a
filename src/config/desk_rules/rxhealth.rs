//! The lines of `rxhealth`.

use super::*;

#[test]
fn rxhealth_who_may_open_project_manager_or_it_others_are_held() {
    for admitted in ["it@metrohospital.example", "projects@metrohospital.example"] {
        check(admitted, &submits("rxhealth", admitted, |_| {}), &["action new"], &["mail held"]);
    }
    check(
        "a nurse",
        &submits("rxhealth", "nurse@metrohospital.example", |_| {}),
        &["action held", "mail review to bob"],
        &["opens"],
    );
}

#[test]
fn rxhealth_requests_task_and_change_owe_an_estimate_in_the_first_answer() {
    let policy = shipped();
    let now = local("2026-02-03T10:00:00-05:00");
    let today = NaiveDate::from_ymd_opt(2026, 2, 3).unwrap();
    for kind in ["task", "change"] {
        let open = ticket_of(&policy, "rxhealth", (Priority::Low, kind), now);
        assert_eq!(order(&policy, &reply("We are on it."), &open, now), Err(Refusal::Estimate), "{kind}");
        let estimated = order(&policy, &Command::Eta(today + Duration::days(9)), &open, now).unwrap();
        let answer = order(&policy, &reply("We are on it."), &after(&open, &estimated), now).unwrap();
        let told = notices(&answer)
            .all(|n| matches!(n, Notice::Answer { eta: Some(day), .. } if *day == today + Duration::days(9)));
        assert!(told && count(&answer, "mail answer to 1") == 1, "{kind}");
        let mut later = open.clone();
        later.clocks = clocks::answered(&open.clocks, clocks::promise(&open, &policy.desks[&open.desk]), now);
        assert!(order(&policy, &reply("And more."), &later, now).is_ok(), "only the first answer owes one");
        let past = order(&policy, &Command::Eta(today - Duration::days(1)), &open, now);
        assert!(matches!(past, Err(Refusal::NotAllowed(_))));
    }
    let question = ticket_of(&policy, "rxhealth", (Priority::Low, "question"), now);
    assert!(order(&policy, &reply("Like this."), &question, now).is_ok(), "a question owes none");
}

#[test]
fn rxhealth_requests_first_response_within_eight_elapsed_hours() {
    let policy = shipped();
    let saturday = local("2026-02-07T22:00:00-05:00");
    for kind in ["question", "task", "change"] {
        let open = ticket_of(&policy, "rxhealth", (Priority::Low, kind), saturday);
        assert_eq!(clock_line(&open.clocks), "response(due 02-08 11:00:00)", "{kind}");
    }
}

#[test]
fn rxhealth_impact_the_customer_is_notified_at_each_levels_cadence() {
    let policy = shipped();
    let start = local("2026-02-03T10:00:00-05:00");
    for (priority, hours) in [(Priority::High, 1), (Priority::Medium, 8), (Priority::Low, 16)] {
        let open = ticket_of(&policy, "rxhealth", (priority, "incident"), start);
        let due = tick(&policy, &open, start + Duration::hours(hours));
        check(priority.as_str(), &due, &["mail progress to 1", "mail notification to bob"], &[]);
        let before = tick(&policy, &open, start + Duration::minutes(hours * 60 - 1));
        check(priority.as_str(), &before, &["action"], &["mail progress", "mail escalation"]);
    }
}

#[test]
fn rxhealth_escalation_each_level_with_the_contacts_of_those_below() {
    let policy = shipped();
    let start = local("2026-02-03T10:00:00-05:00");
    let told = |priority, hours| {
        let open = ticket_of(&policy, "rxhealth", (priority, "incident"), start);
        let decision = tick(&policy, &open, start + Duration::hours(hours));
        let to = lines(&decision).into_iter().filter_map(|l| {
            l.strip_prefix("mail escalation to ").map(|to| to.replace("@programmes.example", ""))
        });
        to.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told(Priority::Low, 16), "portal projectteam");
    assert_eq!(told(Priority::Medium, 8), "portal projectteam leads");
    assert_eq!(told(Priority::High, 1), "portal projectteam leads executives");
    assert_eq!(told(Priority::High, 0), "");
}
