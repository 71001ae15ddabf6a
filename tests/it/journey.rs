//! A whole story on real Dovecot and Postfix, once with SQLite and once with PostgreSQL, against one
//! golden: `fixtures/golden/journey/story.txt`. The simulated days lie in the past, so that a mail
//! arrives (`min(INTERNALDATE, now)`) at the very instant of its step, whatever day it is today.
//!
//! What of the golden fails when a module gives its input back unchanged:
//!
//! | module | what the golden shows |
//! |---|---|
//! | `intake/visible` | no `> ` line and no "wrote:" in any message of ticket 1, though every reply quotes all of our mail |
//! | `intake/sanitise` | `inspect` prints `sanitized` without script, style, event handler and remote image; the HTML reply shows none of it |
//! | `phi` | subject, text and notification of ticket 1 show placeholders for SSN, CPF, card, telephone and e-mail address |
//! | `decide/priority` | ticket 1 is high by "several", ticket 4 low by "question", against the desk's medium |
//! | `domain/sla`, `config/calendars` | the first answer is due on Tuesday 09:30 in Chicago, two business hours after Monday 16:30 |
//! | `decide/notify` | notifications to ana and bob, to ana alone once she has answered, to carla alone for the breach |
//! | `decide/agent_mail` | the answer that Mary gets ends with Ana's own words; the quoted notification and the `#resolve` line are gone |
//! | `decide/on_tick` | the reminder comes after 24 hours and the close after 48, neither a minute before; a reply opens the ticket again |
//! | `decide/open` (breach) | ticket 2 restricted and urgent, acknowledged without content, never closed |
//! | `intake/robot`, `decide/respond` | the vacation notice, the bounce and the list put no mail to anyone outside under their step |

use std::path::Path;

use aho_corasick::AhoCorasick;
use serde_json::Value;

use crate::app::{App, BREACH_DESK, DESK, Post};
use crate::harness::{At, Postgres, Scratch, eventually, servers};
use crate::journey_world::{Answer, Shape, Transcript, World};

const PROGRAMS: &[&str] = &["dovecot", "postfix", "openssl"];
const MARY: &str = "mary.major@lakeside.example";
const ANA: &str = "ana@team.example";

/// Names, addresses, numbers and subjects that stand in the mails of the story.
const PLANTED: &[&str] = &[
    "Mary Major",
    "mary.major",
    "Radiology Desk",
    "radiology@",
    "Jane Placeholder",
    "jane.placeholder",
    "Laura Sampleton",
    "it.security",
    "Peter Gone",
    "gone@elsewhere",
    "news@lists",
    "Viewer Vendor",
    "ana@team",
    "bob@team",
    "carla@team",
    "536-22-8741",
    "529.982.247-25",
    "4111 1111 1111 1111",
    "555-0142",
    "555-0188",
    "555-0199",
    "Studies of Jane",
    "sent to the wrong hospital",
    "Release notes of the viewer",
    "export a study",
    "E-4017",
    "restarted the archive",
    "first.journey@",
];

/// What of it the database must not hold in the clear: identifiers, addresses, Message-IDs.
const SEALED: &[&str] = &[
    "mary.major",
    "radiology@",
    "jane.placeholder",
    "it.security",
    "gone@elsewhere",
    "news@lists",
    "ana@team",
    "bob@team",
    "carla@team",
    "536-22-8741",
    "529.982.247-25",
    "4111 1111 1111 1111",
    "555-0142",
    "555-0188",
    "555-0199",
    "first.journey@",
    "Placeholder.csv",
];

fn mail(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/journey").join(name)).unwrap()
}

#[test]
fn the_whole_story_with_sqlite() {
    if servers(PROGRAMS) {
        let app = tell(None);
        no_trace(&app.path("data"));
        app.finish();
    }
}

#[test]
fn the_whole_story_with_postgresql() {
    if !servers(PROGRAMS) {
        return;
    }
    let Some(cluster) = Postgres::start() else { return };
    let app = tell(Some(&cluster.database()));
    no_trace(cluster.folder());
    app.finish();
}

fn tell(url: Option<&str>) -> App {
    let world = World::start();
    let app = App::new(url, &Post::Servers { imap: world.dovecot.imap, smtp: world.postfix.smtp });
    let tale = Tale { world: &world, app: &app, script: Transcript::new() };
    tale.a_customer_and_an_agent();
    tale.quiet_hours();
    tale.a_breach();
    tale.robots();
    tale.a_forged_agent();
    tale.weeks_pass();
    tale.books();
    tale.script.matches("story.txt");
    keyboard(&app, &world);
    live(&app, &world);
    for planted in PLANTED {
        let heard = app.heard();
        let line = heard.lines().find(|line| line.to_lowercase().contains(&planted.to_lowercase()));
        assert_eq!(line, None, "house rule 5: {planted:?} is in the log");
    }
    assert!(app.heard().contains("mailward runs"), "the log was really read");
    app
}

struct Tale<'a> {
    world: &'a World,
    app: &'a App,
    script: Transcript,
}

