//! Robots: the marks that vacation programs, mail servers, lists, ticket systems and monitors write,
//! as a table. Each is answered never, neither as a new mail nor as an answer to ours; the same mail
//! without its marks is acknowledged exactly once. No cap is set: the marks alone must do.

use super::lessons_support::{House, Mail, Plan, header};

/// A robot: who it writes as, under which subject, with which headers and which content.
struct Robot {
    name: &'static str,
    from: &'static str,
    subject: &'static str,
    headers: &'static [(&'static str, &'static str)],
    content: Content,
    /// What stands in the subject where a person writes the same; `None` when it is no mark.
    person: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Content {
    Words(&'static str),
    /// multipart/report: its report-type, and the machine-readable part.
    Report(&'static str, &'static str),
    /// text/calendar with this method.
    Calendar(&'static str),
}

const AWAY: &str = "I am not in the office until Monday and read your mail after my return.";
const GOT_IT: &str = "We have your message and come back to you as soon as we can. Ticket 4711.";
const PERSON: &str = "person@clinic.example";
const NULL: (&str, &str) = ("Return-Path", "<>");
const REPLIED: (&str, &str) = ("Auto-Submitted", "auto-replied");
const GENERATED: (&str, &str) = ("Auto-Submitted", "auto-generated");
const SUPPRESS: (&str, &str) = ("X-Auto-Response-Suppress", "All");
const BULK: (&str, &str) = ("Precedence", "bulk");
const FAILED: &str = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.clinic.example\r\n\r\n\
     Final-Recipient: rfc822; gone@clinic.example\r\nAction: failed\r\nStatus: 5.1.1\r\n";
const DELAYED: &str = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.clinic.example\r\n\r\n\
     Final-Recipient: rfc822; slow@clinic.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n";
const DELIVERED: &str = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.clinic.example\r\n\r\n\
     Final-Recipient: rfc822; here@clinic.example\r\nAction: delivered\r\nStatus: 2.0.0\r\n";
const READ: &str = "Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; person@clinic.example\r\n\
     Disposition: manual-action/MDN-sent-automatically; displayed\r\n";
const ABUSE: &str = "Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: loop/1\r\nVersion: 1\r\n";

const fn robot(
    name: &'static str,
    subject: &'static str,
    headers: &'static [(&'static str, &'static str)],
    words: &'static str,
) -> Robot {
    Robot { name, from: PERSON, subject, headers, content: Content::Words(words), person: None }
}

/// The same, where the subject is a mark too.
const fn told(
    name: &'static str,
    subject: &'static str,
    headers: &'static [(&'static str, &'static str)],
) -> Robot {
    let person = Some("A question about the schedule");
    Robot { name, from: PERSON, subject, headers, content: Content::Words(AWAY), person }
}

const fn system(
    name: &'static str,
    from: &'static str,
    headers: &'static [(&'static str, &'static str)],
) -> Robot {
    let content = Content::Words(GOT_IT);
    Robot { name, from, subject: "Your message of Tuesday", headers, content, person: None }
}

const fn report(name: &'static str, subject: &'static str, kind: &'static str, part: &'static str) -> Robot {
    let (from, person) = ("mailer-daemon@mx.clinic.example", Some("About a mail that did not arrive"));
    Robot { name, from, subject, headers: &[NULL], content: Content::Report(kind, part), person }
}

const ROBOTS: &[Robot] = &[
    // Vacation programs.
    told("Exchange, English", "Automatic reply: Your request", &[NULL, GENERATED, SUPPRESS]),
    told("Exchange, German", "Automatische Antwort: Anfrage", &[NULL, GENERATED, SUPPRESS]),
    told("Exchange, Portuguese", "Resposta automática: Pedido", &[NULL, GENERATED, SUPPRESS]),
    told("Exchange, Spanish", "Respuesta automática: Solicitud", &[SUPPRESS]),
    told("Exchange, Italian", "Risposta automatica: Richiesta", &[SUPPRESS]),
    told("Exchange, French, words only", "Réponse automatique : demande", &[]),
    told("Outlook's old assistant, words only", "Out of Office AutoReply: Your request", &[]),
    robot(
        "Exchange, an inbox rule",
        "I am at a conference",
        &[("X-MS-Exchange-Generated-Message-Source", "Mailbox Rules Agent")],
        AWAY,
    ),
    robot(
        "Gmail's vacation responder",
        "Away this week Re: Your request",
        &[BULK, ("X-Autoreply", "yes"), REPLIED],
        AWAY,
    ),
    robot(
        "Sieve (Dovecot, Cyrus)",
        "Your request",
        &[NULL, ("Auto-Submitted", "auto-replied (vacation)"), BULK],
        AWAY,
    ),
    robot(
        "Zimbra",
        "Away until Monday",
        &[("Auto-Submitted", "auto-replied (zimbra; vacation)"), BULK],
        AWAY,
    ),
    told("vacation(1)", "away from my mail", &[NULL, BULK, ("X-Mailer", "vacation 1.2.7")]),
    robot(
        "Postfix Admin",
        "Away until Monday",
        &[("X-Loop", "Postfix Admin Virtual Vacation"), ("Precedence", "junk")],
        AWAY,
    ),
    robot(
        "cPanel and Exim",
        "Away until Monday",
        &[NULL, ("X-Autorespond", "Your request"), ("Precedence", "auto_reply")],
        AWAY,
    ),
    robot("Plesk", "Re: Your request", &[("Precedence", "bulk"), REPLIED, ("X-Autoreply", "true")], AWAY),
    robot("FirstClass", "Away until Monday", &[("X-FC-MachineGenerated", "true")], AWAY),
    robot("a responder that writes its own header", "Away until Monday", &[("X-Autoresponder", "yes")], AWAY),
    robot("Kerio", "Away until Monday", &[("X-AutoReply-From", PERSON), REPLIED], AWAY),
    robot(
        "an OOF mark of its own",
        "Away until Monday",
        &[("X-Auto-Response-Suppress", "OOF, AutoReply")],
        AWAY,
    ),
    // Receipts and reports.
    report("a read receipt", "Read: Your ticket", "disposition-notification", READ),
    report("a delivery receipt", "Successful Mail Delivery Report", "delivery-status", DELIVERED),
    report("Postfix, failed", "Undelivered Mail Returned to Sender", "delivery-status", FAILED),
    report("Exchange, failed", "Undeliverable: Your ticket", "delivery-status", FAILED),
    report(
        "Sendmail, delayed",
        "Warning: could not send message for past 4 hours",
        "delivery-status",
        DELAYED,
    ),
    report("an abuse report", "complaint about message", "feedback-report", ABUSE),
    Robot {
        name: "Exim, in prose",
        from: "Mailer-Daemon@mx.clinic.example",
        subject: "Mail delivery failed: returning message to sender",
        headers: &[NULL, REPLIED, ("X-Failed-Recipients", "gone@clinic.example")],
        content: Content::Words(
            "This message was created automatically. It could not be delivered to: gone@clinic.example",
        ),
        person: Some("About a mail that did not arrive"),
    },
    Robot {
        name: "qmail, in prose",
        from: "MAILER-DAEMON@mx.clinic.example",
        subject: "failure notice",
        headers: &[NULL],
        content: Content::Words(
            "Hi. This is the qmail-send program. <gone@clinic.example>: no mailbox here by that name.",
        ),
        person: Some("About a mail that did not arrive"),
    },
    // Challenge-response.
    robot(
        "Boxbe",
        "Your request (verifying)",
        &[("X-Boxbe", "challenge"), REPLIED],
        "Please add yourself to my guest list.",
    ),
    robot(
        "Spam Arrest",
        "Your request",
        &[("X-SpamArrest", "challenge")],
        "Please verify that you are a person.",
    ),
    Robot {
        name: "a challenge in words only",
        from: PERSON,
        subject: "Please confirm your message",
        headers: &[],
        content: Content::Words(
            "To control spam I ask senders: please click the link to confirm your message will be delivered.",
        ),
        person: Some("About your message"),
    },
    // Lists and mailings.
    robot(
        "Mailman",
        "[all] Lunch",
        &[
            ("List-Id", "<all.clinic.example>"),
            ("Precedence", "list"),
            ("List-Post", "<mailto:all@clinic.example>"),
        ],
        "Soup.",
    ),
    robot(
        "Google Groups",
        "Lunch",
        &[
            ("List-Id", "<all.clinic.example>"),
            ("Mailing-list", "list all@clinic.example"),
            ("Precedence", "list"),
        ],
        "Soup.",
    ),
    robot(
        "LISTSERV",
        "Lunch",
        &[
            ("List-Unsubscribe", "<mailto:leave@clinic.example>"),
            ("List-Owner", "<mailto:own@clinic.example>"),
        ],
        "Soup.",
    ),
    robot(
        "a newsletter",
        "News of May",
        &[
            ("List-Unsubscribe", "<https://news.example/u>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ],
        "Offers.",
    ),
    // Ticket systems and their autoresponders.
    system("OTRS and Znuny", "desk@other.example", &[REPLIED, BULK, ("X-OTRS-Loop", "True")]),
    system("Zendesk", "desk@other.example", &[GENERATED, SUPPRESS, ("X-Mailer", "Zendesk Mailer")]),
    system(
        "Freshdesk",
        "desk@other.example",
        &[GENERATED, ("X-Auto-Response-Suppress", "DR, OOF, AutoReply")],
    ),
    system("Jira", "jira@other.example", &[GENERATED, BULK, ("X-JIRA-FingerPrint", "0123")]),
    system(
        "Request Tracker",
        "rt@other.example",
        &[("RT-Ticket", "other.example #4711"), BULK, ("X-RT-Loop-Prevention", "other.example")],
    ),
    system(
        "osTicket",
        "desk@other.example",
        &[("X-Auto-Response-Suppress", "ALL, AutoReply"), ("X-Autoreply", "yes"), REPLIED],
    ),
    system("Zammad", "desk@other.example", &[("X-Loop", "yes"), BULK, GENERATED, SUPPRESS]),
    system(
        "GLPI",
        "desk@other.example",
        &[GENERATED, ("X-Auto-Response-Suppress", "OOF, DR, NDR, RN, NRN, AutoReply")],
    ),
    system("Redmine", "desk@other.example", &[GENERATED, ("X-Redmine-Host", "other.example"), SUPPRESS]),
    system("ServiceNow", "desk@other.example", &[("X-ServiceNow-Generated", "true"), ("Precedence", "bulk")]),
    system("another mailward", "desk@other.example", &[("X-Mailward-Loop", "1")]),
    system("a system that says so in its address", "no-reply@other.example", &[]),
    system("its address in Spanish", "no-responder@other.example", &[]),
    system("its address in Portuguese", "nao-responda@other.example", &[]),
    system("its address in Italian", "non-rispondere@other.example", &[]),
    system("its answers go to nobody", "desk@other.example", &[("Reply-To", "donotreply@other.example")]),
    // Monitors and machines.
    robot("cron", "Cron <root@db> backup", &[GENERATED, ("X-Cron-Env", "<SHELL=/bin/sh>")], "done"),
    robot("a monitor", "PROBLEM: disk usage on db", &[GENERATED, ("X-Priority", "1")], "disk usage is 97 %"),
    robot("a scanner", "Scanned document", &[NULL], "A document was scanned."),
    // Calendars.
    Robot {
        name: "an accepted invitation",
        from: PERSON,
        subject: "Accepted: Maintenance window",
        headers: &[],
        content: Content::Calendar("REPLY"),
        person: Some("About the maintenance window"),
    },
    // Spam filters.
    robot("marked as spam", "A great offer", &[("X-Spam-Flag", "YES")], "Buy."),
];

impl Content {
    fn put_into(self, mail: Mail) -> Mail {
        let two = |kind: &str, part: &str| {
            let mail = mail.clone().header("Content-Type", kind);
            mail.body(&format!("--b\nContent-Type: text/plain\n\nSee the other part.\n--b\n{part}\n--b--"))
        };
        match self {
            Self::Words(words) => mail.body(words),
            Self::Report(kind, part) => {
                let kind = format!("multipart/report; report-type={kind}; boundary=\"b\"");
                two(&kind, &part.replace("\r\n", "\n"))
            }
            Self::Calendar(method) => two(
                "multipart/alternative; boundary=\"b\"",
                &format!(
                    "Content-Type: text/calendar; method={method}\n\nBEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\n\
                     BEGIN:VEVENT\nUID:1@clinic.example\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{PERSON}\nEND:VEVENT\nEND:VCALENDAR"
                ),
            ),
        }
    }
}

impl Robot {
    fn mail(&self) -> Mail {
        let mail = self.content.put_into(Mail::new(self.from, self.subject));
        self.headers.iter().fold(mail, |mail, (name, value)| mail.header(name, value))
    }

    /// The same from a person: every mark is gone, the words are the same.
    fn twin(&self) -> Mail {
        let mail = Mail::new(PERSON, self.person.unwrap_or(self.subject));
        match self.content {
            Content::Words(words) if self.person.is_none() || self.headers.len() != 1 => mail.body(words),
            _ => mail,
        }
    }
}

/// What went out to customers so far.
async fn written(house: &House) -> usize {
    house.sweep().await;
    house.to_customers().await.len()
}

/// L14, over every robot of the table.
#[tokio::test]
async fn l14_no_robot_is_ever_answered() {
    assert!(ROBOTS.len() >= 40);
    let mut wrong = Vec::new();
    for robot in ROBOTS {
        let house = House::open(&Plan::default()).await;
        // A person's matter, acknowledged: the robot may answer that.
        house.take(&Mail::new(PERSON, "The printer of the ward")).await;
        let mut sent = written(&house).await;
        assert_eq!(sent, 1);
        let ours = header(&house.mail("received", PERSON).await, "Message-ID").unwrap();
        house.take(&robot.mail()).await;
        house.take(&robot.mail().answers(ours.trim_matches(['<', '>']))).await;
        let now = written(&house).await;
        if now != sent {
            wrong.push(format!("{} was answered: {:?}", robot.name, house.to_customers().await));
        }
        sent = now;
        // Its twin is acknowledged exactly once.
        let ended = house.take(&robot.twin()).await;
        let now = written(&house).await;
        if ended.action != "new" || now != sent + 1 {
            wrong.push(format!("the twin of {}: {ended:?}, {} mails", robot.name, now - sent));
        }
        house.balance().await;
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ROBOTS.len(), wrong.join("\n"));
}

/// L14: a robot that marks nothing and answers each of our mails by a new one: the caps hold it to 3
/// mails an hour and 10 a day, and a person beside it is answered all the same.
#[tokio::test]
async fn l14_a_robot_without_a_mark_is_stopped_by_the_caps() {
    let house = House::open(&Plan { governor: String::new(), ..Plan::default() }).await;
    let robot = |number: usize| Mail::new("info@machine.example", &format!("Message {number} of ours"));
    let mut mails = 1;
    house.take(&robot(0)).await;
    let mut hours = Vec::new();
    for _ in 0..24 {
        let before = written(&house).await;
        for _ in 0..30 {
            let sent = written(&house).await;
            house.take(&robot(mails)).await;
            mails += 1;
            house.later(1);
            // It answers only what it got.
            if written(&house).await == sent {
                break;
            }
        }
        hours.push(written(&house).await - before);
        house.later(60);
    }
    let sent: usize = hours.iter().sum();
    assert!(hours.iter().all(|count| *count <= 3), "{hours:?}");
    assert!((3..=11).contains(&(sent + 1)), "{sent} in a day: {hours:?}");
    assert_eq!(house.tickets().await.len(), mails, "every one is a ticket all the same");
    let before = written(&house).await;
    house.take(&Mail::new(PERSON, "The printer of the ward")).await;
    assert_eq!(written(&house).await, before + 1, "a person is answered");
}

/// L14: robots under many addresses: the mailbox's breaker stops all of them.
#[tokio::test]
async fn l14_a_swarm_of_robots_is_stopped_by_the_breaker() {
    let governor = "per_address_hour = 3\nper_address_day = 10\nper_mailbox_hour = 20".to_owned();
    let house = House::open(&Plan { governor, ..Plan::default() }).await;
    for number in 0..60 {
        house.take(&Mail::new(&format!("info@machine{number}.example"), &format!("Message {number}"))).await;
    }
    assert_eq!(written(&house).await, 20);
    assert_eq!(house.tickets().await.len(), 60);
    house.later(61);
    house.take(&Mail::new(PERSON, "The printer of the ward")).await;
    assert_eq!(written(&house).await, 21, "an hour later a person is answered");
}
