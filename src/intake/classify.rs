//! What kind of mail it is, with the reasons as codes. Takes a mail taken apart, gives a class; an
//! earlier rule wins. Only reports, headers and phrases of named systems decide; what no rule knows
//! a person wrote. A reply to an automatic mail ("Re: Out of office") is a person's.

use mail_parser::{MimeHeaders as _, PartType};

use super::headers::Headers;
use super::parse::Mail;
use super::pattern::{Pattern, pattern};
use super::robot;
use crate::domain::message::{BounceReport, InboundMessage, MessageClass, ReversePath};

/// A class and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The class.
    pub class: MessageClass,
    /// Codes of the rules that held.
    pub reasons: Vec<&'static str>,
}

/// The media types of all parts, nested messages not entered.
pub fn has_part(mail: &Mail<'_>, family: &str, kind: &str) -> bool {
    mail.message.parts.iter().any(|part| part.is_content_type(family, kind))
}

/// The `report-type` of a multipart/report (RFC 6522), lower-cased.
pub fn report_type(mail: &Mail<'_>) -> Option<String> {
    let root = mail.message.parts.first()?;
    let ct = root.content_type().filter(|_| root.is_content_type("multipart", "report"))?;
    Some(ct.attribute("report-type").unwrap_or_default().to_ascii_lowercase())
}

