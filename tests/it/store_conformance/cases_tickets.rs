//! Transaction B: numbers, savepoints, candidates, conflicts, and what a ticket looks like afterwards.

use mailward::domain::effect::{Decision, Effect, LedgerState, NewParticipant, Related, Subject};
use mailward::domain::facts::Hint;
use mailward::domain::ids::{
    AgentName, ArticleId, DeskName, LedgerId, MessageId, OrganisationName, ParticipantNo,
};
use mailward::domain::message::{Attachment, Grade, ThreadHints};
use mailward::domain::outgoing::{Notice, Recipient};
use mailward::domain::policy::Governor;
use mailward::domain::text::{RawText, RedactedText};
use mailward::domain::ticket::{
    ClockKind, ClockState, CloseReason, LastPublic, Priority, Role, TicketClock, TicketState,
};
use mailward::domain::token::{Purpose, Token};
use mailward::seal::LookupDomain;
use mailward::store::{Expected, OutboxFilter, StoreError, TicketFilter, Work};

use super::world::{
    NO_CAPS, Story, World, account, address, desk, first, mailbox, message_id, number, outgoing, set_ledger,
};

const MARY: &str = "mary@clinic.example";

/// Statements that PostgreSQL logged so far; `None` on SQLite, which keeps no such log.
fn statements(world: &World) -> Option<usize> {
    let log = std::fs::read_to_string(world.folder.join("log")).ok()?;
    Some(log.matches("LOG:  execute ").count() + log.matches("LOG:  statement: ").count())
}

/// Reads ahead for these mails, as ingest does for a batch.
async fn foresee(world: &World, work: &mut Work, mails: &[(Story, LedgerId)]) {
    let account = account("support");
    let ids: Vec<Option<MessageId>> = mails.iter().map(|(story, _)| story.id.map(message_id)).collect();
    let expected: Vec<Expected<'_>> = mails
        .iter()
        .zip(&ids)
        .map(|((story, ledger), id)| Expected {
            ledger: *ledger,
            account: &account,
            hints: &story.hints,
            message_id: id.as_ref(),
            content_key: world.sealer.lookup(LookupDomain::Content, story.content),
        })
        .collect();
    work.foresee(&expected).await.unwrap();
}

/// The budget is a count, so that it can be held: a batch of new mails, their acknowledgments and
/// notifications; and one mail alone in its savepoint.
pub async fn a_new_mail_takes_few_statements(world: &World) {
    const IDS: [&str; 21] = [
        "a@x.example",
        "b@x.example",
        "c@x.example",
        "d@x.example",
        "e@x.example",
        "f@x.example",
        "g@x.example",
        "h@x.example",
        "i@x.example",
        "j@x.example",
        "k@x.example",
        "l@x.example",
        "m@x.example",
        "n@x.example",
        "o@x.example",
        "p@x.example",
        "q@x.example",
        "r@x.example",
        "s@x.example",
        "t@x.example",
        "alone@x.example",
    ];
    let mut mails = Vec::new();
    for (uid, id) in (1..).zip(IDS) {
        let story = Story::new(uid, MARY, id);
        let ledger = world.keep(&story).await;
        mails.push((story, ledger));
    }
    let alone = mails.pop().unwrap();
    let before = statements(world);
    let mut work = world.store.begin(None).await.unwrap();
    foresee(world, &mut work, &mails).await;
    for (story, ledger) in &mails {
        world.facts(&mut work, story, *ledger, &NO_CAPS).await;
        world.carry(&mut work, &world.new_ticket(story, *ledger)).await.unwrap();
    }
    work.commit(world.now).await.unwrap();
    let batch = statements(world).zip(before).map(|(after, before)| after - before);
    let mut work = world.store.begin(None).await.unwrap();
    let before = statements(world);
    work.savepoint().await.unwrap();
    world.facts(&mut work, &alone.0, alone.1, &NO_CAPS).await;
    world.carry(&mut work, &world.new_ticket(&alone.0, alone.1)).await.unwrap();
    work.release().await.unwrap();
    let single = statements(world).zip(before).map(|(after, before)| after - before);
    work.commit(world.now).await.unwrap();
    if let (Some(batch), Some(single)) = (batch, single) {
        assert_eq!((batch, single), (24, 11), "statements of twenty new mails, and of one alone");
    }
    let ticket = world.ticket(1).await;
    assert_eq!((ticket.number.get(), ticket.version), (1, 1));
    assert_eq!(ticket.participants.len(), 1);
    assert_eq!(ticket.participants[0].key, world.key("MARY@clinic.example"));
    assert_eq!(ticket.last_public, Some(LastPublic::Customer));
}

