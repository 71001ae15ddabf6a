//! What people order at the command line, through the whole application: merge, erase, answer while the
//! relay is away; and the sweep in front of tickets that cannot be decided.

use mailward::cli::office::Office;
use mailward::cli::{self, args};
use mailward::clock::Random;
use mailward::domain::command::Command;
use mailward::domain::ids::{AgentName, DeskName, TicketNumber};
use mailward::domain::ticket::Actor;
use mailward::seal::KeyRing;
use mailward::store::Ids;
use mailward::worker::command::{CommandError, Order};

use super::lessons_support::{ANA, EVE, House, MARY, Mail, Plan, address_in, header, noon};

fn number(number: i64) -> TicketNumber {
    TicketNumber::new(number).unwrap()
}

async fn order(house: &House, ticket: i64, command: Command, other: Option<i64>) {
    let agent = AgentName::parse("ana").unwrap();
    let order = Order { number: number(ticket), agent, command, other: other.map(number) };
    house.office.commands().carry_out(&order, "op").await.unwrap();
}

async fn reply_to(house: &House, kind: &str, to: &str) -> String {
    address_in(&header(&house.mail(kind, to).await, "Reply-To").unwrap())
}

#[tokio::test]
async fn a_merged_tickets_people_come_along() {
    let house = House::open(&Plan::default()).await;
    // Two customers: the agent has another number here than in the surviving ticket.
    let first = Mail::new(MARY, "Viewer slow").to("help@desk.example, bill@partner.example");
    house.take(&first).await;
    house.sweep().await;
    let (marys, anas) =
        (reply_to(&house, "received", MARY).await, reply_to(&house, "notification", ANA).await);
    house.take(&Mail::new(EVE, "Viewer dead")).await;
    house.sweep().await;
    order(&house, 1, Command::Merge { force: true }, Some(2)).await;
    let later = house.take(&Mail::new(MARY, "Re: Viewer slow").to(&marys)).await;
    assert_eq!((later.action, later.ticket), ("joined", Some(2)));
    // The agent answers the notification of the merged ticket: its customers read it, too.
    let answer = house.take(&Mail::new(ANA, "Re: ticket").to(&anas).body("Please start it again.")).await;
    assert_eq!((answer.action, answer.ticket), ("answered", Some(2)));
    house.sweep().await;
    let rows = house.to_customers().await;
    let mut read: Vec<&str> =
        rows.iter().filter(|row| row.kind == "answer").map(|row| row.recipient.as_str()).collect();
    read.sort_unstable();
    assert_eq!(read, ["bill@partner.example", EVE, MARY]);
    // The twin: a stranger with Mary's token joins neither.
    let stranger = house.take(&Mail::new("x@nowhere.example", "Re").to(&marys)).await;
    assert_eq!(stranger.action, "new");
}

#[tokio::test]
async fn l12_erasing_leaves_no_copy() {
    let plan = Plan::default();
    let house = House::open(&plan).await;
    let mail = Mail::new(MARY, "Please forget this");
    house.drop_in("support", "1", &mail.bytes(), noon());
    house.drop_in("support", "2", &[mail.bytes().as_slice(), b"\r\n"].concat(), noon());
    house.serve().await;
    house.take(&Mail::new(EVE, "Stays")).await;
    assert_eq!(house.count("original").await, 3);
    let ids = Ids::new(noon(), house.office.random());
    let actor = Actor::Operator("op".into());
    house.office.store.erase_ticket(number(1), &actor, ("they asked", "op"), &ids).await.unwrap();
    assert_eq!(house.count("original").await, 1, "the duplicate is erased as well");
    // Eve's mails were not sent yet and are not touched; nothing waits for ticket 1.
    assert_eq!(house.count("outbox WHERE state = 'queued'").await, 2);
    assert_eq!(house.count("outbox WHERE length(bytes) > 0").await, 2);
    // The same lies in the mailbox still.
    let house = house.restart(&plan, noon()).await;
    house.serve().await;
    assert_eq!(house.count("original").await, 1, "it is not kept again");
    assert_eq!(house.tickets().await.len(), 2);
    let trail = house.office.store.audit_show(Some(number(1)), 1, 99).await.unwrap();
    let erased = trail.iter().find(|row| row.action == "erased").unwrap();
    assert!(erased.reasons.iter().any(|reason| reason.starts_with("reason:")), "{erased:?}");
    assert!(house.office.store.audit_verify().await.unwrap().ok);
}

#[tokio::test]
async fn only_an_agent_of_the_desk_may_erase_or_reveal() {
    let house = House::open(&Plan::default()).await;
    house.take(&Mail::new(MARY, "Viewer")).await;
    let entitled = |name: &'static str| {
        let commands = house.office.commands();
        async move { commands.entitled(number(1), &AgentName::parse(name).unwrap()).await }
    };
    assert!(matches!(entitled("nobody").await, Err(CommandError::NotYours(..))));
    assert!(matches!(entitled("carla").await, Err(CommandError::NotYours(..))), "of the other desk");
    entitled("ana").await.unwrap();
}

#[tokio::test]
async fn an_answer_is_not_said_twice_because_the_relay_is_away() {
    let relay = "kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nreverse_path = \"desk\"";
    let house = House::open(&Plan { smtp: relay.into(), ..Plan::default() }).await;
    house.take(&Mail::new(MARY, "Viewer")).await;
    let words = house.scratch.join("answer.txt");
    std::fs::write(&words, "Please start it again.").unwrap();
    let act = args::Act {
        config: args::Config { config: house.config.clone() },
        number: 1,
        agent: "ana".into(),
        at: args::At { at: Some(noon()) },
    };
    let reply = args::Ticket::Reply { act: args::ActWithText { act, file: words }, resolve: false };
    // Exit 75 would mean: do it again.
    let exit = cli::ticket::run(reply).await.map_err(|stop| stop.message);
    assert!(matches!(exit, Ok(cli::exit::Exit::Ok)), "{:?}", exit.err());
    let waits = house.outbox().await;
    let answers: Vec<_> =
        waits.iter().filter(|row| row.kind == "answer").map(|row| row.state.as_str()).collect();
    assert_eq!(answers, ["later"]);
}

