//! Sessions against a server that misbehaves by script: what no real server does on demand.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mailward::domain::account::{After, Tls};
use mailward::domain::ids::UidValidity;
use mailward::imap::{Absent, Fetched, ImapError, Limits, Next, Session, Settled, Woken};
use tokio_util::sync::CancellationToken;

use crate::harness::{Conversation, Scripted, folder_lines};
use crate::imap_dovecot::{connect_to, fetch, folder, imap_server, now, uid};

fn hasty() -> Limits {
    Limits { connect: Duration::from_secs(3), stall: Duration::from_millis(600), ..Limits::default() }
}

async fn open(server: &Scripted) -> Session {
    let address = imap_server("127.0.0.1", server.port, Tls::None);
    let mut session = connect_to(&address, "secret", &hasty()).await.unwrap();
    session.select(&folder("INBOX")).await.unwrap();
    session
}

async fn fetch_three(script: impl Fn(&mut Conversation) -> Option<()> + Send + Sync + 'static) -> Fetched {
    let server = Scripted::start(script);
    let mut session = open(&server).await;
    let fetched = fetch(&mut session, &[uid(1), uid(2), uid(3)], now()).await;
    session.logout().await;
    fetched
}

fn numbers(fetched: &Fetched) -> Vec<u32> {
    fetched.mails.iter().map(|mail| mail.origin.uid.get()).collect()
}

#[tokio::test]
async fn l3_a_no_in_the_middle_of_fetch_skips_nothing() {
    let fetched = fetch_three(|server| {
        server.sizes(&[1, 2, 3], 10)?;
        server.until("UID FETCH 1:3")?;
        server.mail(1, "Subject: a\r\n")?;
        server.done("NO [SERVERBUG] internal error with Jane Doe's mail")?;
        // The rest alone: 2 is broken, 3 is not.
        server.until("UID FETCH 2 ")?;
        server.done("NO cannot read it")?;
        server.until("UID FETCH 3 ")?;
        server.mail(3, "Subject: c\r\n")?;
        server.done("OK done")?;
        server.until("LOGOUT").map(|_| ())
    })
    .await;
    assert_eq!(numbers(&fetched), [1, 3]);
    assert_eq!(fetched.absent, [(uid(2), Absent::Refused)]);
    assert_eq!((fetched.later.len(), fetched.failed), (0, None));
}

#[tokio::test]
async fn l3_a_no_to_the_sizes_still_lets_the_mails_tell() {
    let fetched = fetch_three(|server| {
        server.begin("UID FETCH 1:3 (UID RFC822.SIZE")?;
        server.done("NO not now")?;
        server.until("UID FETCH 1 ")?;
        server.mail(1, "Subject: a\r\n")?;
        server.done("OK done")?;
        server.fall_silent()
    })
    .await;
    // Without sizes a batch is as large as its largest possible mail: one.
    assert_eq!(numbers(&fetched), [1]);
    assert_eq!((fetched.later, fetched.failed), (vec![uid(2), uid(3)], None));
}

#[tokio::test]
async fn l38_a_limit_of_the_day_blames_no_mail() {
    let limits = [
        ("NO [THROTTLED] slow down", Next::PutOff),
        ("NO Account exceeded command or bandwidth limits. (Failure)", Next::PutOff),
        ("NO [SERVERBUG] the store is down", Next::Carry),
    ];
    for (answer, next) in limits {
        let fetched = fetch_three(move |server| {
            server.sizes(&[1, 2, 3], 10)?;
            loop {
                server.until("UID FETCH")?;
                server.done(answer)?;
            }
        })
        .await;
        assert!(fetched.mails.is_empty() && fetched.absent.is_empty(), "{answer}: {:?}", fetched.absent);
        assert_eq!(fetched.later, [uid(1), uid(2), uid(3)], "{answer}");
        assert_eq!(fetched.failed.map(ImapError::next), Some(next), "{answer}");
    }
}

