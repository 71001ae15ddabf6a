//! L22 and L24: what an agent's mail must prove before it acts, and what it then does.

use crate::decide::testing::*;
use crate::domain::agent_mail::{END_MARKER, MARKER};
use crate::domain::desk::DeskClass;
use crate::domain::effect::{Decision, Effect, Subject};
use crate::domain::facts::Hint;
use crate::domain::message::{Attachment, Grade, MessageClass, RobotSign};
use crate::domain::outgoing::Notice;
use crate::domain::text::RawText;
use crate::domain::ticket::TicketState;
use crate::domain::token::Purpose;

/// Ana's own answer, with everything in order.
fn answer(text: &str) -> Case {
    Case::from(ANA).grade(Grade::Pass).hint(token(Purpose::Agent, 3), open()).text(text)
}
fn open() -> crate::domain::ticket::TicketSnapshot {
    ticket(TicketState::Open)
}

fn held(name: &str, case: &Case, why: &str) {
    let decision = case.decide();
    check(name, &decision, &["action held", &format!("ledger held {why}")], &["mail", "state", "article"]);
    assert_eq!((decision.subject, decision.effects.len()), (Subject::Nothing, 1), "{name}");
}

#[test]
fn l22_a_forged_agent_is_powerless() {
    let own = token(Purpose::Agent, 3);
    let unproven = |grade, hint| Case::from(ANA).grade(grade).hint(hint, open()).text("Send your password");
    let cases: Vec<(&str, Case, &str)> = vec![
        ("the CVE, no proof", unproven(Grade::None, own), "agent_unproven"),
        ("the CVE, proof fails", unproven(Grade::Fail, own), "agent_unproven"),
        ("the CVE, no token", unproven(Grade::None, Hint::InReplyTo), "agent_without_token"),
        ("the CVE, no token, fails", unproven(Grade::Fail, Hint::InReplyTo), "agent_without_token"),
        ("a reference, but proven", unproven(Grade::Pass, Hint::References), "agent_without_token"),
        ("a customer's token", unproven(Grade::Pass, token(Purpose::Reply, 1)), "agent_without_token"),
        (
            "ben's token",
            answer("Hello").with(|c| c.facts.candidates[0].hint = token(Purpose::Agent, 4)),
            "agent_token_of_another",
        ),
        ("a stranger", Case::from(STRANGER).grade(Grade::Pass).hint(own, open()), "agent_unknown"),
        (
            "another desk's agent",
            Case::from(OTTO).grade(Grade::Pass).hint(own, open()),
            "agent_of_other_desk",
        ),
        (
            "Reply-To differs",
            answer("Hello").with(|c| c.mail.reply_to = vec![mailbox(STRANGER)]),
            "agent_reply_to",
        ),
        ("several From", answer("Hello").with(|c| c.mail.from_count = 2), "agent_unproven"),
        ("no From", answer("Hello").with(|c| c.mail.from = None), "agent_without_from"),
        ("a robot's header", answer("Hello").with(|c| c.mail.robot = vec![RobotSign::Loop]), "agent_robot"),
    ];
    for (name, case, why) in cases {
        held(name, &case, why);
    }
}

#[test]
fn l22_the_proven_agent_acts() {
    let has = [
        "action answered",
        "article out public",
        "state pending",
        "mail answer to 1",
        "mail answer to 2",
        "assign ana",
        "ledger committed answered",
    ];
    check("answer", &answer("Try again now.").decide(), &has, &["mail notification", "mail received"]);
    let same = answer("Try again now.").with(|c| c.mail.reply_to = vec![mailbox(ANA)]);
    check("Reply-To is From", &same.decide(), &has, &[]);
}

#[test]
fn l22_the_first_agents_token_decides() {
    let mut foreign = open();
    foreign.id = crate::domain::ids::TicketId::new(id(8));
    foreign.participants.clear();
    let mut case = answer("Hello");
    case.facts.candidates[0].ticket = foreign;
    held(
        "a later token of one's own",
        &case.hint(token(Purpose::Agent, 3), open()),
        "agent_token_of_another",
    );
}

#[test]
fn l22_released_by_a_person_it_still_does_not_act() {
    let case = Case::from(ANA).hint(token(Purpose::Agent, 3), open()).with(|c| c.released = true);
    check("released", &case.decide(), &["action new"], &["mail answer", "state"]);
}

#[test]
fn an_agent_who_names_no_ticket_is_a_requester_like_others() {
    check(
        "agent as requester",
        &Case::from(ANA).decide(),
        &["action new", "person requester"],
        &["action held"],
    );
    let customer = Case::from(REQUESTER).hint(token(Purpose::Agent, 3), open()).hint(Hint::InReplyTo, open());
    check("customer with a passed-on notification", &customer.decide(), &["action joined"], &["mail answer"]);
}

