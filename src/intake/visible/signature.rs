//! Signatures, mobile tag lines, disclaimers, banners of gateways: what stands around the text and
//! is not its matter. Only what is at the edge of the kept text goes.

use super::{Fate, Line, Mark, limits};
use crate::intake::pattern::pattern;

/// Lines that a block of contact data may have.
const CONTACTS: usize = 12;
/// Lines that a signature behind `--` may have.
const SIGNATURE: usize = 15;

pattern!(RULE, r"^\s*[-_=*—–]{3,}\s*$");
pattern!(DELIMITER, r"^\s*(?:--\s?|—\s?—|__)\s*$");
pattern!(
    MOBILE,
    r"(?i)^[\s*_>(\[]*(?:(?:sent|send) (?:from|via|using|with) (?:my |a |the |an )?\S|(?:get|download|scarica|obten(?:er|ga|ha)|obtenir|descargar?|baixar?|télécharger) (?:outlook|bluemail|yahoo|spark|aqua)(?-u:\b)|outlook (?:para|for|für|pour|per|voor) (?:android|ios)|enviad[oa] (?:desde|do|de|a partir d[eo]|con|pelo|por|via) (?:mi |meu |minha |o |a |um )?\S|gesendet (?:von|mit|über|aus)(?-u:\b)|von meinem \S+ (?:\S+ )?gesendet|diese nachricht wurde von meinem|envoyé (?:de|depuis|à partir de|avec)(?-u:\b)|inviato (?:da|dal|con|tramite)(?-u:\b)|verzonden (?:vanaf|vanuit|via|met)(?-u:\b)|verstuurd vanaf(?-u:\b)|wysłan[eoy] (?:z|ze|przy)(?-u:\b)|skickat från(?-u:\b)|skickades från(?-u:\b)|sendt (?:fra|via|med)(?-u:\b)|odoslané z(?-u:\b)|poslano (?:s|z|iz|sa)(?-u:\b)|enviat des del?(?-u:\b)|dikirim dari(?-u:\b)|đã gửi từ|ส่งจาก|(?:ε?στάλθηκε|εστάλη) από|נשלח מ|أُ?رسلت من|(?:az )?(?:én )?\S+ ?(?:készülékemről|-?omról|telefonomról) (?:küldve|küldtem)|işlemcimden|lähetetty \S+|odesláno z(?-u:\b)|trimis de pe(?-u:\b)|отправлено (?:с|из)(?:\W|$)|надіслано з(?:\W|$)|iphoneから送信|(?:android|スマートフォン|私の\S+)から送信|发自(?:我的)?|發自|從我的 ?\S+ ?傳送|나의 \S+에서|iphone'umdan gönderildi|mobil(?:e|telefon) (?:sent|gesendet)|provenance ?: ?courrier|via (?:mobile|celular|móvil)$)"
);
pattern!(
    PRODUCT,
    r"(?i)(?-u:\b)(?:proton|tutanota|spark|airmail|canary|edison|superhuman|zoho|mailbird|bluemail|aqua ?mail|em client|outlook|yahoo|gmx|iphone|ipad|android|blackberry|samsung)(?-u:\b)"
);
pattern!(
    BANNER,
    r"(?i)^[\s*_>\[({#!⚠️-]*(?:(?:external|externo|externa|extern|externe|esterno|outside)(?: (?:e-?mail|mail|sender|message|correo|email))?\s*[\])}*!#-]*\s*[:.!-]?\s*$|(?:\[?(?:external|externo|extern)[^\]]{0,20}\]?|caution|warning|attention|notice|alert|beware|security notice|aten[cç][aã]o|cuidado|atenci[oó]n|aviso|alerta|advertencia|achtung|vorsicht|attenzione|avviso|avertissement|let op|uwaga|varning)(?-u:\b).{0,160}(?:outside (?:of )?(?:the|your|our)|external (?:sender|source|e-?mail|organi[sz]ation|to)|from an external|externally|origem externa|remetente externo|fora d[ao]|de fora|externo (?:à|a)|fuera de|origen externo|remitente externo|von außerhalb|extern(?:er|en)? (?:absender|e-?mail|afzender)|esterno all|mittente esterno|dall['’]esterno|extérieur|expéditeur externe|buiten (?:de|uw|onze)|spoza|do not click|don't click)|(?:this|diese|este|esta|ce|questa|deze) (?:e-?mail|message|mensaje|mensagem|correo|nachricht|messaggio|courriel)(?-u:\b).{0,80}(?:originated|sent|came|enviad|originad|proviene|wurde von|stammt von|proviene|provient|arriva).{0,60}(?:outside|external|fora|externo|fuera|außerhalb|externen|esterno|extérieur|externe)|you don['’]t often get e?-?mail from|n[aã]o recebe com frequ[eê]ncia|no suele recibir correo|sie erhalten nicht (?:häufig|oft)|non si ricevono spesso)"
);
pattern!(
    BANNER_MORE,
    r"(?i)(?:do not click|don['’]t click|unless you (?:recogni[sz]e|know|trust)|open attachments?|learn why this is important|saiba por que|obtén información|não clique|não abra|no haga clic|no abra|klicken sie (?:nicht|keine)|non cliccare|non aprire|ne cliquez pas|report (?:suspicious|phish)|suspicious|know the content is safe|verifique o remetente|remetente)"
);
// How disclaimers begin. What only speaks of confidential data may be the report of a breach.
pattern!(
    OPENING,
    r"(?i)^\W*(?:(?:statement of |e-?mail )?confiden[tc]\w+(?-u:\b)(?: notice|:|ity|idad|idade)?|disclaimer|legal notice|important(?: notice)?|privacy notice|hipaa|notice|please (?:note|be advised)|(?:this|the) (?:electronic |e-?mail |fax |above |attached |foregoing )?(?:e-?mail|message|communication|transmission|information|contents?|document|mail)(?-u:\b)|if you (?:are not|have received|received|believe)|any (?:unauthori[sz]ed|review|dissemination)|privileged|aviso|nota (?:legal|de)|advertencia|cl[aá]usula|est[ae] (?:e-?mail|mensa(?:je|gem)|correo|comunica\w+|documento|transmis\w+)|(?:la|las|a|as|o|os|el|le|il|lo) (?:información|informaç\w+|informazion\w+|contenido|conteúdo|contenuto|presente|mensagem|mensaje|messaggio|informations?)|se (?:você|o senhor|vostè|avete|ha ricevuto)|si (?:usted|ha recibido|vous)|quest[oa] (?:e-?mail|messaggio|comunicazione|documento)|ai sensi|ce (?:message|courriel|mail)|cet e-?mail|dies\w* (?:e-?mail|nachricht|mail|mitteilung)|die (?:in dieser|information|inhalt)|der inhalt|dit (?:e-?mail)?\s?bericht|deze e-?mail|de informatie|de inhoud|niniejsz\w+|ta wiadomo|treść|det(?:ta|te) (?:e-?mail|meddelande)|denne (?:e-?mail|melding)|tämä viesti|本(?:邮件|郵件|メール))"
);
pattern!(
    CONFIDENTIAL,
    r"(?i)(?:confiden[tc]|privileged|privilegiad|vertraulich|vertrouwelijk|riservat|poufn|konfidentiell|luottamuksel|protected health information|(?-u:\b)phi(?-u:\b)|hipaa|legalmente protegid|機密|保密)"
);
pattern!(
    RECIPIENT,
    r"(?i)(?:intended (?:only|solely|recipient|for)|addressee|recipient|destinat[aá]ri|destinatari|adressat|empfänger|geadresseerde|ontvanger|adresat|mottagare|vastaanottaj|unauthori[sz]ed|prohibited|disclos|delete (?:it|this|the|all)|notify the sender|in error|por error|por engano|in errore|par erreur|irrtümlich|apague|elimin|borr|löschen|prohibid|proibid|vietat|收件人|受信者)"
);
pattern!(
    CLOSING,
    r"(?i)^[\s*_]*(?:(?:(?:with )?(?:best|kind|warm|kindest|warmest|many)(?:\s+and\s+\w+)? )?regards|best wishes|all the best|cheers|(?:mit )?(?:freundlichen|besten|herzlichen|vielen|lieben|viele|beste|liebe|schöne|herzliche) gr(?:ü|u|ue)(?:ß|ss)en?|mfg|lg|(?:met )?(?:vriendelijke|hartelijke) groet(?:en|jes)?|groet(?:en|jes)?|(?:bien )?(?:à vous|cordialement)|(?:bien )?cordialement|sincères salutations|salutations(?: distinguées)?|(?:cordiali|distinti) saluti|cordialmente|un saludo(?: cordial)?|saludos(?: cordiales)?|atentamente|atenciosamente|att\.?|atte\.?|abraços?|cordial saludo|un abrazo|pozdrawiam|z poważaniem|(?:med )?(?:vänliga|vennlig|venlig|bästa|beste|med)\s?(?:hälsning(?:ar)?|hilsen)|mvh|с уважением|此致|敬具)[\s,.!*_！，。]*$"
);
pattern!(
    GREEN,
    r"(?i)(?:consider the environment|antes de imprimir|pense no meio|piense en el medio|pensez à l['’]environnement|denken sie an die umwelt|prima di stampare|virus[- ](?:free|checked)|checked by (?:avg|avast)|scanned (?:by|for)|este (?:correo|mensaje|e-mail) (?:ha sido|foi) (?:analizado|verificado))"
);
pattern!(PHONE, r"(?:\+|\(?\d)[\d\s().-]{7,}\d");
pattern!(
    CONTACT,
    r"(?i)(?:(?-u:\b)(?:tel|phone|fon|fone|telefone|tel[eé]fono|telefon|cell|celular|mobile|mobil|m[oó]vil|fax|ramal|ext)(?-u:\b)\s*[.:)]?|www\.|https?://|(?-u:\b)[\w.+-]+@[\w-]+\.[\w.]+|linkedin|facebook|skype|whatsapp)"
);