/// Mails of one batch that belong together: read ahead or asked for singly, the facts are the same.
pub async fn what_is_foreseen_is_what_is_true(world: &World) {
    let hints = |references: &[&str], tag: Option<i64>| ThreadHints {
        references: references.iter().map(|id| message_id(id)).collect(),
        tag: tag.map(number),
        ..ThreadHints::default()
    };
    world.opened(&Story::new(1, MARY, "old@x.example")).await;
    let stories = [
        Story { hints: hints(&["old@x.example"], None), ..Story::new(2, MARY, "reply@x.example") },
        Story::new(3, MARY, "new@x.example"),
        Story { content: "new@x.example", ..Story::new(4, MARY, "copy@x.example") },
        Story {
            hints: hints(&["nobody@x.example", "new@x.example"], Some(9)),
            ..Story::new(5, MARY, "to-new@x.example")
        },
        Story { hints: hints(&[], Some(2)), ..Story::new(6, MARY, "by-tag@x.example") },
        Story { content: "again", ..Story::new(7, MARY, "new@x.example") },
    ];
    let mut mails = Vec::new();
    for story in stories {
        let ledger = world.keep(&story).await;
        mails.push((story, ledger));
    }
    let caps = Governor { per_address_hour: 3, per_address_day: 0, per_mailbox_hour: 50 };
    let mut seen = Vec::new();
    for ahead in [true, false] {
        let mut work = world.store.begin(None).await.unwrap();
        if ahead {
            foresee(world, &mut work, &mails).await;
        }
        let mut told = Vec::new();
        for (story, ledger) in &mails {
            let facts = world.facts(&mut work, story, *ledger, &caps).await;
            let tickets: Vec<i64> = facts.candidates.iter().map(|c| c.ticket.number.get()).collect();
            let counts = (facts.counts.address_hour, facts.counts.address_day, facts.counts.mailbox_hour);
            told.push((tickets, facts.duplicate_of, facts.message_id_seen, counts));
            let decision = match facts.candidates.first() {
                Some(candidate) => world.joins(&candidate.ticket, story, *ledger),
                None => world.new_ticket(story, *ledger),
            };
            world.carry(&mut work, &decision).await.unwrap();
        }
        work.rollback().await.unwrap();
        seen.push(told);
    }
    assert_eq!(seen[0], seen[1]);
    let tickets: Vec<&[i64]> = seen[0].iter().map(|(tickets, ..)| tickets.as_slice()).collect();
    assert_eq!(tickets, [&[1][..], &[], &[], &[2], &[2], &[]]);
    let repeats: Vec<(bool, bool)> = seen[0].iter().map(|(_, twin, id, _)| (twin.is_some(), *id)).collect();
    let plain = (false, false);
    assert_eq!(repeats, [plain, plain, (true, false), plain, plain, (false, true)]);
    let counts: Vec<(u32, u32, u32)> = seen[0].iter().map(|(.., counts)| *counts).collect();
    assert_eq!(counts, [(1, 0, 1), (1, 0, 1), (2, 0, 2), (3, 0, 3), (3, 0, 3), (3, 0, 3)]);
}