/// Classifies. `bounce` is what the bounce reader found, `message` has its addresses and lists.
pub fn classify(
    mail: &Mail<'_>,
    message: &InboundMessage,
    bounce: Option<&BounceReport>,
    own_list: bool,
) -> Verdict {
    let subject = message.subject.expose();
    let headers = &mail.headers;
    let rules: [(MessageClass, Option<&'static str>); 9] = [
        (MessageClass::Feedback, feedback(mail)),
        (MessageClass::Receipt, receipt(mail)),
        (MessageClass::Bounce, bounce.map(|_| "delivery_report")),
        (MessageClass::Receipt, success_report(mail)),
        (MessageClass::Calendar, calendar(mail)),
        (MessageClass::Challenge, challenge(headers, subject, &mail.text)),
        (MessageClass::Autoreply, autoreply(headers, message, subject)),
        (MessageClass::Spam, robot::spam_marked(headers).then_some("spam_mark")),
        (MessageClass::Encrypted, encrypted(mail, message)),
    ];
    if let Some((class, reason)) = rules.into_iter().find_map(|(class, reason)| Some((class, reason?))) {
        return Verdict { class, reasons: vec![reason] };
    }
    match bulk(headers, message, own_list) {
        Some(reason) => Verdict { class: MessageClass::Bulk, reasons: vec![reason] },
        None => Verdict { class: MessageClass::Human, reasons: vec!["no_sign"] },
    }
}

/// Abuse reports: RFC 5965, and the forms of feedback loops before it.
fn feedback(mail: &Mail<'_>) -> Option<&'static str> {
    if report_type(mail).is_some_and(|t| t == "feedback-report")
        || has_part(mail, "message", "feedback-report")
    {
        return Some("feedback_report");
    }
    mail.headers
        .first("from")
        .filter(|from| LOOP_SENDER.is_match(from) && has_part(mail, "message", "rfc822"))
        .map(|_| "feedback_sender")
}

pattern!(
    LOOP_SENDER,
    r"(?i)\b(?:staff@hotmail\.com|scomp@aol\.net|feedbackloop@|feedback@|fbl@|abuse-report@|complaints?@)"
);

/// RFC 8098.
fn receipt(mail: &Mail<'_>) -> Option<&'static str> {
    let report = report_type(mail).is_some_and(|t| t.contains("disposition-notification"));
    (report || has_part(mail, "message", "disposition-notification")).then_some("disposition_notification")
}

/// A report that all went well (RFC 3464 `delivered`, `relayed`) is a receipt.
fn success_report(mail: &Mail<'_>) -> Option<&'static str> {
    has_part(mail, "message", "delivery-status").then_some("delivery_receipt")
}

/// An iTIP answer (RFC 5546); a REQUEST is work.
fn calendar(mail: &Mail<'_>) -> Option<&'static str> {
    mail.message.parts.iter().find(|part| part.is_content_type("text", "calendar")).filter(|part| {
        let method = part.content_type().and_then(|ct| ct.attribute("method")).map(str::to_ascii_lowercase);
        let body = match &part.body {
            PartType::Text(text) => text.to_ascii_uppercase(),
            _ => String::new(),
        };
        method.map_or_else(|| body.contains("METHOD:REPLY"), |method| method == "reply")
    })?;
    Some("itip_reply")
}

pattern!(
    CHALLENGE,
    r"(?i)\b(?:(?:please )?(?:click|follow|visit)[^.]{0,80}\b(?:verify|confirm|authenticate|prove)\b[^.]{0,80}\b(?:your (?:message|e-?mail) (?:will|can|may|is)|you are (?:a )?human|deliver)|to (?:control|combat|block|reduce) spam[^.]{0,120}\b(?:confirm|verify|request form)|challenge[- ]response|\b(?:reply to this (?:message|e-?mail)|respond to this)[^.]{0,120}\b(?:confirm|deliver|release|verify)|(?:clique|haga clic|pulse|clicca|cliquez|klicken)[^.]{0,160}(?:confirm|verific|autenti|bestätig|autori[sz]|entregue|entregad|livré|zugestellt|consegnat)|anti-?spam[^.]{0,160}(?:confirm|valid|verific|autori[sz]|bestätig)|(?:sender|address) (?:verification|confirmation) (?:is )?required)"
);
pattern!(
    CHALLENGE_SUBJECT,
    r"(?i)(?:verification required|please (?:confirm|verify) (?:your|this) (?:message|e-?mail)|confirm(?:ation)? required|earthlink suspect email|sender (?:address )?verification|\(verifying\)|boxbe|please confirm your message|mailinblack|(?:confirma[cç](?:i[oó]n|[aã]o)|confirme|confirmer|conferma|demande de confirmation|richiesta di conferma|bestätig\w+|verifica(?:ci[oó]n|[cç][aã]o)?)\b.{0,40}(?:mensaje|mensagem|correo|e-?mail|courriel|message|messaggio|nachricht|remitente|remetente|expéditeur|mittente|absender|envio|env[ií]o)|^\W*anti-?spam\b.{0,30}(?:confirm|verific|autenti|valid|uol))"
);

fn challenge(headers: &Headers, subject: &str, text: &str) -> Option<&'static str> {
    let named = [
        "x-challenge",
        "x-boxbe",
        "x-bluebottle-request",
        "x-spamarrest",
        "x-asg-challenge",
        "x-askversion",
        "x-vanquish",
        "x-mailblocks",
        "x-choicemail",
        "x-mailinblack",
        "x-tmda-confirm",
    ];
    if named.iter().any(|name| headers.has(name)) {
        return Some("challenge_header");
    }
    let head: String = text.chars().take(3000).collect();
    let asks = CHALLENGE_SUBJECT.is_match(subject) && !ABOUT.is_match(subject) && !is_answer(subject);
    (asks && CHALLENGE.is_match(&head)).then_some("challenge_text")
}

/// Subjects that vacation programs write, by language; the front of the subject only, because the
/// words may stand in anyone's sentence.
const AUTO_SUBJECTS: &str = concat!(
    r"(?i)^\W*(?:",
    r"auto(?:mat|matisk|matische|mātiska)?[- ]?(?:reply|response|responder|svar|antwort|antwoord|válasz|vastaus)|auto:\s*$|",
    r"automat(?:ic|ed) (?:reply|response|acknowledg\w+)|",
    r"automatisch(?:e|es)? (?:antwort|antwoord|afwezigheid\w*)|automatisk (?:svar|svarmeddelelse)|automaattinen vastaus|",
    r"(?:respuesta|resposta|risposta) autom[aá]tica|r[eé]ponse automatique|risposta non al|odpowied[zź] automatyczna|automatyczna odpowied[zź]|automatick[aá] odpov\w+|automatikus v[aá]lasz|r[aă]spuns automat|otomatik yan[ıi]t|",
    r"automatisch beantwoord|automaattivastaus|poissaoloviesti|automaatvastus|automatinis atsakymas|automatski odgovor|samodejni odgovor|balasan otomatis|trả lời tự động|respuesta autom[aà]tica|resposta autom[aà]tica|αυτόματη απάντηση|εκτός γραφείου|(?:תשובה|מענה) אוטומטי|(?:ال)?رد (?:ال)?تلقائي|ตอบกลับอัตโนมัติ|автоматична відповідь|автоматичен отговор|отсутствую|不在通知|不在のお知らせ|不在(?:办公室|辦公室)|休假中|부재 ?중|",
    r"автоответ|автоматический ответ|自動(?:応答|返信|回覆)|自动(?:答复|回复)|자동 ?(?:응답|회신)|",
    r"out of (?:the )?office|ooo:|(?:i am |i'm )?(?:away|out) (?:from|of) (?:my|the) (?:office|desk|mail)|(?:i am |i'm |away |currently )on (?:vacation|holiday|leave|annual leave|maternity leave)\b|on (?:vacation|annual leave|maternity leave):|vacation (?:reply|response|notice|message)|away (?:notice|message)|",
    r"fuera de (?:la )?oficina|ausente de la oficina|fora d[eo] escrit[oó]rio|fora da empresa|fuori (?:sede|ufficio)|assente dall|absen(?:t|ce) (?:du|de mon|au) bureau|absence(?: du bureau|:)|",
    r"abwesenheits(?:notiz|nachricht|meldung|assistent)|nicht im b[uü]ro|afwezigheids\w+|frånvaro(?:meddelande|svar)|frav[aæ]rs\w+|poza biurem|",
    r"atvaļinājum\w*|atvaliņ\w*|[aā]rpus biroja|mimo kancel[aá]\w*|h[aá]zon k[ií]v[uü]l|",
    // A noun that anyone may begin a subject with counts when it is all of it, or a colon follows.
    r"(?:ausencia|aus[eê]ncia(?: do escrit[oó]rio| tempor[aá]ria)?|assenza|absence|en cong[eé]s?|abwesend|abwesenheit|afwezig(?:heid)?|frånvar(?:o|ande)|frav[aæ]r|poissa|nieobecno[sś][cć])\s*(?:[:：-]|$)",
    r")"
);
pattern!(AUTO_SUBJECT, AUTO_SUBJECTS);
// "We got your mail": only with a second sign, a person may write so too.
pattern!(
    ACKNOWLEDGES,
    r"(?i)^\W*(?:(?:re: )?thank you for (?:contacting|your (?:e-?mail|message|inquiry|enquiry))|we(?:'ve| have)? (?:have )?received your|your (?:request|message|e-?mail|ticket) (?:has been|was) received|(?:recebemos|recibimos|hemos recibido|abbiamo ricevuto|nous avons (?:bien )?re[cç]u) (?:sua|su|tu|la sua|votre))"
);
// A ticket about automatic replies is not one.
pattern!(
    ABOUT,
    r"(?i)(?:\?|not work|doesn|does not|problem|set ?up|setting|config|how (?:to|do)|can ?no?t|can't|error|broken|wrong|disable|enable|activat|funciona|funziona|fonctionne|funktioniert|desativar|ativar)"
);
pattern!(OFFICE_NOTE, r"(?i)\((?:out of (?:the )?office|ooo|on vacation|auto(?:matic)?[- ]?reply)\b");
pattern!(
    AUTO_LATE,
    r"(?i)\b(?:autom[aā]tisk[aā] atbilde|automatic reply|out of office autoreply|auto-?reply)\b"
);
pattern!(
    /// Prefixes of an answer or forward, in the languages clients write them.
    ANSWER,
    r"(?i)^\s*(?:\[[^\]]{1,40}\]\s*)?(?:re|aw|antw|sv|vs|odp|res|rif|r|ynt|fwd?|fw|rv|enc|wg|tr|i|vb|doorst|pd|回复|答复|转发|返信)\s*(?:\[\d+\]|\(\d+\))?\s*[::]"
);

/// True when the subject says that someone answers or forwards.
pub fn is_answer(subject: &str) -> bool {
    ANSWER.is_match(subject)
}

pattern!(FORWARD, r"(?i)^\s*(?:\[[^\]]{1,40}\]\s*)?(?:fwd?|fw|rv|enc|wg|tr|i|vb|doorst|pd|转发)\s*[::]");

/// True when the subject says that someone forwards.
pub fn is_forward(subject: &str) -> bool {
    FORWARD.is_match(subject)
}

/// Vacation notices and "we got your mail", by the headers of the programs that write them
/// (RFC 3834, vacation, Exchange, cPanel, Exim, Lotus, FirstClass), then by subject.
fn autoreply(headers: &Headers, message: &InboundMessage, subject: &str) -> Option<&'static str> {
    let submitted = headers.all("auto-submitted").chain(headers.all("autosubmitted"));
    let submitted: Vec<String> = submitted.map(|v| robot::keyword(v).to_ascii_lowercase()).collect();
    let set = |name: &str| {
        headers
            .all(name)
            .any(|v| !matches!(v.trim().to_ascii_lowercase().as_str(), "" | "no" | "false" | "none"))
    };
    let by_header = [
        (submitted.iter().any(|word| word == "auto-replied"), "auto_replied"),
        (generated(headers) && answers(message, subject), "auto_answer"),
        (
            ["precedence", "x-precedence", "preference"]
                .iter()
                .any(|n| headers.says(n, &["auto_reply", "auto-reply"])),
            "precedence_auto_reply",
        ),
        (
            [
                "x-autoreply",
                "x-auto-reply",
                "x-autoreply-from",
                "x-autorespond",
                "x-autoresponder",
                "x-autosubmitted",
                "x-vacation",
                "x-mail-autoreply",
                "x-fc-machinegenerated",
            ]
            .iter()
            .any(|n| set(n)),
            "autoreply_header",
        ),
        (
            headers.says("x-autogenerated", &["reply", "forward", "group", "letter", "mirror", "redirect"]),
            "autogenerated_header",
        ),
        (
            headers.says("x-mailer", &["vacation"])
                || headers.says("x-post-messageclass", &["9; autoresponder"])
                || headers.says("delivered-to", &["autoresponder"]),
            "vacation_program",
        ),
        (headers.says("x-ms-exchange-generated-message-source", &["mailbox rules agent"]), "exchange_rule"),
    ];
    if let Some((_, reason)) = by_header.iter().find(|(holds, _)| *holds) {
        return Some(reason);
    }
    let null = message.reverse_path == ReversePath::Null;
    let signed = null || headers.has("x-auto-response-suppress") || headers.has("x-autogenerated");
    let answer = is_answer(subject);
    let by_subject = AUTO_SUBJECT.is_match(subject) || !answer && OFFICE_NOTE.is_match(subject);
    let by_both = AUTO_LATE.is_match(subject)
        || ACKNOWLEDGES.is_match(subject)
        || stripped_matches(&AUTO_SUBJECT, subject);
    if by_subject && (signed || !ABOUT.is_match(subject)) || signed && by_both && (null || !answer) {
        return Some("auto_subject");
    }
    if null && answers(message, subject) {
        return Some("null_path_answer");
    }
    // What nobody's system writes of itself came from a mailbox: a notice for its owner. `decide`
    // still opens a ticket for it, since it may be work.
    let mailbox = message.from.as_ref().is_some_and(|from| !SYSTEM.is_match(from.address.local()));
    let list = headers.has("list-id") || headers.has("list-unsubscribe") || headers.has("precedence");
    (generated(headers) && mailbox && !null && !list && submitted.iter().any(|word| word == "auto-generated"))
        .then_some(InboundMessage::GENERATED)
}

pattern!(
    /// Mailboxes that systems write from: monitors, devices, shops, schedulers.
    SYSTEM,
    r"(?i)(?:alert|alarm|monitor|notif|no[-_.]?reply|not[-_.]?reply|nao[-_.]?respond|robot|system|server|service|daemon|root|cron|nagios|zabbix|jenkins|github|gitlab|jira|scan|fax|print|backup|report|lab(?:or)?|lis|ris|pacs|his|interface|device|update|news|info|support|ticket|help|admin|postmaster|bounce|auto|bot)"
);

fn generated(headers: &Headers) -> bool {
    headers.all("auto-submitted").any(|value| robot::keyword(value).eq_ignore_ascii_case("auto-generated"))
}

/// Does it say that it answers a mail?
fn answers(message: &InboundMessage, subject: &str) -> bool {
    is_answer(subject) || !message.in_reply_to.is_empty()
}

/// Does a pattern hold behind the prefixes of an answer?
fn stripped_matches(pattern: &Pattern, subject: &str) -> bool {
    let stripped = subject.split_once(':').map_or(subject, |(_, rest)| rest);
    is_answer(subject) && pattern.is_match(stripped)
}

pattern!(
    PORTAL,
    r"(?i)(?:sent you (?:a|an) (?:protected|encrypted|secure) (?:message|e-?mail)|read the message\b.{0,80}(?:microsoft|one-time passcode)|(?:this|you have received a|view your) (?:secure|encrypted) (?:message|e-?mail)|message (?:was|has been) (?:sent )?(?:securely|encrypted) (?:using|by|with|via)|open (?:the )?(?:attachment|securedoc|message\.html) .{0,60}(?:encrypt|secure)|(?:zix|virtru|paubox|proofpoint encryption|barracuda message center|egress|tutanota))"
);
pattern!(
    PORTAL_FILE,
    r"(?i)^(?:message(?:_v\d)?\.html?|message(?:_v\d)?\.rpmsg|securedoc[^.]*\.html?|securemessageatt\.html?|secure_?message\.html?)$"
);

/// Mail that only its key or portal opens (L39): S/MIME, PGP, Purview, Zix, Proofpoint, Cisco.
fn encrypted(mail: &Mail<'_>, message: &InboundMessage) -> Option<&'static str> {
    if has_part(mail, "multipart", "encrypted")
        || mail.text.trim_start().starts_with("-----BEGIN PGP MESSAGE")
    {
        return Some("pgp_encrypted");
    }
    let enveloped = mail.message.parts.iter().any(|part| {
        let pkcs7 = part.is_content_type("application", "pkcs7-mime")
            || part.is_content_type("application", "x-pkcs7-mime");
        pkcs7
            && part
                .content_type()
                .and_then(|ct| ct.attribute("smime-type"))
                .is_none_or(|t| !t.eq_ignore_ascii_case("signed-data"))
    });
    if enveloped {
        return Some("smime_encrypted");
    }
    // What is only signed but wrapped whole cannot be read here either.
    let wrapped = message.attachments.iter().any(|a| a.flags.contains(&"encrypted"));
    if wrapped && mail.text.trim().is_empty() {
        return Some("smime_opaque");
    }
    if message.attachments.iter().any(|a| a.name.expose().to_ascii_lowercase().ends_with(".rpmsg")) {
        return Some("rights_managed");
    }
    let head: String = mail.text.chars().take(4000).collect();
    let portal_file = message.attachments.iter().any(|a| PORTAL_FILE.is_match(a.name.expose()));
    (portal_file && PORTAL.is_match(&head)).then_some("portal")
}

/// Mailings, lists without a discussion, and what a system writes of itself.
fn bulk(headers: &Headers, message: &InboundMessage, own_list: bool) -> Option<&'static str> {
    let submitted: Vec<String> =
        headers.all("auto-submitted").map(|v| robot::keyword(v).to_ascii_lowercase()).collect();
    if submitted.iter().any(|word| !word.is_empty() && word != "no") {
        return Some(InboundMessage::GENERATED);
    }
    if own_list {
        return None;
    }
    if ["precedence", "x-precedence"].iter().any(|n| headers.says(n, &["bulk", "junk"]))
        && !headers.has("list-post")
    {
        return Some("precedence");
    }
    // People talk on lists that take posts; a list that only offers to leave it is a mailing.
    if headers.has("list-unsubscribe") && !headers.has("list-post") && message.in_reply_to.is_empty() {
        return Some("mailing");
    }
    (message.reverse_path == ReversePath::Null).then_some("null_path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_sound() {
        for pattern in [
            &AUTO_SUBJECT,
            &ABOUT,
            &ACKNOWLEDGES,
            &AUTO_LATE,
            &ANSWER,
            &FORWARD,
            &CHALLENGE,
            &CHALLENGE_SUBJECT,
            &PORTAL,
            &PORTAL_FILE,
            &LOOP_SENDER,
            &SYSTEM,
            &OFFICE_NOTE,
        ] {
            assert!(pattern.is_sound());
        }
    }

    #[test]
    fn subjects_of_vacation_programs() {
        for auto in [
            "Out of Office: holidays",
            "Automatic reply: scan",
            "Resposta autom\u{e1}tica: pedido",
            "Abwesenheitsnotiz",
            "Fuori sede",
            "Respuesta autom\u{e1}tica",
        ] {
            assert!(AUTO_SUBJECT.is_match(auto), "{auto}");
        }
        for human in [
            "Re: Out of Office: holidays",
            "The automatic reply does not work",
            "Office chairs",
            "Ausencias do m\u{ea}s",
            "Ausencia de se\u{f1}al",
            "Auto: acidente",
            "On holiday",
            "Question",
        ] {
            assert!(!AUTO_SUBJECT.is_match(human) || is_answer(human), "{human}");
        }
        assert!(
            is_answer("RE: x")
                && is_answer("Res: x")
                && !is_answer("Resposta: x")
                && is_forward("ENC: x")
                && !is_forward("Re: x")
        );
    }
}
