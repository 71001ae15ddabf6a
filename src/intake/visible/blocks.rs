//! Blocks that announce the mail below them: "Original Message" rules, header blocks of Outlook and
//! its kin, marks of a forward. One table of labels for all languages; a block needs two labels.

use super::Line;
use crate::intake::pattern::pattern;

pattern!(
    ORIGINAL,
    r"(?i)^[\s>*_]*[-‐‑–—─_=]{2,}\s*(?:original[- ]?(?:message|e?-?mail|nachricht)|urspr(?:ü|u|ue)ngliche (?:nachricht|e-?mail)|(?:mensaje|mensagem) original|message d['’]origine|message original|messaggio originale|oorspronkelijk bericht|oprindelig (?:besked|meddelelse|mail)|opprinnelig melding|originalmeddelande|ursprungligt meddelande|alkuper[aä]inen viesti|(?:oryginalna wiadomo[sś][cć]|wiadomo[sś][cć] oryginalna)|orijinal (?:mesaj|ileti)|p[uů]vodn[ií] (?:zpr[aá]va|e-?mail)|eredeti [uü]zenet|mesaj original|исходное сообщение|оригинальное сообщение|原始(?:邮件|信件|郵件|訊息)|原邮件|邮件原件|元のメッセージ|원본 메(?:시|세)지|original|πρωτότυπο μήνυμα|αρχικό μήνυμα|הודעה מקורית|الرسالة الأصلية|pôvodná správa|izvorno sporočilo|originalna poruka|izvorna poruka|thư gốc|pesan asli|missatge original|оригінальне повідомлення|оригинално съобщение|algne kiri|reply message|reply separator|previous message|mensaje anterior)\s*[-‐‑–—─_=]*\s*$"
);
pattern!(
    FORWARD,
    r"(?i)^[\s>*]*(?:[-‐‑–—─_=]{2,}\s*(?:forwarded (?:message|e-?mail|by)|(?:mensaje|correo) reenviado|mensagem (?:en|reen)caminhada|messaggio inoltrato|message (?:transf[eé]r[eé]|r[eé]exp[eé]di[eé])|weitergeleitete (?:nachricht|e-?mail)|doorgestuurd bericht|vidarebefordra\w+ (?:meddelande|brev)|videresendt (?:besked|melding|meddelelse)|v[aä]litetty viesti|(?:przekazana|przes[lł]ana dalej) wiadomo[sś][cć]|wiadomo[sś][cć] przekazana|пересылаемое сообщение|转发(?:邮件|的邮件)|轉寄(?:郵件|訊息)|転送(?:メッセージ|されたメッセージ)|전달된 메(?:시|세)지)|begin forwarded message|(?:inicio del|comienzo del) mensaje reenviado|in[ií]cio da mensagem (?:re)?encaminhada|inizio (?:del )?messaggio inoltrato|d[eé]but du (?:message|courriel) (?:r[eé]exp[eé]di[eé]|transf[eé]r[eé])|anfang der weitergeleiteten (?:nachricht|e-?mail)|begin doorgestuurd bericht|vidarebefordrat (?:brev|mejl)|start p[aå] videresendt)"
);
pattern!(
    FROM,
    r"(?i)^[\s>*_|]*(?:from|von|de|van|da|od|från|fra|lähettäjä|de la|von:|από|od koga|pošiljatelj|odesílatel|odosielateľ|saatja|nuo|no|dari|từ|จาก|gönderen|expéditeur|remitente|remetente|mittente|absender|afzender|avsändare|nadawca|kimden|feladó|от|від|от кого|发件人|寄件者|寄件人|發件人|差出人|送信者|보낸 ?사람|مِن|מאת)\s*\*?\s*[:：]\*?"
);
pattern!(
    DATE,
    r"(?i)^[\s>*_|]*(?:sent|date|sent at|gesendet|datum|gesendet am|envoyé(?: le)?|enviado(?: el| em)?|enviada(?: em)?|fecha|data|data e ora|inviato(?: il)?|verzonden|wysłano|wysłane|skickat|sendt|dato|datum|lähetetty|päivä|päiväys|tarih|gönderildi|gönderim tarihi|elküldve|dátum|odesláno|odoslané|odoslaná|poslano|poslané|trimis|expediat|σταλθηκε|στάλθηκε|ημερομηνία|נשלח|תאריך|تاريخ|التاريخ|أرسلت|تم الإرسال|saadetud|kuupäev|nosūtīts|išsiųsta|dikirim|tanggal|đã gửi|ngày|ส่ง|วันที่|gönderilme|gönderilme tarihi|датум|изпратено|надіслано|enviat|отправлено|дата|надіслано|送信日時|日時|日付|发送时间|发送日期|日期|時間|时间|傳送時間|寄件日期|보낸 ?날짜|날짜|message du)\s*\*?\s*[:：]\*?"
);
pattern!(
    TO,
    r"(?i)^[\s>*_|]*(?:to|cc|an|à|a|para|per|aan|do|till|til|kopia|kopi|kopie|copie à|copia|cópia|vastaanottaja|către|catre|προς|אל|إلى|za|kepada|đến|ถึง|adresat|до|saaja|kam|kime|címzett|komu|кому|收件人|抄送|宛先|받는 ?사람)\s*\*?\s*[:：]\*?"
);
pattern!(
    SUBJECT,
    r"(?i)^[\s>*_|]*(?:subject|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|temat|ämne|emne|aihe|konu|tárgy|předmět|predmet|zadeva|subiect|θέμα|נושא|الموضوع|teema|tēma|tema|perihal|subjek|chủ đề|เรื่อง|относно|assumpte|naslov|тема|主题|主旨|件名|제목|re)\s*\*?\s*[:：]\*?"
);
// A header block that a client ran together into one line.
pattern!(
    ONE_LINE,
    r"(?i)^[\s>*_|]*(?:from|von|de|van|da|od|från|fra)\s*\*?:.{3,200}\s\*?(?:sent|date|gesendet|datum|enviado(?: el)?|enviada(?: em)?|fecha|data|inviato|verzonden|envoyé|skickat|sendt|wysłano)\s*\*?:.{3,200}\s\*?(?:subject|betreff|asunto|assunto|oggetto|onderwerp|objet|ämne|emne|temat)\s*\*?:"
);
// Zendesk, Jira, Freshdesk and their kin ask to write above a line of their own.
pattern!(
    ABOVE,
    r"(?i)^\W*(?:\S+ ){0,6}?(?:reply|respond|type|write|response|answer|respuesta|responda|responder|escriba|resposta|responda|digite|risposta|rispond\w+|digita|scrivi|répon\w+|saisir|antwort\w*|schreiben|antwoord\w*|typ|svar\w*|skriv|odpow\w+|napisz)(?:\s\S+){0,6}?\s(?:above|encima de|por encima de|arriba de|acima|sopra|au[- ]dessus de|oberhalb|über|boven|ovanför|ovenfor|over|powyżej)\s(?:this|the|esta|desta|deste|la|questa|cette|dieser|diese|deze|denna|denne|tej)\s(?:line|línea|linha|riga|linea|ligne|zeile|linie|regel|rad|linje|linii|message)(?:\sein)?\W*$"
);
pattern!(RULE, r"^\s*[-_=*~─—]{3,}\s*$");

