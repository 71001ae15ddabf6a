//! A message opens a ticket: priority, clocks, participants, one acknowledgment decision, and word
//! to the agents. History opens silently and without clocks (L15); a breach desk restricts.

use crate::domain::address::Mailbox;
use crate::domain::desk::{Ask, ClockStart, DeskClass, StandardAnswer};
use crate::domain::effect::{
    Decision, Effect, NewArticle, NewParticipant, NewTicket, Reason, Related, Subject,
};
use crate::domain::facts::MessageFacts;
use crate::domain::ids::{ParticipantNo, TicketId};
use crate::domain::message::{Grade, Language, MessageClass, RobotSign};
use crate::domain::outgoing::{Notice, Outgoing, Recipient, Suppression};
use crate::domain::ticket::{Actor, ArticleKind, ClockKind, Role, TicketClock, TicketState};

use crate::phi;

use super::clocks::Promise;
use super::notify::{self, News};
use super::priority::{Prioritised, prioritise};
use super::respond;
use super::scene::{Incoming, Scene};
use super::shown::Shown;
use super::similar::{self, Report};
use super::{clocks, held, hours, page, warn};

/// RFC 5321 4.5.3.1.8 lets a mail have 100 recipients; more are no participants but a mailing.
const MAX_PARTICIPANTS: usize = 100;

/// Why it opens one.
#[derive(Debug, Clone)]
pub enum Why {
    /// It belongs to none; these may be related.
    First(Vec<TicketId>),
    /// It belongs to one that ended too long ago.
    FollowUp(TicketId),
}

/// What was weighed before the effects are written.
struct Weighed {
    prioritised: Prioritised,
    hours: hours::Effective,
    clocks: Vec<TicketClock>,
    /// Resolution and updates wait for the acknowledgment.
    held_back: bool,
    shown: Shown,
    respond: Result<(), Suppression>,
    /// Reports of the same organisation that may be the same incident.
    similar: Vec<Related>,
}

/// Opens a ticket.
pub fn open(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>, why: Why) -> Decision {
    if let Some(held) = held::instead(incoming, facts, scene) {
        return held;
    }
    let weighed = weigh(incoming, facts, scene);
    let (action, follow_up_of, named) = match why {
        Why::First(related) => ("new", None, related),
        Why::FollowUp(ticket) => ("follow_up", Some(ticket), Vec::new()),
    };
    let named = named.iter().map(|ticket| Related::new(*ticket, "named"));
    let mut related: Vec<Related> = Vec::new();
    for one in named.chain(facts.copies.iter().map(|copy| Related::new(*copy, "copy"))) {
        if !related.iter().any(|known| known.ticket == one.ticket) {
            related.push(one);
        }
    }
    for one in &weighed.similar {
        if !related.iter().any(|known| known.ticket == one.ticket) {
            related.push(one.clone());
        }
    }
    let ticket = NewTicket {
        desk: scene.desk.name.clone(),
        state: TicketState::New,
        priority: weighed.prioritised.priority,
        category: weighed.prioritised.category.clone(),
        language: scene.desk.language(incoming.mail.language),
        subject: weighed.shown.subject.clone(),
        restricted: scene.desk.class == DeskClass::Breach,
        imported: facts.history,
        organisation: sender(incoming).and_then(|m| scene.policy.directory.organisation(&m.address)),
        opened_at: incoming.arrived,
        follow_up_of,
        possibly_related: related,
        due_at: warn::next_look(&weighed.clocks, weighed.promise(scene), scene.now),
        needs_acknowledgment: weighed.held_back,
    };
    let mut effects = participants(incoming, scene);
    effects.push(Effect::AddArticle(Box::new(article(incoming, facts, scene))));
    if !weighed.clocks.is_empty() {
        effects.push(Effect::SetClocks(weighed.clocks.clone()));
    }
    if scene.desk.class == DeskClass::Breach && !facts.copies.is_empty() {
        let text = phi::withheld("restricted");
        effects.push(Effect::Withhold { copies: facts.copies.clone(), text });
    }
    let (pages, paged) = page::call(incoming, facts, scene, (None, &weighed.hours));
    effects.extend(pages);
    effects.extend(acknowledgment(incoming, scene, &weighed));
    effects.extend(forward(incoming, scene, &weighed));
    effects.extend(word_to_agents(incoming, facts, scene, (&weighed, action)));
    effects.push(Effect::SetLedger {
        ledger: incoming.ledger,
        state: Incoming::in_ticket(facts.oversize),
        reason: action,
        duplicate_of: None,
    });
    Decision {
        subject: Subject::New(Box::new(ticket)),
        effects,
        reasons: reasons(&weighed, incoming).into_iter().chain(paged).collect(),
        action,
        actor: Actor::Customer(None),
        at: scene.now,
    }
}

