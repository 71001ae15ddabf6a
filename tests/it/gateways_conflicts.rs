//! PostgreSQL that refuses a transaction for the moment: a serialisation failure (40001) at any
//! statement of a mail's way, and a real deadlock (40P01). Each is repeated from its beginning, and nothing of
//! the first try is left.

use sqlx::{Connection as _, Executor as _};
use std::time::Duration;

use super::harness::Postgres;
use super::lessons_support::{House, MARY, Mail, Plan, account};
use super::torture_support::Books;

/// Where a mail's way writes, station by station.
const STATIONS: [&str; 10] = [
    "INSERT ON ledger",
    "INSERT ON original",
    "UPDATE ON counter",
    "INSERT ON ticket",
    "INSERT ON article",
    "INSERT ON outbox",
    "UPDATE ON ledger",
    "INSERT ON audit",
    "UPDATE ON audit_head",
    "UPDATE ON outbox",
];
const CODES: [&str; 2] = ["40001", "40P01"];

async fn house(cluster: &Postgres) -> (House, Books) {
    let store = cluster.database();
    let accounts = account("support", "help", "");
    let house = House::open(&Plan { store: store.clone(), accounts, ..Plan::default() }).await;
    (house, Books::at(&store))
}

/// A trigger that raises the code at the first statement it sees, in this or a later transaction: a
/// sequence does not roll back.
fn trigger(event: &str, code: &str) -> String {
    format!(
        "CREATE SEQUENCE seen;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('seen') = 1 THEN
                 RAISE EXCEPTION 'refused for the moment' USING ERRCODE = '{code}';
             END IF;
             RETURN NULL;
         END $$;
         CREATE TRIGGER refuse AFTER {event} FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn l2_a_transaction_that_postgresql_refuses_is_repeated_from_its_beginning() {
    let Some(cluster) = Postgres::start() else { return };
    let (house, books) = house(&cluster).await;
    let mut number = 0;
    for station in STATIONS {
        for code in CODES {
            books.run(&trigger(station, code)).await;
            number += 1;
            let ended = house.take(&Mail::new(MARY, &format!("{station} {code}"))).await;
            assert_eq!((ended.state, ended.ticket), ("committed", Some(number)), "{station} {code}");
            house.sweep().await;
            let seen = books.figure("SELECT last_value FROM seen").await;
            assert!(seen > 1, "{station} {code}: refused, and done again");
            books.run("DROP FUNCTION refuse() CASCADE; DROP SEQUENCE seen").await;
        }
    }
    sound(&house, &books, number).await;
}

/// So many tickets, each with its one mail, acknowledged once; the chain and the books hold.
async fn sound(house: &House, books: &Books, tickets: i64) {
    for rows in ["ticket", "article", "ledger WHERE state = 'committed'", "outbox WHERE kind = 'received'"] {
        assert_eq!(books.count(rows).await, tickets, "{rows}");
    }
    assert_eq!(books.count("outbox WHERE state <> 'sent'").await, 0);
    assert_eq!(books.figure("SELECT MAX(number) FROM ticket").await, tickets, "no number is spent in vain");
    assert!(house.office.store.audit_verify().await.unwrap().ok);
    assert_eq!(house.balance().await.tickets, tickets);
}

/// The gateway has the counter's row and wants the head of the chain; another session has the head and
/// wants the counter. The gateway is told to give way, and begins again.
#[tokio::test(flavor = "multi_thread")]
async fn l2_a_deadlock_is_repeated() {
    let Some(cluster) = Postgres::start() else { return };
    let (house, books) = house(&cluster).await;
    house.take(&Mail::new(MARY, "Before")).await;
    let mut other = books.connection().await;
    // The gateway looks for a circle after a second, this session only after a minute.
    other.execute("SET deadlock_timeout = '60s'").await.unwrap();
    let mut tx = other.begin().await.unwrap();
    tx.execute("SELECT seq FROM audit_head FOR UPDATE").await.unwrap();
    let mail = Mail::new(MARY, "Entangled");
    let (ended, ()) = tokio::join!(house.take(&mail), async {
        let waits = "SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        assert!(books.reaches(waits, 1, Duration::from_mins(1)).await);
        tx.execute("SELECT value FROM counter WHERE name = 'ticket' FOR UPDATE").await.unwrap();
        tx.commit().await.unwrap();
    });
    assert_eq!((ended.state, ended.ticket), ("committed", Some(2)));
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert!(books.reaches(deadlocks, 1, Duration::from_mins(1)).await, "it was one");
    house.sweep().await;
    sound(&house, &books, 2).await;
}