/// How many lines a header block may stretch over.
const BLOCK: usize = 10;

/// A rule that says the original message follows.
pub fn is_original_marker(text: &str) -> bool {
    text.len() < 200 && ORIGINAL.is_match(text)
}

/// A line that asks to write above it: what follows is the mail that was answered.
pub fn is_above_marker(text: &str) -> bool {
    // Most lines end here: the pattern is the dearest of all.
    text.len() < 200 && LINE.iter().any(|word| text.contains(word)) && ABOVE.is_match(text)
}

/// What every such line speaks of.
const LINE: [&str; 13] = [
    "line", "LINE", "Line", "línea", "linha", "riga", "ligne", "eile", "regel", "rad", "linje", "linii",
    "message",
];

/// A line that says a forwarded message follows.
pub fn is_forward_marker(text: &str) -> bool {
    text.len() < 200 && FORWARD.is_match(text)
}

/// Does a header block start here? It needs an author and one more label, or a date and another.
pub fn header_block(lines: &[Line], at: usize) -> bool {
    let Some(first) = lines.get(at).map(Line::head) else { return false };
    // All labels are short; most lines end here.
    if !first.contains([':', '：'])
        || !(FROM.is_match(first) || DATE.is_match(first) || SUBJECT.is_match(first))
    {
        return false;
    }
    if ONE_LINE.is_match(first) {
        return true;
    }
    let (mut from, mut date, mut to, mut subject) = (false, false, false, false);
    let mut blanks = 0;
    for line in lines.iter().skip(at).take(BLOCK) {
        let text = line.head();
        if line.is_blank() {
            blanks += 1;
            if blanks > 1 {
                break;
            }
            continue;
        }
        let label = [FROM.is_match(text), DATE.is_match(text), TO.is_match(text), SUBJECT.is_match(text)];
        if label == [false; 4] {
            // One line of continuation, then the text begins.
            blanks += 1;
            if blanks > 2 {
                break;
            }
            continue;
        }
        blanks = 0;
        from |= label[0];
        date |= label[1];
        to |= label[2];
        subject |= label[3];
    }
    from && (date || subject) || date && to
}

/// The only line of thirty and more underscores: Outlook's rule above the mail it answers, also where
/// no header block follows. Forms to fill in have several.
pub fn only_rule(lines: &[Line]) -> Option<usize> {
    let long = |line: &Line| {
        let text = line.text.trim();
        text.len() >= 30 && text.bytes().all(|b| b == b'_')
    };
    let mut found = lines.iter().enumerate().filter(|(_, line)| long(line)).map(|(at, _)| at);
    found.next().filter(|_| found.next().is_none())
}

/// The line from which to cut: rules and blank lines above a block belong to it.
pub fn with_rule_above(lines: &[Line], at: usize) -> usize {
    let mut start = at;
    while let Some(line) = start.checked_sub(1).and_then(|above| lines.get(above)) {
        if line.is_blank() || RULE.is_match(line.head()) {
            start -= 1;
        } else {
            break;
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_sound() {
        for pattern in [&ORIGINAL, &FORWARD, &FROM, &DATE, &TO, &SUBJECT, &RULE, &ONE_LINE, &ABOVE] {
            assert!(pattern.is_sound());
        }
    }
}