/// One ticket in one batch: opened, joined twice, its messages in their order.
pub async fn a_batch_may_change_a_ticket_more_than_once(world: &World) {
    let stories = [
        Story::new(1, MARY, "first@x.example"),
        Story::new(2, MARY, "second@x.example"),
        Story::new(3, MARY, "third@x.example"),
    ];
    let mut ledgers = Vec::new();
    for story in &stories {
        ledgers.push(world.keep(story).await);
    }
    let mut work = world.store.begin(None).await.unwrap();
    let opened = world.carry(&mut work, &world.new_ticket(&stories[0], ledgers[0])).await.unwrap();
    for at in 1..3 {
        let ticket = work.ticket_by_id(opened.ticket.unwrap().id).await.unwrap().unwrap();
        world.carry(&mut work, &world.joins(&ticket, &stories[at], ledgers[at])).await.unwrap();
    }
    work.commit(world.now).await.unwrap();
    assert_eq!(world.ticket(1).await.version, 3);
    let view = world.store.ticket_show(number(1), true, world.now).await.unwrap().unwrap();
    let ids: Vec<_> = view.messages.iter().filter_map(|m| m.message_id.clone()).collect();
    assert_eq!(ids.len(), 3);
    // Decided once more, by whoever did not hear of the commit: nothing of it is written.
    let mut work = world.store.begin(None).await.unwrap();
    world.carry(&mut work, &world.new_ticket(&stories[1], ledgers[1])).await.unwrap();
    let again = work.commit(world.now).await;
    assert!(matches!(again, Err(StoreError::Missing(_))), "{again:?}");
    assert_eq!(world.store.ticket_list(&TicketFilter::default(), false).await.unwrap().len(), 1);
}

pub async fn numbers_have_no_gaps_after_a_rollback(world: &World) {
    let story = Story::new(1, MARY, "a@clinic.example");
    let ledger = world.keep(&story).await;
    let mut work = world.store.begin(None).await.unwrap();
    let placed = work.place(&world.new_ticket(&story, ledger), &world.ids()).await.unwrap();
    assert_eq!(placed.ticket.unwrap().number.get(), 1);
    drop(work);
    let mut work = world.store.begin(None).await.unwrap();
    for uid in 2..=4 {
        let story = Story::new(uid, MARY, "x@clinic.example");
        work.savepoint().await.unwrap();
        work.place(&world.new_ticket(&story, ledger), &world.ids()).await.unwrap();
        if uid == 3 {
            work.release().await.unwrap();
        } else {
            work.rollback_to().await.unwrap();
        }
    }
    work.commit(world.now).await.unwrap();
    let next = world.opened(&Story::new(9, MARY, "b@clinic.example")).await;
    assert_eq!(next.number.get(), 2);
}

pub async fn one_message_fails_and_the_others_commit(world: &World) {
    let stories: Vec<Story> = (1..=3)
        .map(|uid| Story {
            content: ["", "one", "two", "three"][uid as usize],
            ..Story::new(uid, MARY, "m@clinic.example")
        })
        .collect();
    let mut ledgers = Vec::new();
    for story in &stories {
        ledgers.push(world.keep(story).await);
    }
    let mut work = world.store.begin(None).await.unwrap();
    for (at, (story, ledger)) in stories.iter().zip(&ledgers).enumerate() {
        work.savepoint().await.unwrap();
        world.facts(&mut work, story, *ledger, &NO_CAPS).await;
        let mut decision = world.new_ticket(story, *ledger);
        if at == 1 {
            let nobody = Recipient::Participant(ParticipantNo::new(99).unwrap());
            let mail = mailward::domain::outgoing::Outgoing { to: nobody, ..world.received() };
            decision.effects.push(Effect::Enqueue(Box::new(mail)));
        }
        match world.carry(&mut work, &decision).await {
            Ok(_) => work.release().await.unwrap(),
            Err(error) => {
                assert!(matches!(error, StoreError::Defect(_)), "{error}");
                work.rollback_to().await.unwrap();
            }
        }
    }
    work.commit(world.now).await.unwrap();
    assert_eq!(world.store.ticket_list(&TicketFilter::default(), false).await.unwrap().len(), 2);
    assert_eq!(world.store.undecided(None).await.unwrap(), 1);
    let report = world.store.audit_verify().await.unwrap();
    assert_eq!((report.ok, report.rows), (true, 2));
}

pub async fn l18_an_empty_key_matches_nothing(world: &World) {
    for uid in 1..=2 {
        let story =
            Story { id: None, content: ["", "one", "two"][uid as usize], ..Story::new(uid, MARY, "-") };
        world.opened(&story).await;
    }
    for bad in ["<>", "", "< >", "\"\""] {
        assert!(MessageId::parse(bad).is_err());
    }
    let garbage = MessageId::parse(&"g".repeat(900)).unwrap();
    let hints = ThreadHints { references: vec![garbage], ..ThreadHints::default() };
    let story = Story { hints, id: None, content: "three", ..Story::new(3, MARY, "-") };
    let ledger = world.keep(&story).await;
    let mut work = world.store.begin(None).await.unwrap();
    let facts = world.facts(&mut work, &story, ledger, &NO_CAPS).await;
    assert!(facts.candidates.is_empty() && !facts.message_id_seen && facts.duplicate_of.is_none());
    work.rollback().await.unwrap();
}