/// Takes signature and its kin out of the kept lines.
pub fn elide(lines: &[Line], fates: &mut [Fate]) {
    armour(lines, fates);
    elide_banner(lines, fates);
    for (line, fate) in lines.iter().zip(fates.iter_mut()) {
        if line.mark == Mark::Signature {
            *fate = Fate::Elide;
        }
    }
    let kept = |fates: &[Fate]| -> Vec<usize> {
        fates.iter().enumerate().filter(|(_, fate)| **fate == Fate::Keep).map(|(at, _)| at).collect()
    };
    cut_at(lines, fates, &kept(fates), is_tag);
    cut_at(lines, fates, &kept(fates), is_delimiter);
    cut_at(lines, fates, &kept(fates), is_closing);
    disclaimers(lines, fates);
    contacts(lines, fates);
    disclaimers(lines, fates);
}

/// The text from the first kept line that `ends` on, to the end, goes; never from the first line.
fn cut_at(lines: &[Line], fates: &mut [Fate], kept: &[usize], ends: fn(&[Line], &[usize], usize) -> bool) {
    let mut seen = false;
    for (position, at) in kept.iter().enumerate() {
        let Some(line) = lines.get(*at) else { continue };
        if seen && ends(lines, kept, position) {
            for later in kept.iter().skip(position) {
                if let Some(fate) = fates.get_mut(*later) {
                    *fate = Fate::Elide;
                }
            }
            return;
        }
        seen |= !line.is_blank();
    }
}

