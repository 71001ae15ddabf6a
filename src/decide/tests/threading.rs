//! The table of L19: every hint, grade and sender.

use crate::decide::testing::*;
use crate::decide::thread::{As, Threading, thread};
use crate::domain::facts::Hint;
use crate::domain::ids::{ParticipantNo, TicketId};
use crate::domain::message::Grade;
use crate::domain::token::Purpose;

fn reply() -> Hint {
    token(Purpose::Reply, 1)
}

/// How a mail joins ticket 7: the participant's number, 0 for a new sender, `None` for not at all.
fn joins(case: &Case) -> Option<u32> {
    match thread(&case.mail, &case.facts, &case.policy.directory) {
        Threading::Joins { who: As::Participant(no), .. } => Some(no.get()),
        Threading::Joins { who: As::NewSender, .. } => Some(0),
        Threading::Opens { .. } => None,
    }
}

#[test]
fn l19_the_table() {
    use Grade::{Fail, None as Unknown, Pass};
    let references = [Hint::InReplyTo, Hint::References, Hint::Tag];
    let grades = [Pass, Unknown, Fail];
    for grade in grades {
        let proven = grade != Fail;
        let table = [
            (REQUESTER, proven.then_some(1), proven.then_some(1)),
            (OTHER, proven.then_some(2), proven.then_some(2)),
            (COLLEAGUE, (grade == Pass).then_some(0), None),
            (STRANGER, None, None),
            (ANA, None, None),
        ];
        for (who, by_token, by_reference) in table {
            let case = |hint| Case::from(who).grade(grade).hint(hint, pending());
            assert_eq!(joins(&case(reply())), by_token, "{who} {grade:?} token");
            for hint in references {
                assert_eq!(joins(&case(hint)), by_reference, "{who} {grade:?} {hint:?}");
            }
        }
    }
}

#[test]
fn l20_a_token_of_another_purpose_joins_nothing() {
    for purpose in [Purpose::Agent, Purpose::Bounce, Purpose::Command] {
        let case = Case::from(REQUESTER).grade(Grade::Pass).hint(token(purpose, 1), pending());
        assert_eq!(joins(&case), None, "{purpose:?}");
    }
    assert_eq!(joins(&Case::from(REQUESTER).hint(reply(), pending())), Some(1));
}

#[test]
fn l20_another_participants_token_joins_as_the_sender() {
    assert_eq!(joins(&Case::from(OTHER).hint(token(Purpose::Reply, 1), pending())), Some(2));
}

#[test]
fn l19_a_failed_candidate_does_not_end_the_search() {
    let mut foreign = pending();
    foreign.id = TicketId::new(id(8));
    foreign.participants.clear();
    let case = Case::from(REQUESTER).hint(reply(), foreign.clone()).hint(Hint::References, pending());
    let found = thread(&case.mail, &case.facts, &case.policy.directory);
    let Threading::Joins { ticket, how, .. } = found else { panic!("{found:?}") };
    assert_eq!((ticket.id, how), (TicketId::new(id(7)), "threaded_by_references"));
    let none = Case::from(REQUESTER).hint(reply(), foreign);
    assert_eq!(joins(&none), None);
}

#[test]
fn l19_tickets_named_in_vain_are_possibly_related_once() {
    let case = Case::from(STRANGER).hint(reply(), pending()).hint(Hint::Tag, pending());
    check("stranger", &case.decide(), &["action new", "opens medium related 1"], &["state"]);
    check("nobody", &Case::from(STRANGER).decide(), &["opens medium related 0"], &[]);
}

#[test]
fn l18_without_a_key_nothing_joins() {
    assert_eq!(joins(&Case::from(REQUESTER)), None);
    let mut nameless = Case::from(REQUESTER).hint(reply(), pending());
    nameless.facts.sender = None;
    assert_eq!(joins(&nameless), None);
}

#[test]
fn l21_the_same_subject_never_threads() {
    let again = Case::from(REQUESTER).with(|c| {
        c.mail.subject = crate::domain::text::RawText::new("Re: Screen stays black");
    });
    check("same subject", &again.decide(), &["action new", "opens"], &[]);
    check("its twin", &again.hint(Hint::InReplyTo, pending()).decide(), &["action joined"], &["opens"]);
}

#[test]
fn l23_reply_to_is_no_identity() {
    let posing = Case::from(STRANGER).with(|c| c.mail.reply_to = vec![mailbox(REQUESTER)]);
    assert_eq!(joins(&posing.hint(reply(), pending())), None);
    let differs = Case::from(REQUESTER).with(|c| c.mail.reply_to = vec![mailbox(STRANGER)]);
    let decision = differs.hint(reply(), pending()).decide();
    check("shown", &decision, &["action joined", "article in public reply_to_differs"], &[]);
}

#[test]
fn l19_a_new_sender_is_flagged_and_becomes_no_participant() {
    let case = Case::from(COLLEAGUE).grade(Grade::Pass).hint(reply(), pending());
    let has = ["action joined", "article in public new_sender", "mail notification to ana"];
    check("colleague", &case.decide(), &has, &["person", "mail received"]);
}

#[test]
fn a_merged_ticket_is_joined_no_more() {
    let mut merged = pending();
    merged.merged_into = Some(TicketId::new(id(8)));
    assert_eq!(joins(&Case::from(REQUESTER).hint(reply(), merged)), None);
    assert_eq!(ParticipantNo::FIRST.get(), 1);
}
