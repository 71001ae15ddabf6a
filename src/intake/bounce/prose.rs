//! Bounces without a standard report: who writes them, how they begin, whom they name. Reads the
//! notices of Exim, qmail, sendmail, Postfix, Exchange, Gmail, Yahoo, AOL, Hotmail, Lotus Notes,
//! GroupWise, MDaemon, IMail, Communigate and the like.

use mail_parser::PartType;

use super::status;
use crate::domain::address::EmailAddress;
use crate::domain::message::{InboundMessage, ReversePath};
use crate::intake::parse::Mail;
use crate::intake::pattern::pattern;
use crate::intake::{charset, classify, headers, limits};

pattern!(
    /// Addresses and names that only a mail program bears.
    SENDER,
    r"(?i)(?:mailer[-_ ]?daemon|mail[-_ ]?daemon|postmaster|post[-_.]office@|mail delivery|mdaemon|maildelivery|delivery (?:subsystem|system|agent)|microsoft ?exchange|bounce(?:-?admin|s)?@|internet mail delivery|courier mail server|non-?deliver|mailer@|smtp(?:d|-daemon)?@|<>\s*$)"
);
pattern!(
    /// Names that a person may bear too: the subject has to say that it is a notice.
    OFFICE,
    r"(?i)(?:system ?administrat|mail (?:administrator|system|router)|administra(?:dor|teur|tore) (?:del? |do |di )?sist|administrateur syst|systeembeheer|systemadministr)"
);
pattern!(
    SUBJECT,
    r"(?i)(?:undeliver(?:able|ed)|non[- ]?deliver(?:y|able)|not (?:be )?deliver(?:ed|able)|(?:mail |message |e-?mail )?deliver(?:y|ing)[- ](?:status|fail|problem|error|notif|report|unsuccess|incomplete|has (?:been )?(?:fail|delay)|delay)|failed delivery|failure (?:notice|delivery)|fail(?:ed|ure)\W+(?:to )?(?:mail|deliver|delivery)|returned (?:mail|message|e-?mail)|(?:mail|message|e-?mail)[- ](?:returned|delayed|not delivered|status|system error)|mail system error|returning (?:message|mail)|could ?n[o']t (?:be )?(?:deliver|send)|unable to deliver|user unknown|unknown (?:user|recipient)|could not send message|message (?:delayed|undelivered|rejected)|delivery delayed|rejected:|bounced?(?-u:\b)|(?-u:\b)ndn(?-u:\b)|(?-u:\b)ndr(?-u:\b)|nichtzustell|unzustellbar|zustellung|nicht zugestellt|no se (?:puede|pudo|ha podido) entregar|no entregado|error de (?:entrega|env[ií]o)|devoluci[oó]n|devolvid[oa]|n[aã]o (?:foi )?entregue|falha (?:na|de) entrega|problema de entrega|mancato recapito|mancata consegna|recapito (?:fallito|non)|consegna fallita|non recapitabile|non remis|[eé]chec (?:de|d')|n'a pas pu [eê]tre|retour de courrier|fallo en la entrega|error en la entrega|falla? (?:de|en) (?:la )?entrega|mensaje (?:no entregado|rechazado|devuelto)|mensagem (?:não entregue|devolvida|rejeitada)|falha ao (?:entregar|enviar)|erro (?:na|de) entrega|impossibile (?:recapitare|consegnare)|messaggio non recapitato|[eé]chec de (?:la )?(?:remise|livraison|distribution)|courrier non (?:remis|distribu[eé])|zustellfehler|zustellungs?fehler|fehler bei der zustellung|unbestellbar|niet (?:bezorgd|afgeleverd)|onbestelbaar|niedostarczo|problem z dostarcz|nie dostarczono|oleveransbar|kan inte levereras|não pôde ser|undelivered|warning: (?:message|could not)|permanent error|отклонено|недоставлен|не доставлен|не уда(?:лось|ется) доставить|неможливо доставити|не може да се достави|nie można dostarczyć|niedoręcz|går inte att leverera|olevererba|kan ikke leveres|ikke leveret|ikke levert|ei voi(?:tu)? toimittaa|toimitus epäonnistui|nedoručiteln|nedoručiteľn|kézbesíthetetlen|kézbesítési hiba|nelivrat|imposibil de livrat|teslim edilem|iletilem|μη παραδοτέο|δεν είναι δυνατή η παράδοση|לא ניתן למסור|تعذر (?:ال)?تسليم|no es pot lliurar|nije (?:moguće )?isporuč|ni mogoče dostaviti|không thể gửi|nepristatyt|nevar piegādāt|배달되지|배달 실패|반송|未传递|无法(?:传递|投递|送达)|投递失败|傳遞失敗|未送達|配信でき|送信でき|エラーメール|failed mail|mail failed|message you sent (?:was )?blocked|system(?:s)? bounce|delivery report|不能投递|退信|無法傳遞|配信不能|配達不能|送信エラー)"
);
pattern!(
    BODY,
    r"(?i)(?:(?:could|can|was|were|is|has|have)(?: ?not|n't)(?: yet)?(?: be| been)? (?:successfully )?(?:deliver|sent|complet|reach)|(?:unable|failed|impossible) to (?:deliver|reach|send)|deliver(?:y|ed)?[^.\n]{0,60}(?:fail|unsuccessful|not possible|delayed|aborted)|fail(?:ed|ure)[^.\n]{0,40}deliver|following (?:recipient|address)(?:\(?e?s\)?)?[^.\n]{0,60}(?:fail|reject|unknown|error|could)|did not reach|(?:undeliverable|undelivered|permanent (?:fatal )?error|returned to (?:the )?sender|user unknown|unknown user|no such user|over quota|mailbox (?:is )?full|recipient rejected|not delivered|non-delivery|unrouteable|invalid recipient|unknown recipient|does not exist|account (?:is )?(?:disabled|inactive))|no (?:pudo|puede|ha podido|he podido|se pudo|se ha podido|fue posible) (?:ser )?(?:entrega|envia)|no (?:pudo|puede) entregarse|n[aã]o (?:pude|conseguimos|foi poss[ií]vel) entregar|non (?:è stato|può essere) (?:recapitat|consegnat)|n'a pas (?:pu|été)|konnte nicht (?:zugestellt|ausgeliefert|gesendet)|no pudo ser entregado|n[aã]o p[oô]de ser|n[aã]o foi (?:poss[ií]vel )?entreg|nicht (?:zugestellt|ausgeliefert|zustellbar)|non (?:è stato possibile|ha potuto|consegnat)|n'a pas pu|(?:est|sont) introuvable|nicht erreicht|não (?:foi|foram) entreg|не может быть|не удалось доставить|не доставлено|退回|退信|无法|配信できません|送信できません|届けられません|(?-u:\b)5[05]\d[ -]\d?)"
);
pattern!(
    /// Where the copy of the returned mail begins.
    COPY,
    r"(?im)^\W*(?:this is a copy of (?:the|your) message|below this line is a copy|original message follows|the original message (?:follows|is attached|was attached)|(?:unsent|undelivered|original|returned|your) (?:message|mail) (?:follows|below|header|returned)|-+ ?(?:message header|original message|message text|returned message|unsent message below|start of|copia|mensagem original|mensaje original|urspr)|message header|mensaje original|included is a copy|the (?:text|header|body|first \d+ lines) of (?:the|your) (?:original )?message|return-path:|received: )"
);

