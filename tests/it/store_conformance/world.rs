//! A store with a seeded key ring, and hands that do what `worker/` does: keep a mail, decide it.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use mailward::clock::Random;
use mailward::domain::account::FirstRun;
use mailward::domain::address::{EmailAddress, Mailbox};
use mailward::domain::effect::{
    Decision, Effect, LedgerState, NewArticle, NewParticipant, NewTicket, Reason, Subject,
};
use mailward::domain::facts::MessageFacts;
use mailward::domain::ids::{
    AccountName, AgentName, DeskName, FolderName, LedgerId, LookupKey, MessageId, ParticipantNo, RunId,
    TicketNumber, Uid, UidValidity,
};
use mailward::domain::message::{Grade, Language, MessageClass, Origin, ThreadHints};
use mailward::domain::outgoing::{Minted, Notice, Outgoing, PublicText, Recipient, Suppression};
use mailward::domain::policy::Governor;
use mailward::domain::text::{RawText, RedactedText};
use mailward::domain::ticket::{Actor, ArticleKind, Priority, Role, TicketSnapshot, TicketState};
use mailward::seal::{KeyRing, LookupDomain, Sealer};
use mailward::store::{
    Applied, Cursor, FactsQuery, FirstSight, Ids, Landing, NewOriginal, OriginalBatch, Placed, Store,
    StoreError, Work,
};

pub type Instant = DateTime<Utc>;

pub struct World {
    pub store: Store,
    pub sealer: Arc<Sealer>,
    pub random: Random,
    pub now: Instant,
    pub run: RunId,
    pub url: String,
    pub folder: PathBuf,
}

pub fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}
pub fn desk(name: &str) -> DeskName {
    DeskName::parse(name).unwrap()
}
pub fn inbox() -> FolderName {
    FolderName::parse("INBOX").unwrap()
}
pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}
pub fn message_id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}
pub fn mailbox(text: &str, name: &str) -> Mailbox {
    Mailbox { name: Some(name.into()), address: address(text) }
}
pub fn number(n: i64) -> TicketNumber {
    TicketNumber::new(n).unwrap()
}
pub fn first() -> ParticipantNo {
    ParticipantNo::new(1).unwrap()
}

/// A mail of the stories.
#[derive(Clone)]
pub struct Story {
    pub uid: u32,
    pub account: &'static str,
    pub from: &'static str,
    pub id: Option<&'static str>,
    pub content: &'static str,
    pub hints: ThreadHints,
}

impl Story {
    pub fn new(uid: u32, from: &'static str, id: &'static str) -> Self {
        Self { uid, account: "support", from, id: Some(id), content: id, hints: ThreadHints::default() }
    }
}

pub const NO_CAPS: Governor = Governor { per_address_hour: 0, per_address_day: 0, per_mailbox_hour: 0 };

impl World {
    pub async fn open(url: &str, folder: PathBuf) -> Self {
        let random = Random::seeded(7);
        let ring = KeyRing::parse(&KeyRing::generate(&random).unwrap()).unwrap();
        let sealer = Arc::new(Sealer::new(&ring).unwrap());
        let store = Store::open(url, sealer.clone()).await.unwrap();
        let now = "2026-03-02T09:00:00Z".parse().unwrap();
        let run = Ids::new(now, &random).run().unwrap();
        Self { store, sealer, random, now, run, url: url.into(), folder }
    }

    pub fn ids(&self) -> Ids {
        Ids::new(self.now, &self.random)
    }
    pub fn later(&self, minutes: i64) -> Instant {
        self.now + TimeDelta::minutes(minutes)
    }

    pub fn original(&self, uid: u32, bytes: &[u8]) -> NewOriginal {
        let id = self.ids().ledger().unwrap();
        NewOriginal {
            id,
            origin: origin("support", uid),
            arrived_at: self.now,
            sha256: [u8::try_from(uid % 251).unwrap(); 32],
            size: u64::try_from(bytes.len()).unwrap(),
            sealed: self.sealer.seal_original(id, bytes, &self.random).unwrap(),
            oversize: None,
            history: false,
        }
    }

    pub fn batch(&self, originals: Vec<NewOriginal>, next: Option<u32>) -> OriginalBatch {
        let cursor = next.map(|next| Cursor {
            account: account("support"),
            folder: inbox(),
            uidvalidity: UidValidity(9),
            next_uid: Uid::new(next).unwrap(),
        });
        OriginalBatch { run: self.run, now: self.now, originals, cursor }
    }