#[test]
fn agents_robots_never_act() {
    let by = |class| answer("I am away").class(class).decide();
    for class in [MessageClass::Autoreply, MessageClass::Receipt, MessageClass::Calendar] {
        check("robot", &by(class), &["ledger recorded agent_automatic"], &["mail", "article"]);
    }
    for class in [MessageClass::Encrypted, MessageClass::Bulk, MessageClass::Spam] {
        check("unreadable", &by(class), &["ledger held agent_unreadable"], &["mail", "article"]);
    }
    let breach = answer("I am away").class(MessageClass::Autoreply).on("breach");
    assert_eq!(breach.policy.desks[&desk_name("breach")].class, DeskClass::Breach);
    check(
        "breach desk",
        &breach.decide(),
        &["action joined", "article in auto"],
        &["mail", "state", "opens"],
    );
}

fn customer_words(decision: &Decision) -> Vec<String> {
    let words = |effect: &Effect| match effect {
        Effect::Enqueue(mail) => match &mail.notice {
            Notice::Answer { text, .. } | Notice::Resolved { text: Some(text), .. } => {
                Some(text.expose().to_owned())
            }
            _ => None,
        },
        _ => None,
    };
    decision.effects.iter().filter_map(words).collect()
}

#[test]
fn l24_the_notification_never_reaches_a_customer() {
    let canary = "CANARY-5550100";
    let quoted = format!("All well again.\n\n> {MARKER}\n> {canary}\n> {END_MARKER}\n");
    let decision = answer(&quoted).decide();
    assert_eq!(customer_words(&decision), ["All well again.", "All well again."]);
    let lost = format!("All well again.\n\n{canary}\n{END_MARKER}\n");
    let token = "cmaqaaaaaaaaoaaaaaabx5fq7yqv3m2kz6lw4r7n2abc";
    assert_eq!(token.len(), crate::domain::token::LENGTH);
    let private = format!("All well again.\nOn Monday support+{token}@help.example said");
    for text in [lost, private] {
        let decision = answer(&text).decide();
        check(
            "refused",
            &decision,
            &["action refused", "mail refusal to ana"],
            &["mail answer", "article", "state"],
        );
    }
}

#[test]
fn several_orders_in_one_mail() {
    let cases: [(&str, &str, &[&str], &[&str]); 8] = [
        (
            "resolve with words",
            "#resolve\n\nDone.",
            &["action resolved", "state resolved", "mail resolved to 1"],
            &["mail answer"],
        ),
        ("resolve alone", "#resolve", &["action resolved", "mail resolved to 1"], &["article"]),
        ("note", "#note\nThey called.", &["action noted", "article out internal"], &["mail", "state"]),
        (
            "priority and answer",
            "#priority high\nOn it.",
            &["priority high", "mail answer to 1", "state pending"],
            &[],
        ),
        (
            "close comes last",
            "#close\nGood bye.",
            &["action closed", "mail answer to 1", "mail closed to 1", "state closed"],
            &[],
        ),
        ("assign", "#assign ben", &["assign ben", "mail notification to ben"], &["mail answer", "state"]),
        (
            "unknown order",
            "#clsoe\nGood bye.",
            &["action refused", "mail refusal to ana"],
            &["mail answer", "state", "article"],
        ),
        (
            "all or none",
            "#priority high\n#assign otto\nOn it.",
            &["action refused"],
            &["priority", "mail answer"],
        ),
    ];
    for (name, text, has, not) in cases {
        check(name, &answer(text).decide(), has, not);
    }
    check("empty", &answer("").decide(), &["action refused", "mail refusal to ana"], &["mail answer"]);
}

#[test]
fn an_answer_on_a_closed_ticket_is_refused_unless_it_reopens() {
    let at = at("03-02 09:00");
    let closed = ticket(TicketState::Closed { at, reason: crate::domain::ticket::CloseReason::Agent });
    let on = |text: &str| answer(text).with(|c| c.facts.candidates[0].ticket = closed.clone()).decide();
    check("closed", &on("Hello"), &["action refused", "mail refusal to ana"], &["mail answer", "state"]);
    check(
        "reopened",
        &on("#reopen\nHello"),
        &["action answered", "state open", "state pending", "mail answer to 1"],
        &[],
    );
}

#[test]
fn attachments_that_stay_behind_are_told() {
    let attachment = Attachment {
        name: RawText::new("log.txt"),
        declared_type: "text/plain".into(),
        detected_type: None,
        size: 10,
        sha256: [0; 32],
        inline: false,
        flags: Vec::new(),
        label: None,
    };
    let with = |a: Attachment| answer("See the log.").with(|c| c.mail.attachments = vec![a]).decide();
    check("file", &with(attachment.clone()), &["mail answer to 1", "mail refusal to ana"], &[]);
    check("logo", &with(Attachment { inline: true, ..attachment }), &["mail answer to 1"], &["mail refusal"]);
}