#[tokio::test]
async fn l3_an_ok_without_data_is_not_a_mail() {
    let fetched = fetch_three(|server| {
        server.sizes(&[1, 2], 10)?;
        server.until("UID FETCH 1:2")?;
        server.say("* 1 FETCH (UID 1 BODY[]<0> NIL)")?;
        server.mail(2, "Subject: b\r\n")?;
        server.mail(99, "Subject: nobody asked\r\n")?;
        server.done("OK done")?;
        server.until("LOGOUT").map(|_| ())
    })
    .await;
    assert_eq!(numbers(&fetched), [2]);
    assert_eq!(fetched.absent, [(uid(3), Absent::Unlisted), (uid(1), Absent::NoBody)]);
}

#[tokio::test]
async fn l3_an_end_inside_a_literal_keeps_what_came_before() {
    let fetched = fetch_three(|server| {
        server.sizes(&[1, 2, 3], 10)?;
        server.until("UID FETCH")?;
        server.mail(1, "Subject: a\r\n")?;
        server.raw(b"* 2 FETCH (UID 2 BODY[]<0> {500}\r\nSubject: half")
    })
    .await;
    assert_eq!(numbers(&fetched), [1]);
    assert_eq!(fetched.later, [uid(2), uid(3)]);
    assert!(matches!(fetched.failed, Some(ImapError::Transient(_))), "{:?}", fetched.failed);
}

#[tokio::test]
async fn l3_a_clean_end_between_mails_is_an_error_too() {
    let fetched = fetch_three(|server| {
        server.sizes(&[1, 2, 3], 10)?;
        server.until("UID FETCH")?;
        server.mail(1, "Subject: a\r\n")
    })
    .await;
    assert_eq!((numbers(&fetched), fetched.later.len()), (vec![1], 2));
    assert!(fetched.failed.is_some_and(|error| error.next() == Next::Reconnect));
}

#[tokio::test]
async fn l3_exchange_s_placeholder_is_no_mail() {
    let fetched = fetch_three(|server| {
        server.sizes(&[1], 10)?;
        server.until("UID FETCH")?;
        server.mail(
            1,
            "From: Microsoft Exchange Server 2010\r\nSubject: Retrieval using the IMAP4 protocol failed for \
             the following\r\n message: 1\r\n\r\nThe server couldn't retrieve the following message:\r\n",
        )?;
        server.done("OK done")?;
        server.until("LOGOUT").map(|_| ())
    })
    .await;
    assert!(fetched.mails.is_empty());
    assert!(fetched.absent.contains(&(uid(1), Absent::Placeholder)));
}

#[tokio::test]
async fn l28_a_server_that_lies_about_sizes_is_cut_off() {
    let server = Scripted::start(|server| {
        server.sizes(&[1, 2], 10)?;
        server.until("UID FETCH")?;
        let body = "x".repeat(1 << 20);
        for _ in 0..64 {
            server.mail(1, &body)?;
        }
        server.done("OK done")
    });
    let address = imap_server("127.0.0.1", server.port, Tls::None);
    let limits = Limits { message_bytes: 4 << 20, ..hasty() };
    let mut session = connect_to(&address, "secret", &limits).await.unwrap();
    session.select(&folder("INBOX")).await.unwrap();
    let fetched = fetch(&mut session, &[uid(1), uid(2)], now()).await;
    assert_eq!(fetched.failed, Some(ImapError::Protocol("an answer above its bound")));
    assert_eq!(fetched.later, [uid(2)]);
}

#[tokio::test]
async fn l28_a_literal_that_is_announced_too_long_is_not_waited_for() {
    let server = Scripted::start(|server| {
        server.sizes(&[1], 10)?;
        server.until("UID FETCH")?;
        server.raw(b"* 1 FETCH (UID 1 BODY[]<0> {400000000}\r\nSubject: x")?;
        server.fall_silent()
    });
    let mut session = open(&server).await;
    let fetched = fetch(&mut session, &[uid(1)], now()).await;
    assert_eq!(fetched.failed, Some(ImapError::Protocol("an answer above its bound")), "and not a timeout");
}