    pub async fn see(&self, first_run: FirstRun) {
        let (account, folder) = (account("support"), inbox());
        let sight = FirstSight { account, folder, uidvalidity: UidValidity(9), uid_next: 40, first_run };
        self.store.first_sight(&sight).await.unwrap();
    }

    /// Keeps a story's mail.
    pub async fn keep(&self, story: &Story) -> LedgerId {
        let mut original = self.original(story.uid, story.content.as_bytes());
        original.origin = origin(story.account, story.uid);
        let landed = self.store.commit_originals(None, self.batch(vec![original], None)).await.unwrap();
        match landed[..] {
            [Landing::New(id) | Landing::Known(id)] => id,
            _ => panic!("one mail, one landing"),
        }
    }

    pub async fn facts(
        &self,
        work: &mut Work,
        story: &Story,
        ledger: LedgerId,
        caps: &Governor,
    ) -> MessageFacts {
        let (desk, account, from) = (desk("help"), account(story.account), address(story.from));
        let id = story.id.map(message_id);
        let query = FactsQuery {
            ledger,
            desk: &desk,
            account: &account,
            hints: &story.hints,
            message_id: id.as_ref(),
            from: Some(&from),
            content_key: self.sealer.lookup(LookupDomain::Content, story.content),
            now: self.now,
            bounce_original: None,
            caps,
            history: false,
            folder_responds: true,
            oversize: false,
        };
        work.facts(&query).await.unwrap()
    }

    /// What `decide` would say of a first mail: a ticket, an acknowledgment, a notification.
    pub fn new_ticket(&self, story: &Story, ledger: LedgerId) -> Decision {
        let new = NewTicket {
            desk: desk("help"),
            state: TicketState::New,
            priority: Priority::Medium,
            category: None,
            language: Language::En,
            subject: RedactedText::vouched("printer [NAME]"),
            restricted: false,
            imported: false,
            organisation: None,
            opened_at: self.now,
            follow_up_of: None,
            possibly_related: Vec::new(),
            due_at: None,
            needs_acknowledgment: false,
        };
        let requester = NewParticipant {
            mailbox: mailbox(story.from, "Mary Planted-Name"),
            role: Role::Requester,
            organisation: None,
            agent: None,
        };
        let effects = vec![
            Effect::AddParticipant(requester),
            Effect::AddArticle(Box::new(self.article(story, ledger))),
            Effect::Enqueue(Box::new(self.received())),
            set_ledger(ledger, LedgerState::Committed),
        ];
        self.decision(Subject::New(Box::new(new)), effects, "new")
    }

    pub fn joins(&self, ticket: &TicketSnapshot, story: &Story, ledger: LedgerId) -> Decision {
        let effects = vec![
            Effect::AddArticle(Box::new(self.article(story, ledger))),
            Effect::SetState(TicketState::Open),
            set_ledger(ledger, LedgerState::Committed),
        ];
        self.decision(Subject::Existing(ticket.id, ticket.version), effects, "joined")
    }

    /// What `decide` would say of an agent's answer.
    pub fn answer(&self, ticket: &TicketSnapshot) -> Decision {
        let text = RawText::new("planted-answer to Mary");
        let article = NewArticle {
            inbound: false,
            clear: Some(text.clone()),
            text: RedactedText::vouched("answer to [NAME]"),
            ..bare_article(self.now)
        };
        let notice =
            Notice::Answer { text: PublicText::from_agent(text), agent_name: "Ana".into(), eta: None };
        let effects = vec![
            Effect::AddArticle(Box::new(article)),
            Effect::SetState(TicketState::Pending { since: self.now }),
            Effect::Enqueue(Box::new(outgoing(notice))),
        ];
        let subject = Subject::Existing(ticket.id, ticket.version);
        Decision {
            actor: Actor::Agent(AgentName::parse("ana").unwrap()),
            ..self.decision(subject, effects, "answered")
        }
    }

    pub fn decision(&self, subject: Subject, effects: Vec<Effect>, action: &'static str) -> Decision {
        let reasons = vec![Reason::with("because", "rule-7")];
        Decision { subject, effects, reasons, action, actor: Actor::Customer(None), at: self.now }
    }