fn weigh(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>) -> Weighed {
    let mail = incoming.mail;
    let prioritised = prioritise(mail.subject.expose(), mail.visible.expose(), mail.language, scene.desk);
    let hours = hours::effective(scene.desk, prioritised.priority, incoming.arrived);
    let respond = respond::to_mail(incoming, facts, scene);
    let mut clocks = if facts.history || silent(incoming, scene) {
        Vec::new()
    } else {
        // A capped ticket's own clocks begin when the cap ends.
        let category = prioritised.category.as_ref();
        hours::clocks(scene.desk, prioritised.priority, category, hours.clocks_start.max(incoming.arrived))
    };
    // Where no acknowledgment goes out none can be waited for: the clocks run from the arrival.
    let held_back =
        scene.desk.clock_start == ClockStart::Acknowledged && respond.is_ok() && !clocks.is_empty();
    let mut weighed = Weighed {
        respond,
        prioritised,
        hours,
        clocks: Vec::new(),
        held_back,
        shown: Shown::of(incoming, scene),
        similar: Vec::new(),
    };
    if held_back {
        clocks = clocks::waiting(&clocks, weighed.promise(scene));
    }
    weighed.clocks = clocks;
    weighed.similar = alike(incoming, facts, scene, &weighed.shown);
    weighed
}

impl Weighed {
    fn promise<'a>(&'a self, scene: Scene<'a>) -> Promise<'a> {
        Promise {
            desk: scene.desk,
            priority: self.prioritised.priority,
            category: self.prioritised.category.as_ref(),
            cadence: None,
            held_back: self.held_back,
        }
    }
    /// The desk's own text for mail of this kind.
    fn standard<'a>(&self, scene: Scene<'a>) -> Option<&'a StandardAnswer> {
        let category = self.prioritised.category.as_ref();
        let by_rule = |rule: &String| self.prioritised.rules.contains(rule);
        scene.desk.answers.iter().find(|answer| {
            answer.category.as_ref().is_some_and(|kind| Some(kind) == category)
                || answer.rule.as_ref().is_some_and(by_rule)
        })
    }
}

/// Reports of the same organisation that this one may repeat.
fn alike(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>, shown: &Shown) -> Vec<Related> {
    let Some(rule) = scene.desk.duplicates.filter(|_| !shown.withheld && !facts.history) else {
        return Vec::new();
    };
    let module = incoming.mail.fields.iter().find(|(field, _)| field == similar::MODULE);
    let report = Report {
        subject: shown.subject.as_str(),
        text: shown.visible.as_str(),
        module: module.map(|(_, value)| value.expose()),
    };
    similar::similar(report, &facts.recent, rule)
}

/// A request that is a supplier's is passed on to them, redacted; the acknowledgment says so.
fn forward(incoming: Incoming<'_>, scene: Scene<'_>, weighed: &Weighed) -> Option<Effect> {
    let to = weighed.standard(scene)?.forward_to.clone()?;
    if weighed.respond.is_err() || weighed.shown.withheld {
        return None;
    }
    Some(Effect::Enqueue(Box::new(Outgoing {
        notice: Notice::Forward {
            subject: weighed.shown.subject.clone(),
            text: weighed.shown.visible.clone(),
            arrived: incoming.arrived,
        },
        to: Recipient::Contact(to),
        language: scene.desk.language(None),
        in_reply_to: None,
        suppressed: None,
    })))
}