#[tokio::test]
async fn l26_a_server_that_accepts_and_never_answers_is_left() {
    for silent_at in ["greeting", "LOGIN", "CAPABILITY"] {
        let server = Scripted::start(move |server| {
            if silent_at == "greeting" {
                return server.fall_silent();
            }
            server.begin(silent_at)?;
            server.fall_silent()
        });
        let since = Instant::now();
        let address = imap_server("127.0.0.1", server.port, Tls::None);
        let error = connect_to(&address, "secret", &hasty()).await.unwrap_err();
        assert!(matches!(error, ImapError::Timeout(_)), "{silent_at}: {error:?}");
        assert!(since.elapsed() < Duration::from_secs(3), "{silent_at}");
    }
    let server = Scripted::start(|server| {
        server.begin("UID SEARCH")?;
        server.fall_silent()
    });
    let mut session = open(&server).await;
    assert_eq!(session.new_uids(uid(1)).await, Err(ImapError::Timeout("UID SEARCH")));
    // The session is spent: a late answer must not be taken for the next one's.
    assert!(matches!(session.new_uids(uid(1)).await, Err(ImapError::Transient(_))));
    session.logout().await;
}

#[tokio::test]
async fn l26_a_server_that_drips_is_left_at_the_command_s_deadline() {
    let server = Scripted::start(|server| {
        server.begin("NOOP")?;
        loop {
            std::thread::sleep(Duration::from_millis(100));
            server.say("* OK still here")?;
        }
    });
    let address = imap_server("127.0.0.1", server.port, Tls::None);
    let limits = Limits { command: Duration::from_secs(1), ..hasty() };
    let mut session = connect_to(&address, "secret", &limits).await.unwrap();
    session.select(&folder("INBOX")).await.unwrap();
    assert_eq!(session.new_uids(uid(1)).await, Err(ImapError::Timeout("NOOP")));
}

#[tokio::test]
async fn l30_the_last_mail_is_not_a_new_one() {
    let server = Scripted::start(|server| {
        server.folder = "* 3 EXISTS\n* OK [UIDVALIDITY 7] .".to_owned();
        server.begin("UID FETCH * (UID)")?;
        server.say("* 3 FETCH (UID 41)")?;
        server.done("OK done")?;
        server.until("UID SEARCH UID 42:4294967295")?;
        server.say("* SEARCH 41")?;
        server.done("OK done")?;
        server.until("LOGOUT").map(|_| ())
    });
    let address = imap_server("127.0.0.1", server.port, Tls::None);
    let mut session = connect_to(&address, "secret", &hasty()).await.unwrap();
    let status = session.select(&folder("INBOX")).await.unwrap();
    assert_eq!(status.uidnext, Some(42), "found out where SELECT does not say it");
    assert_eq!(session.new_uids(uid(42)).await.unwrap(), []);
    session.logout().await;
}

#[tokio::test]
async fn l30_a_new_uidvalidity_shows_at_the_next_select() {
    let server = Scripted::start(|server| {
        server.begin("NOOP")?;
        server.done("OK done")?;
        server.until("UID SEARCH")?;
        server.say("* SEARCH")?;
        server.folder = folder_lines(8, 2, 1);
        server.done("OK done")?;
        server.until("LOGOUT").map(|_| ())
    });
    let mut session = open(&server).await;
    assert_eq!(session.new_uids(uid(4)).await.unwrap(), []);
    let status = session.select(&folder("INBOX")).await.unwrap();
    assert_eq!((status.uidvalidity.0, status.uidnext), (8, Some(2)));
}

