use super::*;

fn check(text: &str, want: &str) {
    let got = reply_text(text);
    assert_eq!(got.visible, want, "{text}");
    let crlf = reply_text(&text.replace('\n', "\r\n"));
    assert_eq!(crlf.visible, want, "CRLF: {text}");
}

#[test]
fn attributions_of_every_language() {
    let lines = [
        "On Mon, Jan 5, 2026 at 9:12 AM Mary Major <mary@clinic.example> wrote:",
        "On 05/01/2026 09:12, Mary Major wrote:",
        "El lun, 5 ene 2026 a las 9:12, Mary Major (<mary@clinic.example>) escribi\u{f3}:",
        "Em seg., 5 de jan. de 2026 \u{e0}s 09:12, Mary Major <mary@clinic.example> escreveu:",
        "Il giorno lun 5 gen 2026 alle ore 09:12 Mary Major <mary@clinic.example> ha scritto:",
        "Le lun. 5 janv. 2026 \u{e0} 09:12, Mary Major <mary@clinic.example> a \u{e9}crit :",
        "Am Mo., 5. Jan. 2026 um 09:12 Uhr schrieb Mary Major <mary@clinic.example>:",
        "Op ma 5 jan 2026 om 09:12 schreef Mary Major <mary@clinic.example>:",
        "pon., 5 sty 2026 o 09:12 Mary Major <mary@clinic.example> napisa\u{142}(a):",
        "Den m\u{e5}n 5 jan. 2026 kl 09:12 skrev Mary Major <mary@clinic.example>:",
        "2026\u{5e74}1\u{6708}5\u{65e5}(\u{6708}) 9:12 Mary Major <mary@clinic.example>:",
        "Mary Major <mary@clinic.example> \u{4e8e}2026\u{5e74}1\u{6708}5\u{65e5}\u{5468}\u{4e00} 09:12\u{5199}\u{9053}\u{ff1a}",
        "On Mon, Jan 5, 2026 at 9:12 AM Mary Major from the very long department <\nmary@clinic.example> wrote:",
        "2026-01-05 9:12 GMT-03:00 Mary Major <mary@clinic.example>:",
    ];
    for line in lines {
        check(&format!("New text\n\n{line}\n\n> old text\n> more\n"), "New text");
        check(&format!("New text\n\n{line}\n\nold text\nmore\n"), "New text");
        check(&format!("New text\n{line}\n> old text\n"), "New text");
    }
}

#[test]
fn what_only_looks_like_an_attribution_stays() {
    for text in [
        "On the other hand we should wait.\nOn average it works.",
        "On 5 January 2026 I wrote:\nplease call",
        "Times:\n2026-01-05 9:12\n05/01/2026 at 9:12",
        "He wrote: nothing",
        "The log says > 5 and < 7",
    ] {
        check(text, text);
    }
}

#[test]
fn header_blocks_of_outlook_in_every_language() {
    let blocks = [
        "From: Mary Major <mary@clinic.example>\nSent: Monday, January 5, 2026 9:12 AM\nTo: Help\nSubject: RE: scan",
        "*From:* Mary Major\n*Sent:* Monday\n*To:* Help\n*Subject:* scan",
        "De: Mary Major\nEnviado el: lunes\nPara: Help\nAsunto: RE: scan",
        "De: Mary Major\nEnviada em: segunda-feira\nPara: Help\nAssunto: RES: scan",
        "Da: Mary Major\nInviato: luned\u{ec}\nA: Help\nOggetto: R: scan",
        "De : Mary Major\nEnvoy\u{e9} : lundi\n\u{c0} : Help\nObjet : RE: scan",
        "Von: Mary Major\nGesendet: Montag\nAn: Help\nBetreff: AW: scan",
        "Van: Mary Major\nVerzonden: maandag\nAan: Help\nOnderwerp: RE: scan",
        "Od: Mary Major\nWys\u{142}ano: poniedzia\u{142}ek\nDo: Help\nTemat: RE: scan",
        "Fr\u{e5}n: Mary Major\nSkickat: den 5 januari\nTill: Help\n\u{c4}mne: scan",
        "\u{53d1}\u{4ef6}\u{4eba}: Mary\n\u{53d1}\u{9001}\u{65f6}\u{95f4}: 2026\n\u{6536}\u{4ef6}\u{4eba}: Help\n\u{4e3b}\u{9898}: scan",
        "\u{5dee}\u{51fa}\u{4eba}: Mary\n\u{9001}\u{4fe1}\u{65e5}\u{6642}: 2026\n\u{5b9b}\u{5148}: Help\n\u{4ef6}\u{540d}: scan",
        "-----Original Message-----\nanything",
        "-----Mensagem original-----\nanything",
    ];
    for block in blocks {
        check(&format!("New text\n\n{block}\n\nold text\n"), "New text");
        check(&format!("New text\n\n________________________________\n{block}\n\nold text\n"), "New text");
    }
}