/// The frame of a text that PGP signed, and keys sent along (RFC 9580 6.2 and 7): the text stays.
fn armour(lines: &[Line], fates: &mut [Fate]) {
    let mut inside = false;
    let mut head = false;
    for (line, fate) in lines.iter().zip(fates) {
        let text = line.head().trim();
        if text == "-----BEGIN PGP SIGNED MESSAGE-----" {
            head = true;
        }
        inside |= text == "-----BEGIN PGP SIGNATURE-----" || text == "-----BEGIN PGP PUBLIC KEY BLOCK-----";
        if head || inside {
            *fate = Fate::Elide;
        }
        head &= !text.is_empty();
        inside &= !text.starts_with("-----END PGP ");
    }
}

fn text<'l>(lines: &'l [Line], kept: &[usize], position: usize) -> &'l str {
    kept.get(position).and_then(|at| lines.get(*at)).map_or("", Line::head)
}

/// "Sent from my iPhone": a short line of its own, behind a blank line or before the end.
fn is_tag(lines: &[Line], kept: &[usize], position: usize) -> bool {
    let line = text(lines, kept, position);
    let above = position.checked_sub(1).map_or("", |above| text(lines, kept, above));
    let below = text(lines, kept, position + 1);
    let alone = above.trim().is_empty() || below.trim().is_empty();
    let words = line.split_whitespace().filter(|word| !word.starts_with("<http")).count();
    alone
        && words <= 12
        && line.len() <= 200
        && MOBILE.is_match(line)
        && (!line.trim_end().ends_with(['.', '?', ':', ','])
            || line.contains("://")
            || PRODUCT.is_match(line))
}

/// `-- ` (RFC 3676 4.3) and what lists write in its place; a short rest only.
fn is_delimiter(lines: &[Line], kept: &[usize], position: usize) -> bool {
    let line = text(lines, kept, position);
    let rest =
        || (position + 1..kept.len()).map(|p| text(lines, kept, p).trim()).filter(|line| !line.is_empty());
    if RULE.is_match(line) {
        // A rule of any length with a block of contact data below it.
        let contact = rest().filter(|line| CONTACT.is_match(line) || PHONE.is_match(line)).count();
        return contact >= 2 && rest().count() <= SIGNATURE && rest().all(|line| line.chars().count() <= 80);
    }
    DELIMITER.is_match(line) && (line == "-- " || (1..=SIGNATURE).contains(&rest().count()))
}