impl Tale<'_> {
    /// All workers at this instant, and every mail that comes of it.
    fn then(&self, at: &str, what: &str) {
        self.app.idle_at(at);
        self.script.say(&format!("== {at}  {what}"));
        let news = self.world.news(self.app);
        if news.is_empty() {
            self.script.say("  no mail\n ");
        }
        for mail in news {
            self.script.mail(&mail);
        }
    }

    fn answers(&self, who: &str, subject: &str, words: &str, shape: Shape) {
        let ours = self.world.got(who, subject);
        self.world.answer(&ours, &Answer { from: who, words, shape });
    }

    fn a_customer_and_an_agent(&self) {
        let first = mail("first.eml");
        self.world.send(MARY, DESK, &first);
        self.then("2025-02-03T22:30:00Z", "Mary writes, half an hour before the desk closes");
        let detail = "One more detail: it happens since version 4.2.1, call me on <b>(312) 555-0199</b>.";
        self.answers(MARY, "We have received", detail, Shape::Html);
        self.then("2025-02-03T22:40:00Z", "Mary adds a detail, in HTML, in reply to the acknowledgment");
        let words = "Hello Mary,\n\nWe restarted the archive. Could you please check?\n\nAna";
        self.answers(ANA, "[#1]", words, Shape::Plain);
        self.then("2025-02-04T14:40:00Z", "Ana answers the notification from her mail client");
        let words = "Better, but one viewer is still black.";
        self.answers(MARY, "Your message", words, Shape::Plain);
        self.then("2025-02-04T15:30:00Z", "Mary replies to that answer");
        let words = "#resolve\nThe second viewer was updated too, all is well now.";
        self.answers(ANA, "[#1]", words, Shape::Plain);
        self.then("2025-02-04T17:00:00Z", "Ana resolves");
    }

    fn quiet_hours(&self) {
        let words = "I am away until Monday. Please write to my colleagues.";
        self.answers(MARY, "Resolved", words, Shape::Vacation);
        self.then("2025-02-04T17:10:00Z", "Mary's vacation notice");
        self.then("2025-02-05T16:59:00Z", "a minute before the reminder is due");
        self.then("2025-02-05T17:00:00Z", "24 quiet hours");
        self.then("2025-02-06T16:59:00Z", "a minute before the close is due");
        self.then("2025-02-06T17:00:00Z", "48 quiet hours");
        let words = "Sorry for the late reply: the first viewer is black again.";
        self.answers(MARY, "closed", words, Shape::Plain);
        self.then("2025-02-07T15:00:00Z", "Mary replies late");
    }

    fn a_breach(&self) {
        self.world.send("it.security@lakeside.example", BREACH_DESK, &mail("breach.eml"));
        self.then("2025-02-07T16:00:00Z", "a report of a breach");
    }

    fn robots(&self) {
        self.world.send("bounces@lists.example", DESK, &mail("list.eml"));
        self.then("2025-02-07T17:00:00Z", "a mailing list");
        self.world.send("gone@elsewhere.example", DESK, &mail("gone.eml"));
        self.then("2025-02-07T18:00:00Z", "Peter asks");
        self.world.sink.answer(At::Recipient, "gone@", "550 5.1.1 no such user");
        self.world.refused.set(1);
        self.app.write("answer.txt", "Use the export button.\n");
        self.app.ok(&["ticket", "reply", "4", "--as", "bob", "--at", "2025-02-07T18:10:00Z", "answer.txt"]);
        self.world.comes_to("support", 10);
        self.then("2025-02-07T18:11:00Z", "Bob answered at the keyboard, and the answer bounced");
    }

    fn a_forged_agent(&self) {
        let ours = self.world.got(ANA, "[#1]");
        let (to, _) =
            crate::journey_world::reply(&ours, &Answer { from: ANA, words: "", shape: Shape::Plain });
        let mut forged = format!("To: {to}\n").into_bytes();
        forged.extend(mail("forged.eml"));
        self.world.send("thief@elsewhere.example", &to, &forged);
        self.then("2025-02-07T19:00:00Z", "someone writes in Ana's name, with her token but without proof");
    }

    /// What was never answered, or not delivered, or is a breach, is not closed by silence.
    fn weeks_pass(&self) {
        for at in ["2025-02-10T17:00:00Z", "2025-02-20T17:00:00Z", "2025-03-10T17:00:00Z"] {
            self.then(at, "time passes");
        }
    }

    /// Tickets, mails and ledger at the end.
    fn books(&self) {
        let (app, script) = (self.app, &self.script);
        for number in ["1", "2", "3", "4"] {
            script.say(&format!("== ticket show {number}"));
            script.say(&app.ok(&["ticket", "show", number]));
        }
        script.say("== outbox list");
        columns(script, &app.json(&["outbox", "list"]), &["ticket", "kind", "recipient", "state", "reason"]);
        script.say("\n== ledger list");
        columns(
            script,
            &app.json(&["ledger", "list"]),
            &["account", "folder", "uid", "state", "reason", "ticket"],
        );
        script.say("\n== ledger balance");
        script.say(&app.ok(&["ledger", "balance"]));
        script.say("== quarantine list");
        columns(script, &app.json(&["quarantine", "list"]), &["state", "reason"]);
        script.say("\n== inspect");
        let eml = app.path("first.eml");
        std::fs::write(&eml, mail("first.eml")).unwrap();
        let at = ["--at", "2025-02-03T22:30:00Z"];
        let seen = app.json(&[&["inspect", "--desk", "imaging"], &at[..], &["first.eml"]].concat());
        for field in ["sanitized", "redacted_subject", "priority", "category", "respond", "response_due"] {
            script.say(&format!("{field}: {}", seen[0][field].as_str().unwrap_or("null")));
        }
    }
}