/// Is it a bounce, by who sends it and what it says?
pub fn is_bounce(mail: &Mail<'_>, message: &InboundMessage) -> bool {
    let headers = &mail.headers;
    if headers.has("x-failed-recipients") {
        return true;
    }
    if classify::report_type(mail).is_some_and(|t| t == "delivery-status") {
        return true;
    }
    let subject = message.subject.expose();
    let null = message.reverse_path == ReversePath::Null;
    let from = headers.first("from").unwrap_or_default();
    let daemon = SENDER.is_match(from);
    let says = SUBJECT.is_match(subject);
    let head = head(&mail.text);
    // The body is looked at last: most mails end before.
    let tells = || BODY.is_match(head);
    // A daemon that begins a line with an address speaks of one it could not reach, in any language.
    let names = || DAEMON.is_match(local_part(message)) && AT_START.is_match(head);
    if daemon && (says || names() || tells() && (null || names_or_codes(head))) {
        return true;
    }
    if OFFICE.is_match(from) && says && (tells() || names_or_codes(head)) {
        return true;
    }
    let returned = || {
        classify::has_part(mail, "message", "rfc822") || classify::has_part(mail, "text", "rfc822-headers")
    };
    if null || headers.all("return-path").any(|path| SENDER.is_match(path)) {
        // A vacation notice also has no reverse-path; its subject is no notice of failure, and it
        // returns nothing.
        return !classify::is_answer(subject) && (says || returned()) && tells();
    }
    says && !classify::is_answer(subject) && message.in_reply_to.is_empty() && tells() && returns_mail(mail)
}

/// Does a notice name an address on a line of its own, or an SMTP reply?
fn names_or_codes(text: &str) -> bool {
    AT_START.is_match(text) || NAMED.is_match(text) || status::enhanced(text).is_some()
}

/// The first 5000 characters.
fn head(text: &str) -> &str {
    let end = text.char_indices().nth(5000).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}

fn local_part(message: &InboundMessage) -> &str {
    message.from.as_ref().map_or("", |from| from.address.local())
}

fn returns_mail(mail: &Mail<'_>) -> bool {
    classify::has_part(mail, "message", "rfc822")
        || classify::has_part(mail, "text", "rfc822-headers")
        || COPY.is_match(&notice(mail))
        || COPY.is_match(head(&mail.text))
}