/// Mail of a list or mailing opens a ticket that nobody waits for: no clocks, no word to each agent.
/// A system that reports of itself is another matter.
fn silent(incoming: Incoming<'_>, scene: Scene<'_>) -> bool {
    let mail = incoming.mail;
    let by_list = mail.robot.iter().any(|sign| matches!(sign, RobotSign::List | RobotSign::Precedence));
    let support = scene.desk.class == DeskClass::Support;
    support && mail.class == Some(MessageClass::Bulk) && by_list && !incoming.released
}

fn sender(incoming: Incoming<'_>) -> Option<&Mailbox> {
    incoming.mail.from.as_ref()
}

fn participants(incoming: Incoming<'_>, scene: Scene<'_>) -> Vec<Effect> {
    let mail = incoming.mail;
    let mut seen: Vec<String> = Vec::new();
    let mut effects = Vec::new();
    let others = mail.to.iter().chain(&mail.cc).map(|m| (m, Role::Participant));
    for (mailbox, role) in sender(incoming).map(|m| (m, Role::Requester)).into_iter().chain(others) {
        let identity = mailbox.address.identity();
        let ours = role != Role::Requester && scene.policy.is_ours(&mailbox.address);
        if ours || seen.contains(&identity) || seen.len() >= MAX_PARTICIPANTS {
            continue;
        }
        seen.push(identity);
        effects.push(Effect::AddParticipant(NewParticipant {
            mailbox: mailbox.clone(),
            role,
            organisation: scene.policy.directory.organisation(&mailbox.address),
            agent: None,
        }));
    }
    effects
}

/// The message as the ticket keeps it.
pub fn article(incoming: Incoming<'_>, facts: &MessageFacts, scene: Scene<'_>) -> NewArticle {
    let mail = incoming.mail;
    let shown = Shown::of(incoming, scene);
    let mut flags: Vec<&'static str> = Vec::new();
    let marks = [
        (mail.authentication.grade == Grade::Fail, "dmarc_fail"),
        (facts.message_id_seen, "repeated_message_id"),
        (facts.oversize, "oversize"),
        (mail.from.as_ref().is_some_and(|m| scene.policy.is_ours(&m.address)), "outside_answer"),
        (reply_to_differs(incoming), "reply_to_differs"),
        (!facts.folder_responds, "junk_folder"),
        (mail.class == Some(MessageClass::Encrypted), "encrypted"),
        (mail.class == Some(MessageClass::Spam), "spam"),
        (mail.class == Some(MessageClass::Bounce), "bounce"),
        (mail.class == Some(MessageClass::Feedback), "feedback"),
        (shown.withheld, "withheld"),
    ];
    flags.extend(marks.into_iter().filter(|(holds, _)| *holds).map(|(_, flag)| flag));
    NewArticle {
        inbound: true,
        kind: if respond::from_robot(mail).is_none() || incoming.released {
            ArticleKind::Public
        } else {
            ArticleKind::Auto
        },
        class: mail.class,
        from: mail.from.clone(),
        message_id: mail.message_id.clone(),
        at: incoming.arrived,
        grade: mail.authentication.grade,
        text: shown.visible,
        elided: shown.elided,
        html: shown.html,
        clear: None,
        attachments: shown.attachments,
        fields: shown.fields,
        flags,
        ledger: Some(incoming.ledger),
    }
}

/// Reply-To is a return address, never an identity (L23): a differing one is only shown.
fn reply_to_differs(incoming: Incoming<'_>) -> bool {
    let mail = incoming.mail;
    let from = mail.from.as_ref().map(|m| m.address.identity());
    mail.reply_to.iter().any(|m| Some(m.address.identity()) != from)
}

