//! What holds for every message and every due ticket.

use proptest::prelude::*;

use crate::decide::on_tick::on_tick;
use crate::decide::testing::*;
use crate::domain::effect::{Decision, Effect, Subject};
use crate::domain::facts::Hint;
use crate::domain::message::{Grade, MessageClass, RobotSign};
use crate::domain::outgoing::Notice;
use crate::domain::ticket::{ArticleKind, CloseReason, TicketSnapshot, TicketState};
use crate::domain::token::Purpose;

fn people() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![REQUESTER, OTHER, COLLEAGUE, STRANGER, ANA, BEN, OTTO, "support@help.example"])
}
fn classes() -> impl Strategy<Value = MessageClass> {
    use MessageClass as M;
    prop::sample::select(vec![
        M::Human,
        M::Human,
        M::Human,
        M::Autoreply,
        M::Receipt,
        M::Challenge,
        M::Calendar,
        M::Bounce,
        M::Feedback,
        M::Bulk,
        M::Spam,
        M::Encrypted,
    ])
}
fn states() -> impl Strategy<Value = TicketState> {
    let at = at("03-02 09:00");
    prop::sample::select(vec![
        TicketState::New,
        TicketState::Open,
        TicketState::Pending { since: at },
        TicketState::Resolved { at },
        TicketState::Closed { at, reason: CloseReason::Agent },
        TicketState::Closed { at, reason: CloseReason::NoAnswer },
    ])
}
fn hints() -> impl Strategy<Value = Vec<Hint>> {
    let one = prop_oneof![
        Just(Hint::InReplyTo),
        Just(Hint::References),
        Just(Hint::Tag),
        (prop::sample::select(vec![Purpose::Reply, Purpose::Agent, Purpose::Bounce]), 1_u32..6)
            .prop_map(|(p, no)| token(p, no)),
    ];
    prop::collection::vec(one, 0..4)
}
fn texts() -> impl Strategy<Value = String> {
    let head = prop::sample::select(vec![
        "",
        "#note\n",
        "#resolve\n",
        "#close\n",
        "#reopen\n",
        "#priority high\n",
        "#assign ben\n",
        "#x\n",
    ]);
    (head, ".{0,80}").prop_map(|(head, rest)| format!("{head}{rest}"))
}
fn grades() -> impl Strategy<Value = Grade> {
    prop::sample::select(vec![Grade::Fail, Grade::None, Grade::Pass])
}

prop_compose! {
    fn cases()(
        who in people(), class in classes(), state in states(), hints in hints(), grade in grades(),
        (text, days) in (texts(), 0_i64..40),
        flags in prop::array::uniform8(any::<bool>()),
        desk in prop::sample::select(vec!["support", "breach"]),
    ) -> Case {
        let [history, respond, oversize, released, robot, from, sent, answer] = flags;
        let home = TicketSnapshot { desk: desk_name(desk), restricted: desk == "breach", ..ticket(state) };
        let mut case = Case::from(who).class(class).grade(grade).on(desk).text(&text);
        case.arrived = at("03-02 10:00") + chrono::Duration::days(days);
        case.facts.history = history;
        case.facts.folder_responds = respond;
        case.facts.oversize = oversize;
        case.released = released;
        if robot { case.mail.robot = vec![RobotSign::AutoSubmitted]; }
        if !from { case.mail.from = None; case.facts.sender = None; }
        for hint in hints { case = case.hint(hint, home.clone()); }
        if sent { case = case.bounce(home, answer); }
        case
    }
}

fn mails(decision: &Decision) -> impl Iterator<Item = &Notice> {
    decision.effects.iter().filter_map(|effect| match effect {
        Effect::Enqueue(mail) => Some(&mail.notice),
        _ => None,
    })
}

proptest! {
    #[test]
    fn l7_every_message_ends_its_ledger_row_exactly_once(case in cases()) {
        let decision = case.decide();
        let ends = decision.effects.iter().filter(|e| matches!(e, Effect::SetLedger { .. })).count();
        prop_assert_eq!(ends, 1);
        let stands = !matches!(decision.subject, Subject::Nothing);
        let moves = decision.effects.len() > 1;
        prop_assert!(stands || !moves, "{:?}", lines(&decision));
    }

    #[test]
    fn l24_internal_words_never_become_customer_mail(case in cases()) {
        let decision = case.decide();
        let internal = decision.effects.iter().any(|e| matches!(e, Effect::AddArticle(a) if a.kind == ArticleKind::Internal));
        let carries = mails(&decision).any(|n| matches!(n, Notice::Answer { .. } | Notice::Resolved { text: Some(_), .. }));
        prop_assert!(!(internal && carries), "{:?}", lines(&decision));
    }

    #[test]
    fn l14_every_opened_ticket_has_one_acknowledgment_decision(case in cases()) {
        let decision = case.decide();
        let received = mails(&decision).filter(|n| matches!(n, Notice::Received { .. })).count();
        let opened = matches!(decision.subject, Subject::New(_)) && case.mail.from.is_some();
        prop_assert_eq!(received, usize::from(opened));
    }

    #[test]
    fn l22_only_a_proven_agent_speaks_to_customers(case in cases()) {
        let decision = case.decide();
        let speaks = mails(&decision).any(|n| n.to_customer() && !matches!(n, Notice::Received { .. }));
        let agent = case.mail.from.as_ref().is_some_and(|m| m.address.domain() == "agents.example");
        prop_assert!(!speaks || (agent && case.mail.authentication.grade == Grade::Pass && !case.facts.history));
    }

    #[test]
    fn a_look_at_a_ticket_never_wants_to_be_repeated_at_once(
        state in states(), minutes in 0_i64..20_000, reminded in prop::option::of(0_i64..9000),
        flags in prop::array::uniform4(any::<bool>()),
    ) {
        let now = at("03-02 12:00") + chrono::Duration::minutes(minutes);
        let [waits, unsent, polled, capped] = flags;
        let mut facts = quiet("03-02 12:00");
        facts.ticket.state = state;
        facts.ticket.reminded_at = reminded.map(|m| at("03-02 12:00") + chrono::Duration::minutes(m)).filter(|r| *r <= now);
        facts.ticket.due_at = Some(now);
        (facts.mail_waits, facts.unsent) = (waits, unsent);
        facts.polled_until = polled.then_some(now);
        facts.counts.mailbox_hour = u32::from(capped);
        let mut policy = policy();
        policy.governor.per_mailbox_hour = 1;
        let decision = on_tick(&facts, scene(&policy, "support", now));
        let due = decision.effects.iter().rev().find_map(|e| match e {
            Effect::SetDue(due) => Some(*due),
            _ => None,
        });
        prop_assert!(matches!(due, Some(None)) || due.flatten().is_some_and(|due| due > now), "{:?}", lines(&decision));
    }
}