/// The text of the notice itself, without the copy of the returned mail.
pub fn notice(mail: &Mail<'_>) -> String {
    let (mut text, _) = charset::cut(mail.text.clone(), limits::NOTICE);
    if text.trim().is_empty() {
        let first = mail.message.parts.iter().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.clone().into_owned()),
            _ => None,
        });
        text = first.unwrap_or_default();
    }
    match COPY.find(&text) {
        Some((start, _)) if text.get(..start).is_some_and(|head| head.trim().len() > 40) => {
            text.get(..start).unwrap_or_default().to_owned()
        }
        _ => text,
    }
}

pattern!(
    DAEMON,
    r"(?i)^(?:mailer[-_.]?daemon|mail[-_.]?daemon|postmaster|maildaemon|mdaemon|bounces?)(?:[-+_.=].*)?$"
);
pattern!(AT_START, r"(?m)^[\s>*-]*['\x22<]*([^\s<>()@,;:\x22]+@[\w.-]+\.\w{2,})['\x22>]*[:,;]?(?:\s|$)");
pattern!(
    NAMED,
    r"(?i)(?:rcpt to:?|recipients?:?|addressee:?|destinatari[oa]s?:?|user:?|to:|account:?|mailbox:?|address:?|for|message to|mail to|deliver(?:ed|y|ing)? to|reach|failed:?)\s*(?:the following)?\s*(?:recipients?:?|address(?:es)?:?)?\s*[<'\x22(]?(?:rfc822;|smtp:|mailto:)?\s*([^\s<>()@,;:'\x22]+@[\w.-]+\.\w{2,})"
);

/// Whom the notice names, the surest place first.
pub fn recipients(notice: &str, mail: &Mail<'_>, message: &InboundMessage) -> Vec<EmailAddress> {
    let failed: Vec<EmailAddress> =
        mail.headers.all("x-failed-recipients").flat_map(headers::addresses).collect();
    if !failed.is_empty() {
        return unique(failed);
    }
    let ours = |address: &EmailAddress| {
        let same = |other: &EmailAddress| other.identity() == address.identity();
        message.from.as_ref().is_some_and(|from| same(&from.address))
            || DAEMON.is_match(address.local())
            || message.to.iter().any(|to| same(&to.address))
    };
    let places = [&AT_START, &NAMED];
    for place in places {
        let found: Vec<EmailAddress> = place
            .captures_all(notice)
            .filter_map(|c| EmailAddress::parse(c.get(1)?.as_str().trim_end_matches('.')).ok())
            .filter(|address| !ours(address))
            .collect();
        if !found.is_empty() {
            return unique(found);
        }
    }
    let anywhere = headers::addresses(notice).into_iter().filter(|address| !ours(address)).collect();
    let anywhere = unique(anywhere);
    if anywhere.is_empty() { returned_to(mail) } else { anywhere }
}

/// To whom the returned mail was written, where the notice names nobody: its own header, the copy
/// of its header, last our own envelope address that carries the recipient's (VERP).
fn returned_to(mail: &Mail<'_>) -> Vec<EmailAddress> {
    let nested = mail.message.parts.iter().find_map(|part| match &part.body {
        PartType::Message(nested) => Some(headers::Headers::of(nested)),
        _ => None,
    });
    let boxes = nested.map(|headers| headers.mailboxes("to", limits::FAILED_RECIPIENTS)).unwrap_or_default();
    if !boxes.is_empty() {
        return boxes.into_iter().map(|m| m.address).collect();
    }
    let texts = mail.message.parts.iter().filter_map(|part| match &part.body {
        PartType::Text(text) => Some(text.as_ref()),
        _ => None,
    });
    let copied = texts.filter_map(|text| {
        let text = text.get(..limits::NOTICE).unwrap_or(text);
        Some(headers::addresses(COPIED_TO.captures(text)?.get(1)?.as_str()))
    });
    let copied: Vec<EmailAddress> = copied.flatten().collect();
    if !copied.is_empty() {
        return unique(copied);
    }
    let envelope = ["to", "delivered-to", "x-original-to"];
    envelope.iter().flat_map(|name| mail.headers.all(name)).find_map(verp).into_iter().collect()
}

/// `list-bounces+kim=clinic.example@desk.example` speaks of kim@clinic.example.
fn verp(value: &str) -> Option<EmailAddress> {
    let found = VERP.captures(value)?;
    EmailAddress::parse(&format!("{}@{}", found.get(1)?.as_str(), found.get(2)?.as_str())).ok()
}

pattern!(COPIED_TO, r"(?im)^[>\s]*to:\s*(\S.{0,300})$");
pattern!(VERP, r"[+-]([\w.%-]+)=([\w-]+(?:\.[\w-]+)+)@");

fn unique(addresses: Vec<EmailAddress>) -> Vec<EmailAddress> {
    let mut out: Vec<EmailAddress> = Vec::new();
    for address in addresses {
        if out.len() < limits::FAILED_RECIPIENTS
            && !out.iter().any(|known| known.identity() == address.identity())
        {
            out.push(address);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_sound() {
        for pattern in
            [&DAEMON, &SENDER, &OFFICE, &SUBJECT, &BODY, &COPY, &AT_START, &NAMED, &COPIED_TO, &VERP]
        {
            assert!(pattern.is_sound());
        }
    }
}