#[tokio::test]
async fn bye_and_unsolicited_news() {
    let server = Scripted::start(|server| {
        server.begin("UID SEARCH")?;
        server.say("* SEARCH 3\n* 4 EXISTS\n* 1 RECENT")?;
        server.done("OK done")?;
        server.until("NOOP")?;
        server.say("* BYE idle for too long")
    });
    let mut session = open(&server).await;
    let stop = CancellationToken::new();
    assert_eq!(session.new_uids(uid(1)).await.unwrap(), [uid(3)]);
    let since = Instant::now();
    assert_eq!(session.wait(Duration::from_secs(9), &stop).await, Ok(Woken::News), "EXISTS came before");
    assert!(since.elapsed() < Duration::from_secs(1));
    let error = session.new_uids(uid(1)).await.unwrap_err();
    assert_eq!(error, ImapError::Transient("the server said goodbye"));
}

/// Runs a move of UIDs 1 and 2 and gives the commands the server got.
async fn settle(abilities: &'static str, refused: &'static str) -> (Vec<(u32, Settled)>, Vec<String>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    let server = Scripted::start(move |server| {
        server.abilities = abilities;
        server.say("* OK scripted")?;
        loop {
            let command = server.until("UID ")?;
            notes.lock().unwrap().push(command.clone());
            server.done(if command.starts_with(refused) { "NO never" } else { "OK done" })?;
        }
    });
    let mut session = open(&server).await;
    let target = After::Move(folder("Done"));
    let mut outcome = session.after_commit(&target, UidValidity(7), &[uid(1), uid(2)]).await;
    if outcome.settled.iter().any(|(_, how)| *how == Settled::Copied) {
        outcome = session.remove_copied(UidValidity(7), &[uid(1), uid(2)]).await;
    }
    session.logout().await;
    let heard = heard.lock().unwrap().clone();
    (outcome.settled.into_iter().map(|(uid, how)| (uid.get(), how)).collect(), heard)
}

#[tokio::test]
async fn l13_where_move_is_refused_mail_is_copied_once() {
    let store = "UID STORE 1:2 +FLAGS.SILENT (\\Seen \\Deleted)";
    let (moved, copied, expunged) = ("UID MOVE 1:2 \"Done\"", "UID COPY 1:2 \"Done\"", "UID EXPUNGE 1:2");
    // abilities, what is refused, how it ends, what the server hears
    let cases: [(&'static str, &'static str, Settled, &[&str]); 6] = [
        ("IMAP4rev1 MOVE UIDPLUS", "none", Settled::Done, &[moved]),
        ("IMAP4rev1 MOVE UIDPLUS", "UID MOVE", Settled::Done, &[moved, copied, store, expunged]),
        ("IMAP4rev1 UIDPLUS", "none", Settled::Done, &[copied, store, expunged]),
        // Without UIDPLUS nothing is expunged: others may have deleted mail that they want back.
        ("IMAP4rev1", "none", Settled::Done, &[copied, store]),
        ("IMAP4rev1", "UID COPY", Settled::Not, &[copied]),
        // Copied but not removed: the second attempt does not copy again.
        ("IMAP4rev1", "UID STORE", Settled::Copied, &[copied, store, store]),
    ];
    for (abilities, refused, how, commands) in cases {
        let (settled, heard) = settle(abilities, refused).await;
        assert_eq!(settled, [(1, how), (2, how)], "{abilities} / {refused}");
        assert_eq!(heard, commands, "{abilities} / {refused}");
    }
}