#[tokio::test]
async fn l25_tickets_that_cannot_be_decided_do_not_stop_the_sweep() {
    let house = House::open(&Plan::default()).await;
    for subject in 0..40 {
        house.take(&Mail::new(MARY, &format!("Matter {subject}"))).await;
    }
    // The desk of all but the last is configured no more; every ticket is due.
    house.sql("UPDATE ticket SET desk = 'gone' WHERE number < 40").await;
    house
        .sql("UPDATE ticket SET due_at = 1000000 + number, update_state = 'running', update_value = 1000000")
        .await;
    let sweep = house.office.sweep();
    let mut looked = Vec::new();
    for _ in 0..3 {
        looked.extend(sweep.step(None).await.unwrap().into_iter().map(|swept| swept.ticket));
    }
    assert_eq!(looked, [40]);
}

#[tokio::test]
async fn l5_what_bears_neither_id_nor_date_is_no_copy_of_another() {
    let house = House::open(&Plan::default()).await;
    let bare = |line: &str| format!("X-Line: {line}\r\n\r\n").into_bytes();
    let one = house.take_for("support", &bare("one")).await.unwrap();
    let two = house.take_for("support", &bare("two")).await.unwrap();
    assert_eq!((one.action, two.action), ("new", "new"));
    // The twin: the same octets are the same mail.
    assert!(house.take_for("support", &bare("one")).await.is_none());
    // And where there is an id, Received lines make no other mail.
    let mail = Mail::new(MARY, "Viewer");
    assert_eq!(house.take(&mail).await.action, "new");
    let again =
        [b"Received: from x by y; Tue, 13 May 2025 12:00:00 +0000\r\n".to_vec(), mail.bytes()].concat();
    assert_eq!(house.take_for("support", &again).await.unwrap().action, "duplicate");
}

#[tokio::test]
async fn mail_to_a_moved_ticket_follows_it() {
    let house = House::open(&Plan::default()).await;
    house.take(&Mail::new(MARY, "Viewer")).await;
    house.sweep().await;
    let (marys, anas) =
        (reply_to(&house, "received", MARY).await, reply_to(&house, "notification", ANA).await);
    order(&house, 1, Command::Move(DeskName::parse("sales").unwrap()), None).await;
    let later = house.take(&Mail::new(MARY, "Re: Viewer").to(&marys)).await;
    assert_eq!((later.action, later.ticket), ("joined", Some(1)));
    let answer = house.take(&Mail::new(ANA, "Re: ticket").to(&anas).body("Please start it again.")).await;
    assert_eq!((answer.action, answer.ticket), ("answered", Some(1)));
    // The twin: to the breach desk's address it is a report of its own.
    let report = house.take_for("breach", &Mail::new(MARY, "Re: Viewer").to(&marys).bytes()).await.unwrap();
    assert_eq!((report.action, report.ticket), ("new", Some(2)));
}

#[tokio::test]
async fn the_ring_of_another_installation_changes_nothing() {
    let house = House::open(&Plan::default()).await;
    house.take(&Mail::new(MARY, "Viewer")).await;
    let keys = house.scratch.join("keys.toml");
    let right = std::fs::read(&keys).unwrap();
    std::fs::write(&keys, KeyRing::generate(&Random::System).unwrap().as_bytes()).unwrap();
    let stop = Office::open(&house.config, Some(noon())).await.err().unwrap();
    assert_eq!(
        (stop.exit, stop.message.as_str()),
        (cli::exit::Exit::Config, "the key ring does not open this database")
    );
    assert_eq!(house.count("outbox WHERE state = 'queued'").await, 2, "and nothing is dead");
    // The twin.
    std::fs::write(&keys, right).unwrap();
    assert!(Office::open(&house.config, Some(noon())).await.is_ok());
}

/// What `check` says of a configuration, without the directory it lies in.
fn checked(house: &House, change: impl Fn(&str) -> String) -> String {
    let text = std::fs::read_to_string(&house.config).unwrap();
    std::fs::write(&house.config, change(&text)).unwrap();
    let said = match mailward::config::load(&house.config, noon()) {
        Ok(_) => "good".to_owned(),
        Err(problems) => {
            let line = |p: &mailward::config::Problem| {
                format!("{}:{}:{}:{}", p.line, p.column, p.code, !p.help.is_empty())
            };
            problems.iter().map(line).collect::<Vec<_>>().join(" ")
        }
    };
    std::fs::write(&house.config, text).unwrap();
    said
}

#[tokio::test]
async fn mistakes_are_named_with_place_and_remedy() {
    let house = House::open(&Plan::default()).await;
    let text = std::fs::read_to_string(&house.config).unwrap();
    let line_of = |what: &str| text.lines().position(|line| line.contains(what)).unwrap() + 1;
    assert_eq!(checked(&house, str::to_owned), "good");
    let gone = checked(&house, |text| text.replace("\"directory.toml\"", "\"nowhere.toml\""));
    assert_eq!(gone, format!("{}:13:missing_file:true", line_of("directory = ")));
    let twice = checked(&house, |text| text.replace("path = \"breach\"", "path = \"support\""));
    assert!(twice.contains(":duplicate:true"), "{twice}");
    let syntax = checked(&house, |text| text.replace("[store]", "[store"));
    assert!(syntax.contains("1:7:syntax:true"), "{syntax}");
}
