//! Notices of mail programs and providers, one a dialect, written for this table in the form each
//! of them writes: who was not reached, with which status, for good or for now.

use crate::domain::account::AuthEvidence;
use crate::domain::message::{BounceReport, InboundMessage, MessageClass};
use crate::intake::{ReadSettings, understand};

fn read(mail: &str) -> InboundMessage {
    let settings = ReadSettings { auth: &AuthEvidence::None, own_addresses: &[], own_lists: &[], fields: &[] };
    understand(mail.as_bytes(), &settings).unwrap()
}

fn notice(from: &str, subject: &str, body: &str) -> InboundMessage {
    read(&format!(
        "From: {from}\nTo: help@desk.example\nSubject: {subject}\nMessage-ID: <n@relay.example>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    ))
}

/// Sender, subject, text; recipients, status of the first, lasting.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str, bool);

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (from, subject, body, recipients, status, permanent) in cases {
        let message = notice(from, subject, body);
        let bounce: BounceReport = message.bounce.clone().unwrap_or_default();
        let got: Vec<&str> = bounce.recipients.iter().map(|r| r.address.expose()).collect();
        let code = bounce.recipients.first().and_then(|r| r.status.clone()).unwrap_or_default();
        let same = message.class == Some(MessageClass::Bounce)
            && got == *recipients
            && code == *status
            && bounce.permanent == Some(*permanent);
        if !same {
            wrong.push(format!("{from} | {subject}\n{body}\n=> {:?} {got:?} {code} {:?}\n", message.class, bounce.permanent));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

const DAEMON: &str = "Mail Delivery System <MAILER-DAEMON@relay.example>";
const POSTMASTER: &str = "postmaster@relay.example";

#[test]
fn programs_of_unix() {
    check(&[
        // Exim
        (
            DAEMON,
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  kim@clinic.example\n    (generated from box@desk.example)\n    Unrouteable address\n\n------ This is a copy of the message, including all the headers. ------\n\nFrom: help@desk.example\nTo: other@clinic.example\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        (
            DAEMON,
            "Warning: message 1abcDE-0001 delayed 24 hours",
            "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.relay.example.\n\nThe address to which the message has not yet been delivered is:\n\n  kim@clinic.example\n\nNo action is required on your part. Delivery attempts will continue for\nsome time, and this warning may be repeated at intervals.",
            &["kim@clinic.example"],
            "4.4.7",
            false,
        ),
        (
            DAEMON,
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  kim@clinic.example\n    SMTP error from remote mail server after RCPT TO:<kim@clinic.example>:\n    host mx.clinic.example [192.0.2.7]: 550 5.7.1 relaying denied\n  lee@clinic.example\n    retry timeout exceeded\n",
            &["kim@clinic.example", "lee@clinic.example"],
            "5.7.1",
            true,
        ),
        // qmail
        (
            "MAILER-DAEMON@relay.example",
            "failure notice",
            "Hi. This is the qmail-send program at relay.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<kim@clinic.example>:\nSorry, I couldn't find any host named clinic.example. (#5.1.2)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <help@desk.example>\n",
            &["kim@clinic.example"],
            "5.1.2",
            true,
        ),
        (
            "MAILER-DAEMON@relay.example",
            "failure notice",
            "Hi. This is the qmail-send program at relay.example.\n\n<kim@clinic.example>:\n192.0.2.7 does not like recipient.\nRemote host said: 550 no such user here\nGiving up on 192.0.2.7.\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // sendmail
        (
            "Mail Delivery Subsystem <MAILER-DAEMON@relay.example>",
            "Returned mail: User unknown",
            "The original message was received at Mon, 5 Jan 2026 09:12:00 -0500\nfrom desk.example [192.0.2.1]\n\n   ----- The following addresses had permanent fatal errors -----\n<kim@clinic.example>\n    (reason: 550 <kim@clinic.example>... User unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.clinic.example.:\n>>> RCPT To:<kim@clinic.example>\n<<< 550 <kim@clinic.example>... User unknown\n550 5.1.1 <kim@clinic.example>... User unknown\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        (
            "Mail Delivery Subsystem <MAILER-DAEMON@relay.example>",
            "Warning: could not send message for past 4 hours",
            "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\nThe original message was received at Mon, 5 Jan 2026 09:12:00 -0500\n\n   ----- The following addresses had transient non-fatal errors -----\n<kim@clinic.example>\n\n   ----- Transcript of session follows -----\n<kim@clinic.example>... Deferred: Connection timed out with mx.clinic.example.\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n",
            &["kim@clinic.example"],
            "4.4.1",
            false,
        ),
        // Postfix, plain text
        (
            DAEMON,
            "Undelivered Mail Returned to Sender",
            "This is the Postfix program at host relay.example.\n\nI'm sorry to have to inform you that your message could not be delivered to\none or more recipients. It's attached below.\n\n<kim@clinic.example>: host mx.clinic.example[192.0.2.7] said: 552 5.2.2 mailbox\n    full (in reply to RCPT TO command)\n",
            &["kim@clinic.example"],
            "5.2.2",
            true,
        ),
        // Courier
        (
            "\"Courier mail server at relay.example\" <>",
            "NOTICE: mail delivery status.",
            "This is a delivery status notification from relay.example,\nrunning the Courier mail server, version 0.65.\n\nThe original message was received on Mon, 05 Jan 2026 09:12:00 +0100\n\n---------------------------------------------------------------------------\n\n                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<kim@clinic.example>:\n    <<< 550 User unknown.\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Smail, ZMailer, MMDF
        (
            "<MAILER-DAEMON@relay.example>",
            "mail failed, returning to sender",
            "|------------------------- Message log follows: -------------------------|\n no valid recipients were found for this message\n|------------------------- Failed addresses follow: ---------------------|\n <kim@clinic.example> ... unknown host\n|------------------------- Message text follows: ------------------------|\nReceived: by desk.example\n",
            &["kim@clinic.example"],
            "5.1.2",
            true,
        ),
        (
            "memo@relay.example (Mail Delivery)",
            "Failed mail (msg.aa01234)",
            "Your message could not be delivered to\n'kim@clinic.example (host: clinic.example) (queue: smtp)' for the following\nreason:  ' <kim@clinic.example>... User unknown'\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // OpenSMTPD
        (
            "Mailer Daemon <MAILER-DAEMON@relay.example>",
            "Delivery status notification: error",
            "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has occurred while attempting to deliver a message for\n    the following list of recipients:\n\nkim@clinic.example: 550 5.1.1 <kim@clinic.example>: Recipient address rejected\n\n    Below is a copy of the original message:\n\nReceived: from desk.example\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
    ]);
}

#[test]
fn programs_of_offices() {
    check(&[
        // Exchange 5.5
        (
            "System Administrator <postmaster@relay.example>",
            "Undeliverable: Appointment",
            "Your message\n\n  To:      kim@clinic.example\n  Subject: Appointment\n  Sent:    Mon, 5 Jan 2026 09:12:00 -0500\n\ndid not reach the following recipient(s):\n\nkim@clinic.example on Mon, 5 Jan 2026 09:13:00 -0500\n    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=us;a= ;p=clinic;l=MX0012\n    MSEXCH:IMS:CLINIC:HQ:MX 0 (000C05A6) Unknown Recipient\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Exchange 2003, German
        (
            "Systemadministrator <postmaster@relay.example>",
            "Unzustellbar: Termin",
            "Ihre Nachricht hat einige oder alle Empfänger nicht erreicht.\n\n      Betreff:\tTermin\n      Gesendet am:\t05.01.2026 09:12\n\nFolgende(r) Empfänger konnte(n) nicht erreicht werden:\n\n      kim@clinic.example am 05.01.2026 09:13\n            Das E-Mail-Konto ist in der Organisation nicht vorhanden, an die die Nachricht gesendet wurde.\n            <mx.relay.example #5.1.1>\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Exchange 2007 and later, text form
        (
            "Microsoft Exchange <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@relay.example>",
            "Undeliverable: Appointment",
            "Delivery has failed to these recipients or distribution lists:\n\nkim@clinic.example\nThe recipient's e-mail address was not found in the recipient's e-mail system. Microsoft Exchange will not try to redeliver this message for you.\n\nDiagnostic information for administrators:\n\nGenerating server: relay.example\n\nkim@clinic.example\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Exchange in Spanish, Portuguese, French, Italian
        (
            "Administrador del sistema <postmaster@relay.example>",
            "No se puede entregar: Cita",
            "Error de entrega a los siguientes destinatarios o listas de distribución:\n\nkim@clinic.example\nNo se encontró la dirección de correo electrónico del destinatario.\n\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        (
            POSTMASTER,
            "Não é possível entregar: Consulta",
            "Falha na entrega para estes destinatários ou grupos:\n\nkim@clinic.example\nO endereço de e-mail que você digitou não foi encontrado.\n\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound'\n",
            &["kim@clinic.example"],
            "5.1.10",
            true,
        ),
        (
            POSTMASTER,
            "Non remis : Rendez-vous",
            "Échec de la remise à ces destinataires ou groupes :\n\nkim@clinic.example\nL'adresse de messagerie que vous avez entrée est introuvable.\n\n550 5.1.1 not found\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        (
            POSTMASTER,
            "Non recapitabile: Visita",
            "Impossibile recapitare il messaggio ai destinatari o gruppi seguenti:\n\nkim@clinic.example\nImpossibile trovare l'indirizzo di posta elettronica immesso.\n\n550 5.1.1 not found\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Lotus Notes and Domino
        (
            POSTMASTER,
            "DELIVERY FAILURE: User kim (kim@clinic.example) not listed in Domino Directory",
            "Your message\n\n  Subject: Appointment\n\nwas not delivered to:\n\n  kim@clinic.example\n\nbecause:\n\n  User kim (kim@clinic.example) not listed in Domino Directory\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // GroupWise
        (
            "Mailer-Daemon@relay.example",
            "Message status - undeliverable",
            "The attached file had the following undeliverable recipient(s):\n\tkim@clinic.example\n\nInformation about your message:\n\tSubject: Appointment\n\nTranscript of session follows:\n\tThe message that you sent was undeliverable to the following:\n\tkim (user not found)\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Novonyx / Mercury
        (
            "Electronic Postmaster <Postmaster@relay.example>",
            "Postmaster Notify: Delivery Failure.",
            "With respect to your recent message:\n\n  Subject: Appointment\n\nDelivery failed to the following address(es):\n\n   kim@clinic.example: 550 - no such user here\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // IMail
        (
            "Mail Administrator <postmaster@relay.example>",
            "Undeliverable Mail",
            "User mailbox exceeds allowed size: kim@clinic.example\n\nOriginal message follows.\n\nReceived: from desk.example\n",
            &["kim@clinic.example"],
            "5.2.2",
            true,
        ),
        (
            "Postmaster <postmaster@relay.example>",
            "Undeliverable Mail",
            "Unknown user: kim@clinic.example\n\nOriginal message follows.\n\nReceived: from desk.example\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // MDaemon
        (
            "MDaemon at relay.example <MDaemon@relay.example>",
            "Permanent Delivery Failure",
            "The attached message had PERMANENT fatal delivery errors!\n\nAfter one or more unsuccessful delivery attempts the attached message has\nbeen removed from the mail queue on this server.  The number and frequency\nof delivery attempts are determined by local configuration parameters.\n\nYOUR MESSAGE WAS NOT DELIVERED TO ONE OR MORE RECIPIENTS!\n\nFailed address: kim@clinic.example\n\n--- Session Transcript ---\n Mon 2026-01-05 09:12:00: <-- 550 Unknown user\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Kerio
        (
            "Mail Delivery Subsystem <postmaster@relay.example>",
            "Delivery failure",
            "Your message could not be delivered to the following recipient(s):\n\n    kim@clinic.example\n\n    Error: 550 5.1.1 User unknown\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // hMailServer
        (
            "mailer-daemon@relay.example",
            "Message undeliverable: Appointment",
            "Your message did not reach some or all of the intended recipients.\n\n   Sent: Mon, 5 Jan 2026 09:12:00 -0500\n   Subject: Appointment\n\nThe following recipient(s) could not be reached:\n\nkim@clinic.example\n   Error Type: SMTP\n   Remote server (192.0.2.7) issued an error.\n   hMailServer sent: RCPT TO:<kim@clinic.example>\n   Remote server replied: 550 Unknown user\n\nhMailServer\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // CommuniGate
        (
            "<MAILER-DAEMON@relay.example>",
            "Undeliverable mail: Appointment",
            "Failed to deliver to '<kim@clinic.example>'\nSMTP module(domain clinic.example) reports:\n account is full (quota exceeded)\n",
            &["kim@clinic.example"],
            "5.2.2",
            true,
        ),
        // SurgeMail, ArGoSoft, Merak
        (
            POSTMASTER,
            "Delivery Failure",
            "Your message was not delivered to the following recipients:\n\n<kim@clinic.example>: No such user here\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Symantec / MessageLabs
        (
            "Mail Delivery System <postmaster@relay.example>",
            "Undeliverable message",
            "This is the mail delivery agent at messaging.relay.example.\nI was unable to deliver your message to the following addresses:\n\nkim@clinic.example\n\nReason: 550 Mailbox unavailable\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Barracuda
        (
            POSTMASTER,
            "**Message you sent blocked by our bulk email filter**",
            "Your message to: kim@clinic.example\nwas blocked by our Spam Firewall. The email you sent with the following subject has NOT BEEN DELIVERED:\n\nSubject: Appointment\n",
            &["kim@clinic.example"],
            "5.7.1",
            true,
        ),
        // X.400
        (
            "<postmaster@relay.example>",
            "Delivery Report (failure) for kim@clinic.example",
            "------------------------------ Start of body part 1\n\nThis report relates to your message: Subject: Appointment\n\nYour message was not delivered to   kim@clinic.example\nfor the following reason:\n        Recipient's Mailbox unavailable\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
    ]);
}

#[test]
fn providers() {
    check(&[
        // Gmail
        (
            "Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
            "Delivery Status Notification (Failure)",
            "Delivery to the following recipient failed permanently:\n\n     kim@clinic.example\n\nTechnical details of permanent failure:\nGoogle tried to deliver your message, but it was rejected by the recipient domain. The error that the other server returned was: 550 550 5.1.1 User unknown (state 14).\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        (
            "Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
            "Delivery Status Notification (Delay)",
            "This is an automatically generated Delivery Status Notification\n\nTHIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nDelivery to the following recipient has been delayed:\n\n     kim@clinic.example\n\nMessage will be retried for 2 more day(s)\n",
            &["kim@clinic.example"],
            "4.4.7",
            false,
        ),
        (
            "Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
            "Delivery Status Notification (Failure)",
            "** Die Adresse wurde nicht gefunden **\n\nIhre Nachricht wurde nicht an kim@clinic.example zugestellt, weil die Adresse nicht gefunden wurde oder keine E-Mails empfangen kann.\n\nAntwort des Remote-Servers:\n550 5.1.1 The email account that you tried to reach does not exist.\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // Yahoo
        (
            "MAILER-DAEMON@yahoo.example",
            "Failure Notice",
            "Sorry, we were unable to deliver your message to the following address.\n\n<kim@clinic.example>:\n554: delivery error: dd This user doesn't have a yahoo.example account (kim@clinic.example) [0]\n\n--- Below this line is a copy of the message.\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // AOL
        (
            "Mail Delivery Subsystem <MAILER-DAEMON@aol.example>",
            "Undelivered Mail Returned to Sender",
            "Your mail is not able to be delivered.\n\n   ----- The following addresses had delivery problems -----\n<kim@aol.example>  (unrecoverable error)\n\n   ----- Transcript of session follows -----\n550 MAILBOX NOT FOUND\n",
            &["kim@aol.example"],
            "5.1.1",
            true,
        ),
        // Hotmail
        (
            POSTMASTER,
            "Delivery Status Notification (Failure)",
            "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed.\n\n       kim@hotmail.example\n",
            &["kim@hotmail.example"],
            "5.0.0",
            true,
        ),
        // Amazon SES, SendGrid, Mailgun
        (
            "MAILER-DAEMON@mailer.example",
            "Delivery Status Notification (Failure)",
            "An error occurred while trying to deliver the mail to the following recipients:\nkim@clinic.example\n",
            &["kim@clinic.example"],
            "5.0.0",
            true,
        ),
        // web.de, GMX
        (
            "Mailer Daemon <mailer-daemon@webmail.example>",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error. The following address\nfailed:\n\n\"kim@clinic.example\":\nSMTP error from remote server for RCPT TO command, host: mx.clinic.example (192.0.2.7) reason: 550 Requested action not taken: mailbox unavailable\n\n--- The header of the original message is following. ---\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // T-Online
        (
            "MAILER-DAEMON@tonline.example",
            "Mail delivery failed",
            "Die folgende Nachricht konnte nicht zugestellt werden.\n\nEmpfaenger:\n<kim@tonline.example>\n550-5.1.1 user unknown\n",
            &["kim@tonline.example"],
            "5.1.1",
            true,
        ),
        // Libero, Aruba
        (
            "Mail Delivery System <MAILER-DAEMON@libero.example>",
            "Mancata consegna del messaggio",
            "Il messaggio non e' stato consegnato al seguente destinatario:\n\n<kim@clinic.example>: la casella di posta del destinatario e' piena (over quota)\n",
            &["kim@clinic.example"],
            "5.2.2",
            true,
        ),
        // UOL, Terra, Locaweb
        (
            "Mail Delivery System <MAILER-DAEMON@uol.example>",
            "Falha na entrega da mensagem",
            "A sua mensagem não pôde ser entregue ao destinatário abaixo:\n\n<kim@clinic.example>: caixa postal cheia\n",
            &["kim@clinic.example"],
            "5.2.2",
            true,
        ),
        // Spanish providers
        (
            "Mail Delivery System <MAILER-DAEMON@correo.example>",
            "Error en la entrega de su mensaje",
            "Su mensaje no pudo ser entregado al siguiente destinatario:\n\nkim@clinic.example: el usuario no existe\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // mail.ru, Yandex
        (
            "mailer-daemon@corp.mailru.example",
            "Mail failure.",
            "This message was created automatically by the mail system (ecelerity).\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n>>> kim@mailru.example (after RCPT TO): 550 Message was not accepted -- invalid mailbox.\n",
            &["kim@mailru.example"],
            "5.1.1",
            true,
        ),
        (
            "mailer-daemon@yandex.example",
            "Недоставленное сообщение",
            "Это письмо отправлено почтовым сервером.\n\nК сожалению, мы вынуждены сообщить Вам о том, что Ваше письмо не может\nбыть отправлено одному или нескольким адресатам.\n\n<kim@clinic.example>: host mx.clinic.example[192.0.2.7] said: 550 No such user\n",
            &["kim@clinic.example"],
            "5.1.1",
            true,
        ),
        // QQ, 163, sina
        (
            "PostMaster@qq.example",
            "系统退信/Systems bounce",
            "尊敬的用户，您好！\n很抱歉您的邮件被退回。\n退信原因：\n收件人邮箱 kim@qq.example 不存在\nhost mx.qq.example said: 550 Mailbox not found\n",
            &["kim@qq.example"],
            "5.1.1",
            true,
        ),
        (
            "Postmaster@163.example",
            "系统退信",
            "抱歉，您的邮件被退回来了……\n\n收件人 kim@163.example 退信原因：\n550 User not found: kim@163.example\n",
            &["kim@163.example"],
            "5.1.1",
            true,
        ),
        // Japanese carriers
        (
            "Mail Delivery Subsystem <mailer-daemon@docomo.example>",
            "Returned mail: see transcript for details",
            "The following addresses had delivery errors:\n<kim@docomo.example>\n    (reason: 550 Unknown user kim@docomo.example)\n",
            &["kim@docomo.example"],
            "5.1.1",
            true,
        ),
        (
            "Postmaster@ezweb.example",
            "Mail System Error - Returned Mail",
            "The user(s) account is disabled.\n\n<kim@ezweb.example>: 550 user unknown\n",
            &["kim@ezweb.example"],
            "5.2.1",
            true,
        ),
        (
            "MAILER-DAEMON@nifty.example",
            "配信不能通知",
            "次の宛先へのメールは配信できませんでした。\n\nkim@nifty.example: 550 User unknown\n",
            &["kim@nifty.example"],
            "5.1.1",
            true,
        ),
        // Verizon, Earthlink, Bigfoot
        (
            "postmaster@verizon.example",
            "Undeliverable Message",
            "Message-ID: x\n\nError: No valid recipients from desk.example\nYour message to kim@verizon.example was not delivered.\n",
            &["kim@verizon.example"],
            "5.1.1",
            true,
        ),
    ]);
}

#[test]
fn what_comes_without_a_daemons_name() {
    // The reverse-path is null, and the subject or text says what became of the mail.
    for (subject, body, status) in [
        ("Undeliverable mail", "Mail to kim@clinic.example could not be delivered: user unknown", "5.1.1"),
        ("Mail not delivered", "kim@clinic.example: mailbox full", "5.2.2"),
    ] {
        let message = read(&format!(
            "Return-Path: <>\nFrom: System <robot@relay.example>\nTo: help@desk.example\nSubject: {subject}\n\n{body}\n"
        ));
        assert_eq!(message.class, Some(MessageClass::Bounce), "{subject}");
        let bounce = message.bounce.unwrap();
        assert_eq!(bounce.recipients[0].address.expose(), "kim@clinic.example");
        assert_eq!(bounce.recipients[0].status.as_deref(), Some(status));
    }
}

#[test]
fn people_who_write_about_undelivered_mail_are_people() {
    for (subject, body) in [
        ("Undelivered mail", "Hello, my mail to kim@clinic.example was not delivered, what can I do?"),
        ("Re: Undelivered Mail Returned to Sender", "I got this for kim@clinic.example. 550 user unknown. Please help."),
        ("Delivery failure of the results", "The lab results of yesterday could not be delivered to the ward."),
        ("Falha na entrega", "A entrega do equipamento falhou, ninguém estava na recepção."),
        ("Mailbox full", "Your mailbox is full they tell me, please enlarge it."),
        ("User unknown", "When I log in it says user unknown."),
    ] {
        let message = notice("Mary Major <mary@clinic.example>", subject, body);
        assert_eq!(message.class, Some(MessageClass::Human), "{subject}");
    }
}
