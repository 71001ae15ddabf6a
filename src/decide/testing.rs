//! Builders for the decision tables: a desk, people, a mail, a ticket in one line each, and a
//! decision as lines of text.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{Duration, NaiveDateTime, NaiveTime};
use uuid::Uuid;

use crate::domain::account::{Relay, ReversePathPolicy, Transport};
use crate::domain::address::{EmailAddress, Mailbox};
use crate::domain::calendar::Calendar;
use crate::domain::desk::{Autoclose, Desk, DeskClass, Span, Target, TargetFor};
use crate::domain::directory::{Agent, Directory, Organisation};
use crate::domain::effect::{Decision, Effect, Subject};
use crate::domain::facts::{Candidate, CommandFacts, Hint, MessageFacts, TickFacts};
use crate::domain::ids::{
    AgentName, ArticleId, DeskName, LedgerId, LookupKey, MessageId, OrganisationName, OutboxId,
    ParticipantNo, TicketId, TicketNumber,
};
use crate::domain::message::{Grade, InboundMessage, Instant, MessageClass, RedactedMail};
use crate::domain::outgoing::Recipient;
use crate::domain::policy::{Governor, Policy};
use crate::domain::text::RawText;
use crate::domain::ticket::{
    ClockState, LastPublic, Participant, Priority, Role, SentRow, TicketClock, TicketSnapshot, TicketState,
};
use crate::domain::token::{Purpose, Token};
use crate::phi;

use super::on_message::on_message;
use super::scene::{Incoming, Scene};

pub const REQUESTER: &str = "pat@clinic.example";
pub const OTHER: &str = "quinn@partner.example";
pub const COLLEAGUE: &str = "sam@clinic.example";
pub const STRANGER: &str = "eve@elsewhere.example";
pub const ANA: &str = "ana@agents.example";
pub const BEN: &str = "ben@agents.example";
pub const OTTO: &str = "otto@agents.example";

/// "03-02 10:00" of 2026, UTC; 03-02 is a Monday.
pub fn at(text: &str) -> Instant {
    let long = if text.len() > 11 { format!("2026-{text}") } else { format!("2026-{text}:00") };
    NaiveDateTime::parse_from_str(&long, "%Y-%m-%d %H:%M:%S").unwrap().and_utc()
}
pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}
pub fn mailbox(text: &str) -> Mailbox {
    Mailbox { name: None, address: address(text) }
}
/// Stands in for the keyed HMAC.
pub fn key(text: &str) -> LookupKey {
    let mut key = [0_u8; 16];
    for (at, byte) in address(text).identity().bytes().enumerate() {
        key[at % 16] = key[at % 16].wrapping_mul(31).wrapping_add(byte);
    }
    LookupKey(key)
}
pub fn desk_name(name: &str) -> DeskName {
    DeskName::parse(name).unwrap()
}
pub fn agent_name(name: &str) -> AgentName {
    AgentName::parse(name).unwrap()
}
pub fn message_id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}
fn organisation() -> OrganisationName {
    OrganisationName::parse("clinic").unwrap()
}

/// Monday to Friday, 09:00 to 17:00 UTC, closed on Wednesday 03-25.
pub fn calendar() -> Arc<Calendar> {
    let hours = (NaiveTime::from_hms_opt(9, 0, 0).unwrap(), NaiveTime::from_hms_opt(17, 0, 0).unwrap());
    Arc::new(Calendar {
        name: "office".into(),
        zone: chrono_tz::UTC,
        weekly: (0..5).map(|day| (day, vec![hours])).collect(),
        holidays: [chrono::NaiveDate::from_ymd_opt(2026, 3, 25).unwrap()].into(),
        years: (2026, 2026),
    })
}

/// Response in 4, resolution in 16 business hours, an update each 8 hours; silence closes after 48.
pub fn desk(name: &str, class: DeskClass) -> Desk {
    let mut desk = Desk::new(desk_name(name), address(&format!("{name}@help.example")), calendar());
    let hours = Duration::hours;
    let target = Target {
        response: Some(Span::Business(hours(4))),
        resolution: Some(Span::Business(hours(16))),
        update: Some(Span::Elapsed(hours(8))),
    };
    for (priority, response) in [(Priority::Medium, 4), (Priority::High, 2), (Priority::Urgent, 1)] {
        let response = Some(Span::Business(hours(response)));
        desk.targets.insert(TargetFor::Priority(priority), Target { response, ..target });
    }
    desk.class = class;
    desk.echo_subject = true;
    desk.autoclose =
        Some(Autoclose { after: Span::Elapsed(hours(48)), reminder_before: hours(24), at_opening: true });
    desk.agents = vec![agent_name("ana"), agent_name("ben")];
    desk
}