    pub fn article(&self, story: &Story, ledger: LedgerId) -> NewArticle {
        NewArticle {
            from: Some(mailbox(story.from, "Mary Planted-Name")),
            message_id: story.id.map(message_id),
            class: Some(MessageClass::Human),
            fields: vec![("phone".into(), RawText::new("planted-5550100"))],
            ledger: Some(ledger),
            ..bare_article(self.now)
        }
    }

    pub fn received(&self) -> Outgoing {
        outgoing(Notice::Received {
            arrived: self.now,
            response_due: None,
            subject: None,
            next_opening: None,
            restricted: false,
            asks: Vec::new(),
            priority: Priority::Medium,
            resolution_due: None,
            emergency: false,
            standard: None,
        })
    }

    /// Makes mails as `compose/` would.
    pub fn mint(&self, decision: &Decision, placed: &Placed) -> Vec<Minted> {
        let mails = decision.effects.iter().filter_map(|effect| match effect {
            Effect::Enqueue(mail) => Some(mail.as_ref()),
            _ => None,
        });
        let mint = |(mail, (participant, to)): (&Outgoing, &(ParticipantNo, Mailbox))| {
            let id = self.ids().outbox().unwrap();
            Minted {
                id,
                kind: mail.notice.kind(),
                recipient: to.address.clone(),
                participant: *participant,
                reverse_path: None,
                message_id: message_id(&format!("ours-planted.{id}@desk.example")),
                bytes: format!("To: {}\r\n\r\nplanted-body", to.address.expose()).into_bytes(),
                automatic: mail.notice.automatic(),
                suppressed: mail.suppressed,
            }
        };
        mails.zip(&placed.recipients).map(mint).collect()
    }

    pub async fn carry(&self, work: &mut Work, decision: &Decision) -> Result<Applied, StoreError> {
        let placed = work.place(decision, &self.ids()).await?;
        let minted = self.mint(decision, &placed);
        work.apply(decision, placed, &minted, &self.ids()).await
    }

    /// Keeps and decides a first mail in a transaction of its own.
    pub async fn opened(&self, story: &Story) -> TicketSnapshot {
        let ledger = self.keep(story).await;
        let mut work = self.store.begin(None).await.unwrap();
        self.facts(&mut work, story, ledger, &NO_CAPS).await;
        let applied = self.carry(&mut work, &self.new_ticket(story, ledger)).await.unwrap();
        let ticket = work.ticket(applied.ticket.unwrap().number).await.unwrap().unwrap();
        work.commit(self.now).await.unwrap();
        ticket
    }

    pub async fn decided(&self, decision: &Decision) -> Applied {
        let mut work = self.store.begin(None).await.unwrap();
        let applied = self.carry(&mut work, decision).await.unwrap();
        work.commit(self.now).await.unwrap();
        applied
    }

    pub async fn ticket(&self, n: i64) -> TicketSnapshot {
        let mut work = self.store.begin(None).await.unwrap();
        let ticket = work.ticket(number(n)).await.unwrap().unwrap();
        work.rollback().await.unwrap();
        ticket
    }

    pub fn key(&self, text: &str) -> LookupKey {
        self.sealer.lookup(LookupDomain::Address, &address(text).identity())
    }
}

pub fn origin(account_name: &str, uid: u32) -> Origin {
    Origin {
        account: account(account_name),
        folder: inbox(),
        uidvalidity: UidValidity(9),
        uid: Uid::new(uid).unwrap(),
    }
}

pub fn outgoing(notice: Notice) -> Outgoing {
    let to = Recipient::Participant(first());
    Outgoing { notice, to, language: Language::En, in_reply_to: None, suppressed: None }
}

pub fn suppressed(mail: Outgoing, why: Suppression) -> Outgoing {
    Outgoing { suppressed: Some(why), ..mail }
}

pub fn set_ledger(ledger: LedgerId, state: LedgerState) -> Effect {
    Effect::SetLedger { ledger, state, reason: "threaded", duplicate_of: None }
}

pub fn bare_article(at: Instant) -> NewArticle {
    NewArticle {
        inbound: true,
        kind: ArticleKind::Public,
        class: None,
        from: None,
        message_id: None,
        at,
        grade: Grade::None,
        text: RedactedText::vouched("text of [NAME]"),
        elided: RedactedText::default(),
        html: None,
        clear: None,
        attachments: Vec::new(),
        fields: Vec::new(),
        flags: Vec::new(),
        ledger: None,
    }
}
