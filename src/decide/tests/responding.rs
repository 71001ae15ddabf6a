//! L14 to L16: when a mail is acknowledged, and what the acknowledgment holds.

use crate::decide::testing::*;
use crate::domain::effect::Effect;
use crate::domain::facts::GovernorCounts;
use crate::domain::message::{Grade, MessageClass, RobotSign};
use crate::domain::outgoing::Notice;
use crate::domain::policy::Governor;

/// The acknowledgment's row: sent, or its reason.
fn acknowledged(name: &str, case: &Case, want: &str) {
    let decision = case.decide();
    let row = format!("mail received to 1{want}");
    assert!(lines(&decision).contains(&row), "{name}: {:#?}", lines(&decision));
    assert_eq!(count(&decision, "mail received"), 1, "{name}");
}

#[test]
fn l14_signs_of_a_robot_suppress_and_their_absence_does_not() {
    acknowledged("a person", &Case::from(STRANGER), "");
    let signs = [
        (RobotSign::NullPath, " !null_path"),
        (RobotSign::AutoSubmitted, " !auto_submitted"),
        (RobotSign::SuppressHeader, " !suppress_header"),
        (RobotSign::Precedence, " !precedence"),
        (RobotSign::List, " !list"),
        (RobotSign::Report, " !report"),
        (RobotSign::Loop, " !loop"),
        (RobotSign::NoReply, " !noreply"),
        (RobotSign::Spam, " !spam"),
    ];
    for (sign, want) in signs {
        acknowledged(want, &Case::from(STRANGER).with(|c| c.mail.robot = vec![sign]), want);
    }
    acknowledged("bulk by class alone", &Case::from(STRANGER).class(MessageClass::Bulk), " !precedence");
    acknowledged("our own address", &Case::from("other@help.example"), " !loop");
}

#[test]
fn l16_dmarc_failure_suppresses_and_the_ticket_is_flagged() {
    let case = |grade| Case::from(STRANGER).grade(grade);
    acknowledged("fail", &case(Grade::Fail), " !dmarc_fail");
    check("flagged", &case(Grade::Fail).decide(), &["action new", "article in public dmarc_fail"], &[]);
    acknowledged("none", &case(Grade::None), "");
    acknowledged("pass", &case(Grade::Pass), "");
}

#[test]
fn l16_only_a_proven_sender_is_echoed() {
    let echoed = |case: &Case| {
        let decision = case.decide();
        decision.effects.iter().any(|effect| {
            matches!(effect, Effect::Enqueue(mail) if matches!(&mail.notice, Notice::Received { subject: Some(_), .. }))
        })
    };
    assert!(echoed(&Case::from(STRANGER).grade(Grade::Pass)));
    assert!(!echoed(&Case::from(STRANGER).grade(Grade::None)));
    assert!(!echoed(&Case::from(STRANGER).grade(Grade::Fail)));
    assert!(!echoed(&Case::from(STRANGER).grade(Grade::Pass).on("breach")));
}

#[test]
fn l38_junk_is_stored_and_flagged_never_acknowledged() {
    let case = Case::from(STRANGER).with(|c| c.facts.folder_responds = false);
    acknowledged("junk", &case, " !folder");
    check("flagged", &case.decide(), &["action new", "article in public junk_folder"], &[]);
}

#[test]
fn l14_caps_hold_and_zero_is_none() {
    let counts = GovernorCounts { address_hour: 3, address_day: 10, mailbox_hour: 300 };
    let caps = |hour, day, mailbox| Governor {
        per_address_hour: hour,
        per_address_day: day,
        per_mailbox_hour: mailbox,
    };
    let cases = [
        (caps(0, 0, 0), ""),
        (caps(3, 0, 0), " !cap"),
        (caps(4, 0, 0), ""),
        (caps(0, 10, 0), " !cap"),
        (caps(0, 11, 0), ""),
        (caps(0, 0, 300), " !cap"),
        (caps(0, 0, 301), ""),
    ];
    for (governor, want) in cases {
        let case = Case::from(STRANGER).with(|c| {
            c.policy.governor = governor;
            c.facts.counts = counts;
        });
        acknowledged(&format!("{governor:?}"), &case, want);
    }
}

#[test]
fn l17_caps_never_stop_word_to_agents() {
    let case = Case::from(STRANGER).with(|c| {
        c.policy.governor.per_mailbox_hour = 1;
        c.facts.counts.mailbox_hour = 99;
    });
    let both = ["mail notification to ana", "mail notification to ben"];
    check(
        "agents",
        &case.decide(),
        &both,
        &both.map(|line| format!("{line} !")).each_ref().map(String::as_str),
    );
}

#[test]
fn l15_history_makes_tickets_and_nothing_else() {
    let history = Case::from(STRANGER).with(|c| c.facts.history = true);
    acknowledged("history", &history, " !history");
    let decision = history.decide();
    check("history", &decision, &["action new", "opens medium imported"], &["clocks", "mail notification"]);
    let live = Case::from(STRANGER).decide();
    check("live", &live, &["clocks", "mail notification to ana"], &["opens medium imported"]);
}

#[test]
fn l15_history_that_joins_moves_nothing() {
    let case = Case::from(REQUESTER).hint(crate::domain::facts::Hint::InReplyTo, pending());
    let history = case.clone().with(|c| c.facts.history = true).decide();
    check("history", &history, &["action joined", "article in public"], &["state", "mail", "clocks"]);
    check("live", &case.decide(), &["action joined", "state open", "mail notification to ana"], &[]);
}

#[test]
fn l14_without_an_author_nobody_is_answered() {
    let case = Case::from(STRANGER).with(|c| {
        c.mail.from = None;
        c.facts.sender = None;
    });
    check("no From", &case.decide(), &["action new", "opens"], &["mail received", "person requester"]);
}

#[test]
fn l5_a_missing_message_id_loses_nothing() {
    let case = Case::from(STRANGER).with(|c| c.mail.message_id = None);
    acknowledged("no Message-ID", &case, "");
}

#[test]
fn participants_are_to_and_cc_without_our_own() {
    let case = Case::from(REQUESTER).with(|c| {
        c.mail.cc = vec![
            mailbox(OTHER),
            mailbox("Other+x@help.example"),
            mailbox("Pat@clinic.example"),
            mailbox(OTHER),
        ];
    });
    let decision = case.decide();
    assert_eq!((count(&decision, "person requester"), count(&decision, "person participant")), (1, 1));
}