/// Desks `support`, `other`, `breach`; agents ana and ben (support, breach) and otto (other); the
/// organisation `clinic`; no caps.
pub fn policy() -> Policy {
    let agents = [("ana", ANA, true), ("ben", BEN, true), ("otto", OTTO, false)];
    let agents = agents.into_iter().map(|(name, at, here)| {
        let desks =
            if here { vec![desk_name("support"), desk_name("breach")] } else { vec![desk_name("other")] };
        let (name, display_name) = (agent_name(name), name.to_owned());
        (name.clone(), Agent { name, display_name, address: address(at), desks, languages: Vec::new() })
    });
    let clinic = Organisation { domains: vec!["clinic.example".into()], ..Organisation::default() };
    let desks =
        [("support", DeskClass::Support), ("other", DeskClass::Support), ("breach", DeskClass::Breach)];
    Policy {
        desks: desks.into_iter().map(|(n, class)| (desk_name(n), Arc::new(desk(n, class)))).collect(),
        accounts: BTreeMap::new(),
        directory: Directory {
            organisations: [(organisation(), clinic)].into(),
            contacts: Vec::new(),
            agents: agents.collect(),
        },
        governor: Governor { per_address_hour: 0, per_address_day: 0, per_mailbox_hour: 0 },
        transport: Transport {
            relay: Relay::Directory(PathBuf::new()),
            reverse_path: ReversePathPolicy::Desk,
            max_per_minute: 0,
            max_connections: 1,
        },
    }
}

/// Ticket 7 of `support`, opened 03-02 10:00: 1 requester, 2 other, 3 ana, 4 ben.
pub fn ticket(state: TicketState) -> TicketSnapshot {
    let people =
        [(REQUESTER, Role::Requester), (OTHER, Role::Participant), (ANA, Role::Agent), (BEN, Role::Agent)];
    let participants = (1..).zip(people).map(|(no, (who, role))| Participant {
        no: ParticipantNo::new(no).unwrap(),
        key: key(who),
        role,
        organisation: (who == REQUESTER).then(organisation),
    });
    TicketSnapshot {
        id: TicketId::new(id(7)),
        number: TicketNumber::new(7).unwrap(),
        version: 1,
        desk: desk_name("support"),
        state,
        priority: Priority::Medium,
        category: None,
        language: crate::domain::message::Language::En,
        subject: phi::no_customer_text("redacted subject"),
        restricted: false,
        imported: false,
        assignee: None,
        merged_into: None,
        opened_at: at("03-02 10:00"),
        participants: participants.collect(),
        clocks: Vec::new(),
        last_public: None,
        reminded_at: None,
        due_at: None,
        acknowledgment: crate::domain::ticket::Acknowledgment::NotAwaited,
        cadence: None,
        eta: None,
    }
}
pub fn pending() -> TicketSnapshot {
    ticket(TicketState::Pending { since: at("03-02 12:00") })
}
pub fn token(purpose: Purpose, participant: u32) -> Hint {
    let participant = ParticipantNo::new(participant).unwrap();
    Hint::Token(Token { purpose, ticket: TicketNumber::new(7).unwrap(), participant })
}

/// A mail about to be decided, on Monday 03-02 at 10:00, to `support`.
#[derive(Debug, Clone)]
pub struct Case {
    pub mail: InboundMessage,
    pub facts: MessageFacts,
    pub policy: Policy,
    pub desk: &'static str,
    pub arrived: Instant,
    pub released: bool,
    pub redacted: &'static str,
}

impl Case {
    pub fn from(who: &str) -> Self {
        let mail = InboundMessage {
            message_id: Some(message_id("m1@clinic.example")),
            from: Some(mailbox(who)),
            from_count: 1,
            to: vec![mailbox("support@help.example")],
            subject: RawText::new("Screen stays black"),
            class: Some(MessageClass::Human),
            visible: RawText::new("It worked yesterday."),
            ..InboundMessage::default()
        };
        let facts = MessageFacts { sender: Some(key(who)), folder_responds: true, ..MessageFacts::default() };
        let (policy, desk, arrived) = (policy(), "support", at("03-02 10:00"));
        Self { mail, facts, policy, desk, arrived, released: false, redacted: "redacted text" }
    }
    pub fn class(mut self, class: MessageClass) -> Self {
        self.mail.class = Some(class);
        self
    }
    pub fn grade(mut self, grade: Grade) -> Self {
        self.mail.authentication.grade = grade;
        self
    }
    pub fn hint(mut self, hint: Hint, ticket: TicketSnapshot) -> Self {
        self.facts.candidates.push(Candidate { hint, ticket });
        self
    }
    pub fn text(mut self, text: &str) -> Self {
        self.mail.visible = RawText::new(text);
        self
    }
    pub fn on(mut self, desk: &'static str) -> Self {
        self.desk = desk;
        self.mail.to = vec![mailbox(&format!("{desk}@help.example"))];
        self
    }
    pub fn arrived(mut self, when: &str) -> Self {
        self.arrived = at(when);
        self
    }
    pub fn bounce(mut self, ticket: TicketSnapshot, answer: bool) -> Self {
        let row = SentRow { outbox: OutboxId::new(id(9)), ticket: ticket.id, answer, page: false };
        self.facts.sent_row = Some((row, ticket));
        self
    }
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
    pub fn decide(&self) -> Decision {
        let redacted = RedactedMail {
            subject: phi::no_customer_text("redacted subject"),
            visible: phi::no_customer_text(self.redacted),
            ..RedactedMail::default()
        };
        let incoming = Incoming {
            mail: &self.mail,
            redacted: &redacted,
            ledger: LedgerId::new(id(1)),
            arrived: self.arrived,
            released: self.released,
            breach_copy: self.facts.breach_copy,
        };
        on_message(incoming, &self.facts, scene(&self.policy, self.desk, self.arrived))
    }
}