#[tokio::test]
async fn idle_that_goes_dead_is_noticed_at_its_end() {
    let server = Scripted::start(|server| {
        server.begin("IDLE")?;
        server.say("+ idling")?;
        server.fall_silent()
    });
    let mut session = open(&server).await;
    let since = Instant::now();
    let woken = session.wait(Duration::from_millis(300), &CancellationToken::new()).await;
    assert_eq!(woken, Err(ImapError::Timeout("DONE")));
    assert!(since.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn idle_that_is_never_begun_refused_or_cut() {
    let stop = CancellationToken::new();
    let brief = Duration::from_millis(200);
    let silent = Scripted::start(|server| {
        server.begin("IDLE")?;
        server.fall_silent()
    });
    assert_eq!(open(&silent).await.wait(brief, &stop).await, Err(ImapError::Timeout("IDLE")));

    let refusing = Scripted::start(|server| {
        server.begin("IDLE")?;
        server.done("NO not here")?;
        // No second IDLE: from now on the session pauses and polls.
        server.until("IDLE")?;
        server.say("* BYE I said no")
    });
    let mut session = open(&refusing).await;
    assert_eq!(session.wait(brief, &stop).await, Ok(Woken::TimeUp));
    assert_eq!(session.wait(brief, &stop).await, Ok(Woken::TimeUp));
    assert_eq!(session.new_uids(uid(1)).await.unwrap(), []);

    let cut = Scripted::start(|server| {
        server.begin("IDLE")?;
        server.say("+ idling")
    });
    assert_eq!(open(&cut).await.wait(Duration::from_secs(9), &stop).await, Err(ImapError::Transient("IDLE")));
}

#[tokio::test]
async fn l27_the_session_says_goodbye_and_a_login_that_will_pass_is_no_refusal() {
    let heard = Arc::new(Mutex::new(false));
    let note = Arc::clone(&heard);
    let server = Scripted::start(move |server| {
        server.begin("LOGOUT")?;
        *note.lock().unwrap() = true;
        server.say("* BYE till next time")?;
        server.done("OK done")
    });
    open(&server).await.logout().await;
    assert!(*heard.lock().unwrap());
    assert_eq!(server.connections(), 1);

    // answer to LOGIN, what to do
    let cases = [
        ("NO [AUTHENTICATIONFAILED] Authentication failed.", Next::Pause),
        ("NO LOGIN failed.", Next::Pause),
        ("NO [UNAVAILABLE] Temporary authentication failure.", Next::PutOff),
        ("NO [LIMIT] too many connections", Next::PutOff),
    ];
    for (answer, next) in cases {
        let server = Scripted::start(move |server| {
            server.begin("LOGIN")?;
            server.done(answer)
        });
        let address = imap_server("127.0.0.1", server.port, Tls::None);
        let error = connect_to(&address, "secret", &hasty()).await.unwrap_err();
        assert_eq!(error.next(), next, "{answer}");
    }
}

#[tokio::test]
async fn nothing_is_downgraded() {
    // tls, greeting, answer to STARTTLS
    let cases = [
        (Tls::Starttls, "* OK hello", "NO no TLS here"),
        (Tls::Starttls, "* OK hello", "BAD what?"),
        (Tls::Starttls, "* PREAUTH welcome", "OK"),
        (Tls::None, "* PREAUTH welcome", "OK"),
    ];
    for (tls, greeting, answer) in cases {
        let server = Scripted::start(move |server| {
            server.say(greeting)?;
            server.until("STARTTLS")?;
            server.done(answer)?;
            assert!(server.line().is_none(), "a client went on in the clear");
            None
        });
        let address = imap_server("127.0.0.1", server.port, tls);
        let error = connect_to(&address, "secret", &hasty()).await.unwrap_err();
        assert!(matches!(error, ImapError::Unsafe(_)), "{greeting} {answer}: {error:?}");
    }
}

#[tokio::test]
async fn an_error_never_repeats_the_server() {
    let fetched = fetch_three(|server| {
        server.sizes(&[1], 10)?;
        server.until("UID FETCH")?;
        server.say("* 1 FETCH (UID 1 BODY[]<0> Jane Doe, 1961-04-05)")?;
        server.fall_silent()
    })
    .await;
    let error = fetched.failed.unwrap();
    assert!(matches!(error, ImapError::Protocol(_)), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("Jane"));
}