pub async fn l05_a_missing_message_id_loses_nothing(world: &World) {
    let story = Story { id: None, ..Story::new(1, MARY, "-") };
    assert_eq!(world.opened(&story).await.number.get(), 1);
}

fn token(purpose: Purpose, ticket: i64) -> Token {
    Token { purpose, ticket: number(ticket), participant: first() }
}

pub async fn candidates_stand_in_the_decided_order(world: &World) {
    for (uid, id) in [(1, "a@x.example"), (2, "b@x.example"), (3, "c@x.example"), (4, "d@x.example")] {
        world.opened(&Story::new(uid, MARY, id)).await;
    }
    let other = Story { content: "elsewhere", ..Story::new(5, MARY, "e@x.example") };
    let ledger = world.keep(&other).await;
    let mut decision = world.new_ticket(&other, ledger);
    if let Subject::New(new) = &mut decision.subject {
        new.desk = desk("breach");
    }
    world.decided(&decision).await;
    let ours = world.store.outbox_list(&OutboxFilter::default(), true).await.unwrap()[0].message_id.clone();
    let hints = ThreadHints {
        tokens: vec![token(Purpose::Bounce, 1), token(Purpose::Reply, 4), token(Purpose::Reply, 77)],
        in_reply_to: vec![message_id("c@x.example"), message_id("e@x.example")],
        references: vec![message_id("b@x.example"), message_id("nowhere@x.example"), message_id(&ours)],
        tag: Some(number(2)),
    };
    let story = Story { hints, ..Story::new(6, MARY, "f@x.example") };
    let ledger = world.keep(&story).await;
    let mut work = world.store.begin(None).await.unwrap();
    let facts = world.facts(&mut work, &story, ledger, &NO_CAPS).await;
    let found: Vec<_> = facts.candidates.iter().map(|c| (c.hint, c.ticket.number.get())).collect();
    let want = [
        (Hint::Token(token(Purpose::Reply, 4)), 4),
        (Hint::InReplyTo, 3),
        (Hint::References, 2),
        (Hint::References, 1),
        (Hint::Tag, 2),
    ];
    assert_eq!(found, want);
    assert!(facts.candidates.iter().all(|c| c.ticket.participants.len() == 1));
    assert!(facts.sent_row.is_some_and(|(row, ticket)| ticket.number.get() == 1 && !row.answer));
    work.rollback().await.unwrap();
}