#[test]
fn inline_answers_keep_their_quotes_in_order() {
    let text = "Hi,\n\n> first question\n> of two\n\nfirst answer\n\n> second question\n\nsecond answer";
    check(text, text);
    check("On 05/01/2026 09:12, Mary wrote:\n> q\n> r\n\nthe answer below", "the answer below");
}

#[test]
fn forwards_are_the_report() {
    let text = "please see\n\n---------- Forwarded message ---------\nFrom: Mary <mary@clinic.example>\nDate: Mon, 5 Jan 2026\nSubject: leak\n\nthe list is online";
    check(text, text);
    let outlook = "please see\n\nFrom: Mary\nSent: Monday\nTo: Help\nSubject: leak\n\nthe list is online";
    assert_eq!(of_text(outlook, true).visible, outlook);
    assert_eq!(of_text(outlook, false).visible, "please see");
    let only = "From: Mary\nSent: Monday\nTo: Help\nSubject: leak\n\nthe list is online";
    check(only, only);
}

#[test]
fn signatures_tags_and_disclaimers_go() {
    check("New text\n\n-- \nMary Major\nClinic", "New text");
    check("New text\n--\nMary", "New text");
    check("New text\n\nSent from my iPhone", "New text");
    check("New text\n\nEnviado do meu iPhone", "New text");
    check("New text\n\nObtener Outlook para Android", "New text");
    check(
        "New text\n\nCONFIDENTIALITY NOTICE: This e-mail and any attachments may contain confidential and privileged information. If you are not the intended recipient, please delete it and notify the sender.",
        "New text",
    );
    check(
        "New text\n\nEsta mensagem pode conter informa\u{e7}\u{e3}o confidencial e/ou privilegiada. Se voc\u{ea} n\u{e3}o for o destinat\u{e1}rio, apague a mensagem e avise o remetente imediatamente.",
        "New text",
    );
    check(
        "The notification was sent from my iPhone app to all.",
        "The notification was sent from my iPhone app to all.",
    );
    check("a table\n----\n1 2\n----\nend", "a table\n----\n1 2\n----\nend");
    check("Please keep this confidential.", "Please keep this confidential.");
}

#[test]
fn l39_banners_of_gateways_go() {
    check("[EXTERNAL]\n\nNew text", "New text");
    check(
        "CAUTION: This email originated from outside of the organization. Do not click links or open attachments unless you recognize the sender.\n\nNew text",
        "New text",
    );
    check(
        "You don't often get email from mary@clinic.example. Learn why this is important\n\nNew text",
        "New text",
    );
    check(
        "ATEN\u{c7}\u{c3}O: Este e-mail foi enviado de fora da organiza\u{e7}\u{e3}o. N\u{e3}o clique em links.\n\nNew text",
        "New text",
    );
    check(
        "Caution is needed with this patient.\n\nNew text",
        "Caution is needed with this patient.\n\nNew text",
    );
}

#[test]
fn html_of_every_client() {
    let cases = [
        "<div dir=ltr>New text</div><br><div class=gmail_quote><div dir=ltr class=gmail_attr>On Mon, Jan 5, 2026 at 9:12 AM Mary &lt;<a href='mailto:m@c.example'>m@c.example</a>&gt; wrote:<br></div><blockquote class=gmail_quote>old</blockquote></div>",
        "<div>New text</div><div id=yahoo_quoted_1 class=yahoo_quoted>On Monday, Mary wrote: old</div>",
        "<p>New text</p><div class=moz-cite-prefix>Am 5.1.2026 um 9:12 schrieb Mary:</div><blockquote type=cite>old</blockquote>",
        "<p>New text</p><div id=appendonsend></div><hr><div id=divRplyFwdMsg><b>From:</b> Mary<br><b>Sent:</b> Monday</div><div>old</div>",
        "<p class=MsoNormal>New text</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p><b>From:</b> Mary<br><b>Sent:</b> Monday</p></div></div><p>old</p>",
        "New text<div><br><blockquote type=cite><div>On Jan 5, 2026, at 9:12 AM, Mary &lt;m@c.example&gt; wrote:</div><br>old</blockquote></div>",
        "<div>New text</div><div class=gmail_signature>Mary<br>Clinic</div>",
    ];
    for html in cases {
        assert_eq!(reply_html(html).visible, "New text", "{html}");
    }
}

#[test]
fn nothing_is_lost() {
    let text = "New text\n\n-- \nMary\n\nOn 05/01/2026 09:12, Help wrote:\n> old text\n";
    let got = reply_text(text);
    for word in text.split_whitespace() {
        assert!(got.visible.contains(word) || got.elided.contains(word), "{word}");
    }
}