fn columns(script: &Transcript, rows: &[Value], names: &[&str]) {
    for row in rows {
        let cells = names.iter().map(|name| match &row[name] {
            Value::String(text) => text.clone(),
            Value::Null => "-".to_owned(),
            other => other.to_string(),
        });
        script.say(&format!("  {}", cells.collect::<Vec<_>>().join("  ")));
    }
}

/// A person's acts, in real time: these end the simulated days.
fn keyboard(app: &App, world: &World) {
    let shown = &app.json(&["ticket", "show", "1"])[0];
    assert_eq!((&shown["number"], &shown["state"]), (&Value::from(1), &Value::from("open")));
    assert!(!shown.to_string().contains(MARY) && !shown.to_string().contains("Jane Placeholder.csv"));
    let opened = app.ok(&["reveal", "1", "--reason", "the story asks for it"]);
    assert!(opened.contains("SSN 536-22-8741") && opened.contains("Jane Placeholder.csv"));
    let exposed = app.ok(&["ticket", "show", "1", "--expose"]);
    assert!(exposed.contains(MARY));
    let trail = app.ok(&["audit", "show", "--ticket", "1"]);
    assert!(trail.contains("reveal") && trail.contains("expose"), "{trail}");

    // The held mail in Ana's name is put away by a person.
    let held = app.json(&["quarantine", "list"]);
    let id = held[0]["ledger"].as_str().unwrap();
    app.ok(&["quarantine", "discard", id]);
    assert_eq!(app.json(&["quarantine", "list"]), Vec::<Value>::new());

    let done = app.run(&["serve", "--until-idle", "--at", "2025-03-10T18:00:00Z"]);
    assert_eq!(done.code, 64, "time does not run backwards");
    let done = app.run(&["ticket", "reply", "1", "--as", "carla", "answer.txt"]);
    assert_ne!(done.code, 0, "carla does not work for this desk");
    assert_eq!(world.news(app), []);
}

/// The gateway as it runs for years: IDLE, a reload, a stop.
fn live(app: &App, world: &World) {
    let serve = app.serve();
    eventually("the gateway runs", || serve.log().contains("mailward runs"));
    let tickets = || app.json(&["ticket", "list"]).len();
    let before = tickets();
    let again = |n: usize| {
        let text = String::from_utf8(mail("gone.eml")).unwrap();
        text.replace("gone.journey@", &format!("live{n}.journey@")).replace("gone@", "paul@").into_bytes()
    };
    world.send("paul@elsewhere.example", DESK, &again(1));
    eventually("a ticket by IDLE", || tickets() == before + 1);

    let good = app.read("desks/imaging.toml");
    app.write("desks/imaging.toml", "nonsense = true\n");
    serve.signal("-HUP");
    eventually("the invalid file is refused", || serve.log().contains("the old one holds"));
    world.send("paul@elsewhere.example", DESK, &again(2));
    app.write("desks/imaging.toml", &good);
    eventually("the old configuration still works", || tickets() == before + 2);
    serve.signal("-HUP");
    eventually("the valid file is taken", || serve.log().contains("the new configuration holds"));

    let acknowledged = || world.sink.mails_to("paul@elsewhere.example").len();
    eventually("both are acknowledged", || acknowledged() == 2);
    let (code, took) = serve.stop();
    assert_eq!(code, 0);
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}

/// No file below the folder holds an identifier or an address in the clear.
fn no_trace(folder: &Path) {
    let traces = AhoCorasick::builder().ascii_case_insensitive(true).build(SEALED).unwrap();
    let mut folders = vec![folder.to_path_buf()];
    let mut octets = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            octets += bytes.len();
            let found = traces.find(&bytes).map(|found| SEALED[found.pattern().as_usize()]);
            assert_eq!(found, None, "{}", path.display());
        }
    }
    assert!(octets > 50_000, "the database was really looked through");
}

#[test]
fn a_search_for_traces_finds_one() {
    let scratch = Scratch::new("trace");
    std::fs::create_dir(scratch.join("inner")).unwrap();
    std::fs::write(scratch.join("inner/file"), format!("{:60000}Mary.Major@lakeside.example", ' ')).unwrap();
    assert!(std::panic::catch_unwind(|| no_trace(scratch.path())).is_err());
}