pub fn scene<'a>(policy: &'a Policy, desk: &str, now: Instant) -> Scene<'a> {
    Scene { desk: &policy.desks[&desk_name(desk)], policy, now }
}

/// A ticket whose answer was accepted on Monday 03-02 at 12:00 and that everything was polled for.
pub fn quiet(now: &str) -> TickFacts {
    let article = ArticleId::new(id(5));
    let accepted_at = Some(at("03-02 12:00"));
    TickFacts {
        ticket: TicketSnapshot {
            last_public: Some(LastPublic::Answer { article, accepted_at, bounced: false }),
            ..pending()
        },
        mail_waits: false,
        unattributed_since: None,
        polled_until: Some(at(now)),
        unsent: false,
        page_failed: false,
        proven: true,
        never_notify: None,
        counts: crate::domain::facts::GovernorCounts::default(),
    }
}

pub fn command_facts(ticket: TicketSnapshot) -> CommandFacts {
    CommandFacts {
        ticket,
        agent: Some(agent_name("ana")),
        other: None,
        last_inbound: None,
        never_notify: None,
        counts: crate::domain::facts::GovernorCounts::default(),
    }
}

/// A decision as lines: its action, the ticket it opens, then its effects in order.
pub fn lines(decision: &Decision) -> Vec<String> {
    let mut lines = vec![format!("action {}", decision.action)];
    if let Subject::New(new) = &decision.subject {
        let marks = [(new.restricted, " restricted"), (new.imported, " imported")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        let related = new.possibly_related.len();
        lines.push(format!("opens {}{marks} related {related}", new.priority.as_str()));
    }
    lines.extend(decision.effects.iter().map(line));
    lines
}

fn line(effect: &Effect) -> String {
    match effect {
        Effect::AddParticipant(p) => format!("person {}", p.role.as_str()),
        Effect::AddArticle(a) => {
            let way = if a.inbound { "in" } else { "out" };
            format!("article {way} {} {} {}", a.kind.as_str(), a.flags.join(","), a.text.as_str())
        }
        Effect::SetState(state) => format!("state {}", state.as_str()),
        Effect::SetPriority(priority) => format!("priority {}", priority.as_str()),
        Effect::Assign(agent) => format!("assign {}", agent.as_ref().map_or("-", AgentName::as_str)),
        Effect::SetClocks(clocks) => {
            format!("clocks {}", clocks.iter().map(clock).collect::<Vec<_>>().join(" "))
        }
        Effect::SetDue(due) => format!("due {}", due.map_or("-".into(), time)),
        Effect::SetReminded(when) => format!("reminded {}", when.map_or("-".into(), time)),
        Effect::Enqueue(mail) => {
            let to = match &mail.to {
                Recipient::Participant(no) => no.get().to_string(),
                Recipient::Agent(name, _) => name.to_string(),
                Recipient::Contact(address) => address.expose().to_owned(),
                Recipient::Sender(mailbox) => mailbox.address.expose().to_owned(),
            };
            let suppressed = mail.suppressed.map_or(String::new(), |s| format!(" !{}", s.as_str()));
            format!("mail {} to {to}{suppressed}", mail.notice.kind())
        }
        Effect::MarkBounced { permanent, .. } => format!("bounced {permanent}"),
        Effect::SetLedger { state, reason, .. } => format!("ledger {} {reason}", state.as_str()),
        other => format!("{other:?}"),
    }
}

pub fn clock(clock: &TicketClock) -> String {
    let state = match clock.state {
        ClockState::Running { due } => format!("due {}", time(due)),
        ClockState::Paused { left_s } => format!("left {left_s}"),
        ClockState::Met { .. } => "met".into(),
        ClockState::Missed { .. } => "missed".into(),
    };
    format!("{}({state})", clock.kind.as_str())
}

fn time(at: Instant) -> String {
    at.format("%m-%d %H:%M:%S").to_string()
}

/// Every line of `has` begins some line, none of `not` does.
pub fn check(name: &str, decision: &Decision, has: &[&str], not: &[&str]) {
    let lines = lines(decision);
    let begins = |want: &str| lines.iter().any(|line| line.starts_with(want));
    for want in has {
        assert!(begins(want), "{name}: no line {want:?} in {lines:#?}");
    }
    for unwanted in not {
        assert!(!begins(unwanted), "{name}: a line {unwanted:?} in {lines:#?}");
    }
}

/// How many lines begin so.
pub fn count(decision: &Decision, prefix: &str) -> usize {
    lines(decision).iter().filter(|line| line.starts_with(prefix)).count()
}