pub async fn a_merged_ticket_leads_to_its_survivor(world: &World) {
    let one = world.opened(&Story::new(1, MARY, "a@x.example")).await;
    let two = world.opened(&Story::new(2, MARY, "b@x.example")).await;
    let closed = TicketState::Closed { at: world.now, reason: CloseReason::Merged };
    let effects = vec![Effect::SetState(closed), Effect::MergeInto(two.id), Effect::SetDue(None)];
    world.decided(&world.decision(Subject::Existing(one.id, one.version), effects, "merged")).await;
    let hints = ThreadHints {
        tokens: vec![token(Purpose::Agent, 1)],
        in_reply_to: vec![message_id("a@x.example")],
        ..ThreadHints::default()
    };
    let story = Story { hints, ..Story::new(3, MARY, "c@x.example") };
    let ledger = world.keep(&story).await;
    let mut work = world.store.begin(None).await.unwrap();
    let facts = world.facts(&mut work, &story, ledger, &NO_CAPS).await;
    assert_eq!(facts.candidates.iter().map(|c| c.ticket.number.get()).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(facts.last_inbound, Some(message_id("b@x.example")));
    work.rollback().await.unwrap();
    let shown = world.store.ticket_show(number(1), false, world.now).await.unwrap().unwrap();
    assert_eq!((shown.line.merged_into, shown.line.close_reason.as_deref()), (Some(2), Some("merged")));
}

pub async fn a_changed_ticket_is_a_conflict(world: &World) {
    let old = world.opened(&Story::new(1, MARY, "a@x.example")).await;
    let effects = || vec![Effect::SetPriority(Priority::High)];
    let decision = || world.decision(Subject::Existing(old.id, old.version), effects(), "priority");
    world.decided(&decision()).await;
    let mut work = world.store.begin(None).await.unwrap();
    let again = work.place(&decision(), &world.ids()).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    drop(work);
    let now = world.ticket(1).await;
    assert_eq!((now.version, now.priority), (2, Priority::High));
}

pub async fn l06_content_repeats_within_an_account(world: &World) {
    let first = Story::new(1, MARY, "a@x.example");
    world.opened(&first).await;
    let again = Story { uid: 2, ..first.clone() };
    let reused = Story { uid: 3, content: "other content", ..first.clone() };
    let elsewhere = Story { uid: 4, account: "other", ..first.clone() };
    let mut seen = Vec::new();
    for story in [again, reused, elsewhere] {
        let ledger = world.keep(&story).await;
        let mut work = world.store.begin(None).await.unwrap();
        let facts = world.facts(&mut work, &story, ledger, &NO_CAPS).await;
        seen.push((facts.duplicate_of.is_some(), facts.message_id_seen));
        work.rollback().await.unwrap();
    }
    assert_eq!(seen, [(true, true), (false, true), (false, false)]);
}

pub async fn l11_copies_of_other_accounts_are_told(world: &World) {
    let first = Story::new(1, MARY, "a@x.example");
    let ticket = world.opened(&first).await;
    let copy = Story { uid: 2, account: "breach", ..first };
    let ledger = world.keep(&copy).await;
    let mut work = world.store.begin(None).await.unwrap();
    let facts = world.facts(&mut work, &copy, ledger, &NO_CAPS).await;
    assert_eq!(facts.copies, [ticket.id]);
    work.rollback().await.unwrap();
}

fn attachment() -> Attachment {
    Attachment {
        name: RawText::new("planted-scan.pdf"),
        declared_type: "application/octet-stream".into(),
        detected_type: Some("application/pdf".into()),
        size: 12,
        sha256: [5; 32],
        inline: false,
        flags: vec!["type_mismatch"],
        label: None,
    }
}

pub async fn a_ticket_is_shown_as_the_contract_says(world: &World) {
    let story = Story::new(1, MARY, "a@x.example");
    let ledger = world.keep(&story).await;
    let mut decision = world.new_ticket(&story, ledger);
    for effect in &mut decision.effects {
        if let Effect::AddArticle(article) = effect {
            article.attachments = vec![attachment()];
            article.flags = vec!["new_sender"];
            article.text = RedactedText::vouched("nul \0 inside");
        }
    }
    let due = world.later(60);
    decision
        .effects
        .push(Effect::SetClocks(vec![TicketClock::new(ClockKind::Response, ClockState::Running { due })]));
    let agent = Recipient::Agent(AgentName::parse("ana").unwrap(), address("ana@desk.example"));
    let told = Notice::AgentRefusal { agent: AgentName::parse("ana").unwrap(), why: "no".into() };
    decision.effects.push(Effect::Enqueue(Box::new(mailward::domain::outgoing::Outgoing {
        to: agent,
        ..outgoing(told)
    })));
    world.decided(&decision).await;
    let view = world.store.ticket_show(number(1), false, world.now).await.unwrap().unwrap();
    let json: serde_json::Value = serde_json::to_value(&view).unwrap();
    let text = json.to_string();
    for planted in ["mary@", "Planted", "planted-scan", "a@x.example"] {
        assert!(!text.contains(planted), "{planted}: {text}");
    }
    assert_eq!(json["requester"], "m***@clinic.example");
    assert_eq!(json["messages"][0]["attachments"][0]["type"], "application/pdf");
    assert_eq!(json["messages"][0]["original"], "sealed");
    assert_eq!(json["messages"][0]["flags"][0], "new_sender");
    assert_eq!(json["messages"][0]["text"], "nul \u{fffd} inside");
    assert_eq!(json["clocks"][0]["remaining_s"], 3600);
    assert_eq!(json["due"], "2026-03-02T10:00:00Z");
    assert_eq!(json["history"][0]["reasons"][0], "because:rule-7");
    assert_eq!(json["participants"][1]["agent"], "ana");
    assert_eq!(json["outbox"].as_array().map(Vec::len), Some(2));
    let open = world.store.ticket_show(number(1), true, world.now).await.unwrap().unwrap();
    assert_eq!(open.line.requester.as_deref(), Some(MARY));
    assert_eq!(open.messages[0].attachments[0].name.as_deref(), Some("planted-scan.pdf"));
    let filter = TicketFilter { desk: Some(DeskName::parse("other").unwrap()), ..TicketFilter::default() };
    assert!(world.store.ticket_list(&filter, false).await.unwrap().is_empty());
}

/// Whatever a ticket can hold is read back as it was decided.
pub async fn everything_of_a_ticket_comes_back(world: &World) {
    let one = world.opened(&Story::new(1, MARY, "a@x.example")).await;
    let story = Story::new(2, MARY, "b@x.example");
    let ledger = world.keep(&story).await;
    let at = world.later(5);
    let clocks = vec![
        TicketClock::new(ClockKind::Response, ClockState::Met { at }),
        TicketClock::new(ClockKind::Resolution, ClockState::Paused { left_s: 77 }),
        TicketClock::new(ClockKind::Update, ClockState::Missed { due: at }),
    ];
    let agent = AgentName::parse("ana").unwrap();
    let mut decision: Decision = world.new_ticket(&story, ledger);
    if let Subject::New(new) = &mut decision.subject {
        new.restricted = true;
        new.imported = true;
        new.organisation = OrganisationName::parse("clinic").ok();
        new.follow_up_of = Some(one.id);
        new.possibly_related = vec![Related::new(one.id, "named")];
        new.due_at = Some(at);
    }
    let person = |text: &str, role, agent| {
        Effect::AddParticipant(NewParticipant {
            mailbox: mailbox(text, "N"),
            role,
            organisation: OrganisationName::parse("clinic").ok(),
            agent,
        })
    };
    decision.effects.extend([
        person("cc@clinic.example", Role::Participant, None),
        person("CC@Clinic.Example", Role::Participant, None),
        person("mary@clinic.example", Role::Participant, None),
        person("mary@clinic.example", Role::Agent, Some(agent.clone())),
        Effect::SetClocks(clocks.clone()),
        Effect::SetReminded(Some(at)),
        Effect::Assign(Some(agent.clone())),
        Effect::SetState(TicketState::Resolved { at }),
        Effect::Relate(Related::new(one.id, "named")),
    ]);
    world.decided(&decision).await;
    let two = world.ticket(2).await;
    assert!(two.restricted && two.imported);
    assert_eq!((two.clocks, two.state), (clocks, TicketState::Resolved { at }));
    assert_eq!((two.reminded_at, two.due_at, two.assignee), (Some(at), Some(at), Some(agent)));
    let roles: Vec<_> = two.participants.iter().map(|p| (p.no.get(), p.role)).collect();
    assert_eq!(roles, [(1, Role::Requester), (2, Role::Participant), (3, Role::Agent)]);
    let view = world.store.ticket_show(number(2), false, world.now).await.unwrap().unwrap();
    assert_eq!((view.line.follow_up_of, view.possibly_related), (Some(1), vec![1]));
    // A customer's mail to it: the first message proves the grade, later ones do not change it.
    let third = Story::new(3, MARY, "c@x.example");
    let ledger = world.keep(&third).await;
    let mut work = world.store.begin(None).await.unwrap();
    let ticket = work.ticket(number(2)).await.unwrap().unwrap();
    let mut joins = world.joins(&ticket, &third, ledger);
    if let Some(Effect::AddArticle(article)) = joins.effects.first_mut() {
        article.grade = Grade::Pass;
    }
    let placed = work.place(&joins, &world.ids()).await.unwrap();
    assert_eq!(placed.thread.root, Some(message_id("b@x.example")));
    assert_eq!(placed.thread.recent, [message_id("c@x.example")]);
    let applied = work.apply(&joins, placed, &[], &world.ids()).await.unwrap();
    let articles: Vec<ArticleId> = applied.articles;
    assert_eq!(articles.len(), 1);
    work.commit(world.now).await.unwrap();
    assert_eq!(world.ticket(2).await.version, 2);
    let recorded = set_ledger(ledger, LedgerState::Recorded);
    let bad = world.decision(Subject::Nothing, vec![recorded, Effect::SetDue(None)], "recorded");
    let mut work = world.store.begin(None).await.unwrap();
    assert!(matches!(work.place(&bad, &world.ids()).await, Err(StoreError::Defect(_))));
}