/// A closing formula alone on its line with nothing but a few short lines below it: the name, the
/// function, the company. "Thanks" and "Regards, Mary" on one line say something and stay.
fn is_closing(lines: &[Line], kept: &[usize], position: usize) -> bool {
    if !CLOSING.is_match(text(lines, kept, position)) {
        return false;
    }
    let rest: Vec<&str> = (position + 1..kept.len())
        .map(|p| text(lines, kept, p).trim())
        .filter(|line| !line.is_empty())
        .collect();
    rest.len() <= 8 && rest.iter().all(|line| line.chars().count() <= 60 && !line.ends_with(['?', ':']))
}

/// Paragraphs at the end that are a disclaimer go, one after the other.
fn disclaimers(lines: &[Line], fates: &mut [Fate]) {
    loop {
        let Some((start, end)) = last_paragraph(lines, fates) else { return };
        let texts: Vec<&str> = lines.iter().take(end).skip(start).map(Line::head).collect();
        if texts.iter().map(|text| text.len()).sum::<usize>() > limits::PARAGRAPH {
            return;
        }
        let paragraph = texts.join(" ");
        let legal = paragraph.chars().count() > 90
            && OPENING.is_match(&paragraph)
            && CONFIDENTIAL.is_match(&paragraph)
            && RECIPIENT.is_match(&paragraph);
        let before = lines
            .iter()
            .zip(fates.iter())
            .take(start)
            .any(|(line, fate)| *fate == Fate::Keep && !line.is_blank());
        if !(before && (legal || GREEN.is_match(&paragraph) && paragraph.len() < 400)) {
            return;
        }
        super::set(fates, start, end, Fate::Elide);
    }
}

/// The last run of kept lines without a blank one.
fn last_paragraph(lines: &[Line], fates: &[Fate]) -> Option<(usize, usize)> {
    let kept = |at: &usize| {
        fates.get(*at) == Some(&Fate::Keep) && lines.get(*at).is_some_and(|line| !line.is_blank())
    };
    let last = (0..lines.len()).rev().find(kept)?;
    let start = (0..=last).rev().take_while(kept).last()?;
    Some((start, last + 1))
}

/// A block of contact data at the end: a paragraph of short lines of which two or more are telephone,
/// address or link. What a person wants called back in is one line, and stays.
fn contacts(lines: &[Line], fates: &mut [Fate]) {
    let Some((start, end)) = last_paragraph(lines, fates) else { return };
    if end - start > CONTACTS {
        return;
    }
    let block: Vec<&str> = lines.iter().take(end).skip(start).map(|line| line.text.trim()).collect();
    let before = lines
        .iter()
        .zip(fates.iter())
        .take(start)
        .any(|(line, fate)| *fate == Fate::Keep && !line.is_blank());
    let short = block.iter().all(|line| line.chars().count() <= 70);
    let contact = block.iter().filter(|line| CONTACT.is_match(line) || PHONE.is_match(line)).count();
    let first_is_name = block.first().is_some_and(|line| is_name(line));
    if before && short && first_is_name && block.len() >= 3 && contact >= 2 {
        super::set(fates, start, end, Fate::Elide);
    }
}

/// Two to five capitalised words and nothing else.
fn is_name(line: &str) -> bool {
    let words: Vec<&str> = line.trim_matches(['*', '_', '-', ' ']).split_whitespace().collect();
    (1..=6).contains(&words.len())
        && words.iter().all(|word| word.starts_with(|c: char| c.is_uppercase()) || word.len() <= 3)
        && !line.ends_with([':', '?', '.', '!'])
        && !line.contains('@')
}

/// What a gateway put above the text: within the first lines only.
pub fn elide_banner(lines: &[Line], fates: &mut [Fate]) {
    let mut inside = false;
    for (at, line) in lines.iter().enumerate().take(12) {
        if line.is_blank() {
            continue;
        }
        let banner = BANNER.is_match(line.head());
        let more = inside && BANNER_MORE.is_match(line.head());
        let rule = inside && line.head().chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | ' '));
        if !(banner || more || rule) {
            return;
        }
        inside = true;
        if let Some(fate) = fates.get_mut(at) {
            *fate = Fate::Elide;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_sound() {
        for pattern in [
            &CLOSING,
            &PRODUCT,
            &OPENING,
            &RULE,
            &DELIMITER,
            &MOBILE,
            &BANNER,
            &BANNER_MORE,
            &CONFIDENTIAL,
            &RECIPIENT,
            &GREEN,
            &PHONE,
            &CONTACT,
        ] {
            assert!(pattern.is_sound());
        }
    }
}