fn acknowledgment(incoming: Incoming<'_>, scene: Scene<'_>, weighed: &Weighed) -> Option<Effect> {
    sender(incoming)?;
    let desk = scene.desk;
    let language = desk.language(incoming.mail.language);
    let proven = incoming.mail.authentication.grade == Grade::Pass;
    let restricted = desk.class == DeskClass::Breach;
    // What is handled at night does not wait for the morning.
    let emergency = page::emergency(desk, &weighed.hours);
    let echo = proven && desk.echo_subject && !restricted && !weighed.shown.withheld;
    Some(Effect::Enqueue(Box::new(Outgoing {
        notice: Notice::Received {
            arrived: incoming.arrived,
            response_due: clocks::due_of(&weighed.clocks, ClockKind::Response),
            subject: echo.then(|| incoming.redacted.subject.clone()),
            next_opening: weighed.hours.next_opening.filter(|_| !emergency),
            restricted,
            asks: asks(incoming, scene, weighed, language),
            priority: weighed.hours.priority,
            resolution_due: clocks::due_of(&weighed.clocks, ClockKind::Resolution),
            emergency: emergency && !desk.on_call.is_empty(),
            standard: weighed.standard(scene).map(|answer| answer.template.clone()),
        },
        to: Recipient::Participant(ParticipantNo::FIRST),
        language,
        in_reply_to: incoming.mail.message_id.clone(),
        suppressed: weighed.respond.err(),
    })))
}

/// What the desk asks for in mail of this kind and the mail does not hold, by name.
fn asks(incoming: Incoming<'_>, scene: Scene<'_>, weighed: &Weighed, language: Language) -> Vec<String> {
    let held =
        |name: &str| incoming.mail.fields.iter().any(|(field, value)| field == name && !value.is_blank());
    let category = weighed.prioritised.category.as_ref();
    let meant = |ask: &&Ask| {
        ask.categories.is_empty() || category.is_some_and(|category| ask.categories.contains(category))
    };
    let missing = scene.desk.asks.iter().filter(meant).filter(|ask| !held(&ask.field));
    missing.map(|ask| scene.desk.label(ask, language).to_owned()).collect()
}

fn word_to_agents(
    incoming: Incoming<'_>,
    facts: &MessageFacts,
    scene: Scene<'_>,
    (weighed, event): (&Weighed, &'static str),
) -> Vec<Effect> {
    if facts.history || silent(incoming, scene) {
        return Vec::new();
    }
    let shown = &weighed.shown;
    // A rule says what a mail is about.
    let by_rules = weighed.prioritised.reasons.iter().filter(|_| !shown.withheld).map(words);
    let similar = weighed.similar.iter().map(|related| {
        let which = related.reason.detail.as_deref().unwrap_or_default();
        format!("probably the same incident as {which}; #merge joins them")
    });
    let news = News {
        event,
        subject: &shown.subject,
        text: &shown.visible,
        priority: weighed.hours.priority,
        due: clocks::next_due(&weighed.clocks),
        reasons: by_rules.chain(similar).collect(),
        attachments: &shown.attachments,
        named: &shown.named,
    };
    notify::agents(&news, None, scene.desk, scene.policy)
}

fn words(reason: &Reason) -> String {
    reason
        .detail
        .as_ref()
        .map_or_else(|| reason.code.to_owned(), |detail| format!("{}: {detail}", reason.code))
}

fn reasons(weighed: &Weighed, incoming: Incoming<'_>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> =
        incoming.mail.class_reasons.iter().map(|code| Reason::code(code)).collect();
    reasons.extend(weighed.prioritised.reasons.iter().cloned());
    reasons.extend(weighed.similar.iter().map(|related| related.reason.clone()));
    reasons.push(match weighed.respond {
        Ok(()) => Reason::code("acknowledged"),
        Err(why) => Reason::with("acknowledgment_suppressed", why.as_str()),
    });
    reasons
}
