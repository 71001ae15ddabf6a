//! The audit chain, the database that knows no one, reveal and erase, time.

use std::path::Path;

use mailward::domain::ids::AgentName;
use mailward::domain::ticket::Actor;
use mailward::store::{Opening, OutboxFilter, Revealed, StoreError};
use sqlx::Connection as _;

use super::world::{NO_CAPS, Story, World, number};

const MARY: &str = "mary.planted@clinic.example";

async fn tamper(world: &World, sql: &'static str) {
    change(world, sql.to_owned()).await;
}

pub async fn change(world: &World, sql: String) {
    let mut connection = sqlx::AnyConnection::connect(&world.url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn reveal(world: &World, n: i64, actor: &Actor, reason: &str) -> Result<Vec<Revealed>, StoreError> {
    let reason = Some(reason);
    let opening = Opening {
        number: number(n),
        only: None,
        actor,
        operator: "op",
        reason,
        minutes: 5,
        action: "reveal",
        now: world.now,
    };
    world.store.reveal(&opening).await
}

pub async fn the_chain_shows_every_change(world: &World) {
    for uid in 1..=5 {
        world.opened(&Story { id: None, ..Story::new(uid, MARY, "-") }).await;
    }
    let (seq, head) = world.store.audit_head().await.unwrap();
    let report = world.store.audit_verify().await.unwrap();
    assert_eq!((report.ok, report.rows, report.first_bad), (true, 5, None));
    assert_eq!((seq, report.head), (5, data_encoding::HEXLOWER.encode(&head)));
    let shown = world.store.audit_show(Some(number(2)), 0, 10).await.unwrap();
    assert_eq!((shown.len(), shown[0].seq, shown[0].ticket), (1, 2, Some(2)));
    let cases = [
        (
            "UPDATE audit SET action = 'nothing' WHERE seq = 3",
            "UPDATE audit SET action = 'new' WHERE seq = 3",
            3,
        ),
        ("UPDATE audit SET at = at + 1 WHERE seq = 4", "UPDATE audit SET at = at - 1 WHERE seq = 4", 4),
        ("UPDATE audit_head SET seq = 6 WHERE id = 1", "UPDATE audit_head SET seq = 5 WHERE id = 1", 6),
    ];
    for (spoil, mend, first_bad) in cases {
        tamper(world, spoil).await;
        let report = world.store.audit_verify().await.unwrap();
        assert_eq!((report.ok, report.first_bad), (false, Some(first_bad)), "{spoil}");
        tamper(world, mend).await;
        assert!(world.store.audit_verify().await.unwrap().ok, "{mend}");
    }
    tamper(world, "DELETE FROM audit WHERE seq = 5").await;
    assert_eq!(world.store.audit_verify().await.unwrap().first_bad, Some(5));
    tamper(world, "UPDATE audit_head SET seq = 4 WHERE id = 1").await;
    assert_eq!(world.store.audit_verify().await.unwrap().first_bad, Some(5), "the head's hash is of row 5");
}

/// Everything that lies on disk, lower-cased, as text.
fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push(String::from_utf8_lossy(&bytes).to_ascii_lowercase());
        }
    }
}

fn holds(files: &[String], needle: &str) -> bool {
    let needle = needle.to_ascii_lowercase();
    files.iter().any(|file| file.contains(&needle))
}

pub async fn the_database_knows_no_one(world: &World) {
    let story =
        Story { content: "octets-planted of the mail", ..Story::new(1, MARY, "id-planted@clinic.example") };
    let ticket = world.opened(&story).await;
    world.decided(&world.answer(&ticket)).await;
    let rows = world
        .store
        .claim(world.now, hold(world.now, world.run, chrono::TimeDelta::seconds(9)), 9)
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    if world.url.starts_with("postgres") {
        tamper(world, "CHECKPOINT").await;
    }
    let mut octets = Vec::new();
    files(&world.folder, &mut octets);
    assert!(holds(&octets, "printer [NAME]"), "the twin: redacted text is in the clear");
    for planted in ["planted", "clinic.example", "5550100", "desk.example", "Mary Planted"] {
        assert!(!holds(&octets, planted), "{planted} stands in the clear");
    }
}

pub async fn l12_erased_mail_does_not_come_back(world: &World) {
    let story = Story::new(1, MARY, "a@x.example");
    world.opened(&story).await;
    let operator = Actor::Operator("root".into());
    let erased =
        world.store.erase_ticket(number(1), &operator, ("they asked", "op"), &world.ids()).await.unwrap();
    assert_eq!((erased.originals, erased.messages), (1, 1));
    assert!(reveal(world, 1, &operator, "why").await.unwrap().is_empty());
    let view = world.store.ticket_show(number(1), true, world.now).await.unwrap().unwrap();
    assert_eq!((view.messages[0].text.as_str(), view.messages[0].original.as_deref()), ("", Some("erased")));
    assert_eq!((view.line.subject.as_str(), view.messages[0].from.as_deref()), ("", None));
    // The same mail under a new UID is recognised by its keyed hash.
    let again = Story { uid: 2, ..story };
    let ledger = world.keep(&again).await;
    let mut work = world.store.begin(None).await.unwrap();
    assert!(world.facts(&mut work, &again, ledger, &NO_CAPS).await.duplicate_of.is_some());
    work.rollback().await.unwrap();
    assert!(world.store.audit_verify().await.unwrap().ok);
    assert_eq!(world.store.outbox_list(&OutboxFilter::default(), false).await.unwrap().len(), 1);
}

pub async fn a_reveal_leaves_a_trace(world: &World) {
    let story = Story { content: "the octets", ..Story::new(1, MARY, "a@x.example") };
    world.opened(&story).await;
    let agent = Actor::Agent(AgentName::parse("ana").unwrap());
    let revealed = reveal(world, 1, &agent, "Mary asked").await.unwrap();
    assert_eq!(revealed.iter().map(|r| r.bytes.to_vec()).collect::<Vec<_>>(), [b"the octets".to_vec()]);
    world.store.expose_audit(Some(number(1)), &agent, world.now).await.unwrap();
    let trail = world.store.audit_show(Some(number(1)), 1, 9).await.unwrap();
    let acts: Vec<_> = trail.iter().map(|row| (row.actor.as_str(), row.action.as_str())).collect();
    assert_eq!(acts, [("agent:ana", "reveal"), ("agent:ana", "expose")]);
    assert!(trail[0].reasons.iter().all(|reason| !reason.contains("Mary")));
    let missing = reveal(world, 7, &agent, "why").await;
    assert!(matches!(missing, Err(StoreError::Missing(_))));
}

pub async fn time_does_not_run_back(world: &World) {
    assert_eq!(world.store.last_instant().await.unwrap(), None);
    world.keep(&Story::new(1, MARY, "a@x.example")).await;
    assert_eq!(world.store.last_instant().await.unwrap(), Some(world.now));
    let work = world.store.begin(None).await.unwrap();
    work.commit(world.later(-5)).await.unwrap();
    assert_eq!(world.store.last_instant().await.unwrap(), Some(world.now));
}

fn hold(
    at: mailward::domain::message::Instant,
    run: mailward::domain::ids::RunId,
    ttl: chrono::TimeDelta,
) -> mailward::store::Hold {
    mailward::store::Hold { run, at, ttl }
}
