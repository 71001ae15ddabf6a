//! The lines of `tuotempo`.

use super::*;

#[test]
fn tuotempo_who_may_open_only_admins_others_are_held_with_a_polite_notice() {
    let held = [
        "action held",
        "mail held to eve@elsewhere.example",
        "mail review to ana",
        "ledger held not_registered",
    ];
    let opens = ["opens", "article", "mail received", "mail notification"];
    let stranger = submits("tuotempo", STRANGER, |_| {});
    check("a stranger", &stranger, &held, &opens);
    assert_eq!(stranger.subject, Subject::Held(desk_name("tuotempo")));
    let colleague = submits("tuotempo", "someone@clinicaverde.example", |_| {});
    check("of the same organisation, not registered", &colleague, &["action held"], &opens);
    check(
        "an admin",
        &submits("tuotempo", "admin@clinicaverde.example", |_| {}),
        &["action new", "mail received to 1"],
        &["mail held"],
    );
    let released = submits("tuotempo", STRANGER, |case| case.released = true);
    check(
        "released by a person",
        &released,
        &["action new", "mail received to 1", "ledger committed"],
        &["mail held"],
    );
    let old = submits("tuotempo", STRANGER, |case| case.facts.history = true);
    check("l15 history opens", &old, &["action new", "opens urgent imported"], &["mail held to"]);
    let forged = submits("tuotempo", "admin@clinicaverde.example", |case| {
        case.mail.authentication.grade = Grade::Fail;
    });
    check(
        "l16 a forged admin",
        &forged,
        &["action held", "mail held to admin@clinicaverde.example !dmarc_fail"],
        &opens,
    );
    let robot = submits("tuotempo", STRANGER, |case| {
        case.mail.class = Some(crate::domain::message::MessageClass::Bulk);
    });
    check(
        "l14 a robot",
        &robot,
        &["action held", "mail held to eve@elsewhere.example !precedence"],
        &["mail review"],
    );
    let capped = submits("tuotempo", STRANGER, |case| {
        case.policy.governor.per_address_hour = 3;
        case.facts.counts.address_hour = 3;
    });
    check(
        "l14 capped",
        &capped,
        &["action held", "mail held to eve@elsewhere.example !cap", "mail review to ana"],
        &[],
    );
    let joins = submits("tuotempo", REQUESTER, |case| {
        let ticket = TicketSnapshot { desk: desk_name("tuotempo"), ..pending() };
        case.facts.candidates.push(crate::domain::facts::Candidate { hint: Hint::InReplyTo, ticket });
    });
    check("a participant still joins", &joins, &["action joined"], &["mail held"]);
}

#[test]
fn tuotempo_one_ticket_per_incident_is_proposed_with_one_step_merge() {
    let recent = |text: &str| RecentTicket {
        ticket: TicketRef { id: TicketId::new(id(3)), number: TicketNumber::new(3).unwrap() },
        module: None,
        subject: phi::no_customer_text("Booking page"),
        text: phi::no_customer_text(text),
    };
    let again = |text: &'static str| {
        submits("tuotempo", "admin@clinicaverde.example", |case| {
            case.redacted = "The booking page shows error 502, patients cannot confirm appointments.";
            case.facts.recent = vec![recent(text)];
        })
    };
    let proposes = |decision: &Decision| {
        let told =
            notices(decision).filter(|n| format!("{n:?}").contains("probably the same incident as [#3]"));
        (told.count(), count(decision, "opens urgent related 1"))
    };
    let same = again("Patients cannot confirm their appointments since today: booking page, error 502.");
    assert_eq!(proposes(&same), (1, 1), "{:#?}", lines(&same));
    let reasons: Vec<_> = same.reasons.iter().filter(|r| r.code == "similar").collect();
    assert!(reasons.len() == 1, "the audit trail says why");
    let other = again("Where do we find the invoice of the last quarter?");
    assert_eq!(proposes(&other), (0, 0));
}

#[test]
fn tuotempo_fields_missing_ones_are_asked_for_by_name_in_the_customers_language() {
    let now = local("2026-02-03T10:00:00+01:00");
    let asks = |language, fields: &[(&str, &str)]| {
        let case = mail("tuotempo", "admin@clinicaverde.example", DOWN, now).with(|case| {
            case.mail.language = Some(language);
            case.mail.fields =
                fields.iter().map(|(name, value)| ((*name).to_owned(), RawText::new(*value))).collect();
        });
        acknowledged(&case.decide())
    };
    assert_eq!(asks(Language::En, &[]), "urgent; asks Instance, Steps, Error, Expected, Example");
    assert_eq!(
        asks(Language::It, &[("instance", "tt_example"), ("error", "502")]),
        "urgent; asks Passaggi, Atteso, Esempio"
    );
}

#[test]
fn tuotempo_updates_go_to_the_requester_and_the_ccd() {
    let policy = shipped();
    let now = local("2026-02-03T10:00:00+01:00");
    let open = ticket_of(&policy, "tuotempo", (Priority::High, "incident"), now);
    check(
        "an answer",
        &order(&policy, &reply("Please try again."), &open, now).unwrap(),
        &["mail answer to 1", "mail answer to 2"],
        &["mail answer to 3"],
    );
}
