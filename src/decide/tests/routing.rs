//! What each class of mail becomes, on a support desk and on a breach desk.

use crate::decide::testing::*;
use crate::domain::facts::Hint;
use crate::domain::ids::LedgerId;
use crate::domain::message::{BounceReport, InboundMessage, MessageClass, RobotSign};
use crate::domain::ticket::{CloseReason, TicketState};

const ROBOTS: [MessageClass; 4] =
    [MessageClass::Autoreply, MessageClass::Receipt, MessageClass::Challenge, MessageClass::Calendar];

#[test]
fn robots_join_by_a_valid_key_and_are_recorded_without() {
    for class in ROBOTS {
        let case = Case::from(REQUESTER).class(class);
        let code = format!("ledger recorded {}", class.as_str());
        check("alone", &case.decide(), &["action recorded", &code], &["opens", "mail", "article"]);
        let joined = case.hint(Hint::InReplyTo, pending()).decide();
        check("joins", &joined, &["action joined", "article in auto"], &["state", "mail", "clocks"]);
    }
}

#[test]
fn what_a_system_made_of_itself_may_be_work_whatever_its_class() {
    let made = Case::from(STRANGER).class(MessageClass::Autoreply);
    let made = made.with(|c| c.mail.class_reasons = vec![InboundMessage::GENERATED]).decide();
    check("generated", &made, &["action new", "opens", "mail received to 1 !auto_submitted"], &[]);
}

#[test]
fn l32_an_out_of_office_does_not_reopen_and_a_person_does() {
    let closed = ticket(TicketState::Closed { at: at("03-02 09:00"), reason: CloseReason::NoAnswer });
    let case = |class| Case::from(REQUESTER).class(class).hint(Hint::InReplyTo, closed.clone()).decide();
    check("away", &case(MessageClass::Autoreply), &["action joined"], &["state", "mail"]);
    check("person", &case(MessageClass::Human), &["action reopened", "state open"], &[]);
}

#[test]
fn bulk_opens_a_silent_ticket() {
    let bulk = Case::from(STRANGER).class(MessageClass::Bulk).decide();
    check("bulk", &bulk, &["action new", "opens", "article in auto", "mail received to 1 !precedence"], &[]);
    let signs = |signs: &[RobotSign]| {
        let case = Case::from(REQUESTER).class(MessageClass::Bulk).hint(Hint::InReplyTo, pending());
        case.with(|c| c.mail.robot = signs.to_vec()).decide()
    };
    check("a person on a list", &signs(&[RobotSign::List]), &["action joined", "state open"], &[]);
    let system = signs(&[RobotSign::AutoSubmitted, RobotSign::List]);
    check("their ticket system", &system, &["action joined", "article in auto"], &["state", "mail"]);
}

#[test]
fn spam_is_held_until_a_person_releases_it() {
    let spam = Case::from(STRANGER).class(MessageClass::Spam);
    check("held", &spam.decide(), &["action held", "ledger held spam"], &["opens", "mail", "article"]);
    let released = spam.with(|c| c.released = true).decide();
    check("released", &released, &["action new", "article in public spam", "mail received to 1 !spam"], &[]);
    let reply = Case::from(REQUESTER).class(MessageClass::Spam).hint(Hint::InReplyTo, pending());
    let reply = reply.with(|c| c.released = true).decide();
    check("released reply", &reply, &["action joined", "state open", "mail notification to ana"], &[]);
}

#[test]
fn encrypted_mail_is_work() {
    let decision = Case::from(STRANGER).class(MessageClass::Encrypted).decide();
    check("encrypted", &decision, &["action new", "article in public encrypted"], &[]);
}

#[test]
fn l6_a_duplicate_is_kept_and_ignored() {
    let case = Case::from(STRANGER).with(|c| c.facts.duplicate_of = Some(LedgerId::new(id(2))));
    check("duplicate", &case.decide(), &["action duplicate", "ledger ignored duplicate"], &["opens", "mail"]);
    let other = Case::from(STRANGER).with(|c| c.facts.message_id_seen = true).decide();
    check("other content", &other, &["action new", "article in public repeated_message_id"], &[]);
}

#[test]
fn oversize_stands_in_a_ticket_and_stays_named_so() {
    let case = Case::from(STRANGER).with(|c| c.facts.oversize = true);
    check(
        "oversize",
        &case.decide(),
        &["action new", "article in public oversize", "ledger oversize new"],
        &[],
    );
}

fn bounce(permanent: Option<bool>) -> Case {
    Case::from("mailer-daemon@mx.example").class(MessageClass::Bounce).with(|c| {
        c.mail.bounce = Some(BounceReport { permanent, ..BounceReport::default() });
        c.mail.robot = vec![RobotSign::NullPath, RobotSign::Report];
    })
}

#[test]
fn a_bounce_is_matched_or_recorded() {
    let unmatched = bounce(Some(true)).decide();
    check("unmatched", &unmatched, &["ledger recorded report_unmatched"], &["opens", "mail", "article"]);
    let notice = bounce(Some(true)).bounce(pending(), false).decide();
    check(
        "of a notice",
        &notice,
        &["bounced true", "article in auto bounce", "ledger committed"],
        &["state", "mail"],
    );
    let feedback = bounce(None).class(MessageClass::Feedback).bounce(pending(), true).decide();
    check("feedback", &feedback, &["article in auto feedback"], &["bounced", "state", "mail"]);
}

#[test]
fn a_bounced_answer_goes_back_to_the_agents() {
    let told = ["bounced true", "mail notification to ana"];
    let since = at("03-02 09:00");
    let silent = TicketState::Closed { at: since, reason: CloseReason::NoAnswer };
    for state in [TicketState::Pending { since }, TicketState::Resolved { at: since }, silent] {
        let decision = bounce(Some(true)).bounce(ticket(state), true).decide();
        check(
            state.as_str(),
            &decision,
            &[told[0], told[1], "state open"],
            &["mail received", "mail answer"],
        );
    }
    let ended = ticket(TicketState::Closed { at: since, reason: CloseReason::Agent });
    check("closed by an agent", &bounce(None).bounce(ended, true).decide(), &told, &["state"]);
    let delayed = bounce(Some(false)).bounce(pending(), true).decide();
    check("delayed", &delayed, &["bounced false", "article in auto bounce"], &["state", "mail"]);
}
