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
fn rfc9580_the_frame_of_a_signed_text_goes() {
    check(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nNew text\n\nmore\n-----BEGIN PGP SIGNATURE-----\n\niQEzBAEB\n=abcd\n-----END PGP SIGNATURE-----\n",
        "New text\n\nmore",
    );
}

#[test]
fn what_is_only_a_banner_or_a_quote_is_shown() {
    for text in ["[EXTERNAL]", "> only a quote\n> of two lines", "--\nMary Major"] {
        check(text, text);
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

/// Many texts that all leave the same, told together.
fn check_all(texts: impl IntoIterator<Item = String>, want: &str) {
    let wrong: Vec<String> = texts
        .into_iter()
        .filter_map(|text| {
            let got = reply_text(&text).visible;
            (got != want).then(|| format!("{text}\n=> {got:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// A reply under which one client left its attribution, with and without quote marks.
fn check_attributions(lines: &[&str]) {
    let texts = lines.iter().flat_map(|line| {
        [
            format!("New text\n\n{line}\n\n> old text\n> more\n"),
            format!("New text\n\n{line}\n\nold text\nmore\n"),
            format!("New text\n{line}\n> old text\n"),
        ]
    });
    check_all(texts, "New text");
}

#[test]
fn attributions_of_gmail() {
    check_attributions(&[
        "On Mon, Jan 5, 2026 at 9:12\u{202f}AM Mary Major <mary@clinic.example> wrote:",
        "El lun, 5 de ene. de 2026 a la(s) 09:12, Mary Major (mary@clinic.example) escribi\u{f3}:",
        "Mary Major <mary@clinic.example> escreveu (segunda, 5/01/2026 \u{e0}(s) 09:12):",
        "Mary Major <mary@clinic.example> schrieb am Mo., 5. Jan. 2026, 09:12:",
        "Den man. 5. jan. 2026 kl. 09.12 skrev Mary Major <mary@clinic.example>:",
        "man. 5. jan. 2026 kl. 09:12 skrev Mary Major <mary@clinic.example>:",
        "ma 5. tammik. 2026 klo 9.12 Mary Major <mary@clinic.example> kirjoitti:",
        "пн, 5 янв. 2026 г. в 09:12, Mary Major <mary@clinic.example>:",
        "пн, 5 січ. 2026 р. о 09:12 Mary Major <mary@clinic.example> пише:",
        "po 5. 1. 2026 v 9:12 odes\u{ed}latel Mary Major <mary@clinic.example> napsal:",
        "po 5. 1. 2026 o 9:12 Mary Major <mary@clinic.example> nap\u{ed}sal(a):",
        "Mary Major <mary@clinic.example> ezt \u{ed}rta (id\u{151}pont: 2026. jan. 5., H, 9:12):",
        "\u{ce}n lun., 5 ian. 2026 la 09:12, Mary Major <mary@clinic.example> a scris:",
        "Mary Major <mary@clinic.example>, 5 Oca 2026 Pzt, 09:12 tarihinde \u{15f}unu yazd\u{131}:",
        "Στις Δευ 5 Ιαν 2026 στις 9:12 π.μ., ο χρήστης Mary Major <mary@clinic.example> έγραψε:",
        "\u{202b}בתאריך יום ב׳, 5 בינו׳ 2026 ב-9:12 מאת \u{202a}Mary Major\u{202c}\u{200f} <\u{202a}mary@clinic.example\u{202c}\u{200f}>:\u{202c}",
        "في الاثنين، 5 يناير 2026 في 9:12 ص تمت كتابة ما يلي بواسطة Mary Major <mary@clinic.example>:",
        "2026년 1월 5일 (월) 오전 9:12, Mary Major <mary@clinic.example>님이 작성:",
        "Mary Major <mary@clinic.example> 於 2026年1月5日 週一 上午9:12寫道：",
        "V\u{e0}o Th 2, 5 thg 1, 2026 v\u{e0}o l\u{fa}c 09:12 Mary Major <mary@clinic.example> \u{111}\u{e3} vi\u{1ebf}t:",
        "ในวันที่ จ. 5 ม.ค. 2026 เวลา 09:12 Mary Major <mary@clinic.example> เขียนว่า:",
        "Pada tanggal Sen, 5 Jan 2026 pukul 09.12 Mary Major <mary@clinic.example> menulis:",
        "Missatge de Mary Major <mary@clinic.example> del dia dl., 5 de gen. 2026 a les 9:12:",
        "pon, 5. sij 2026. u 09:12 Mary Major <mary@clinic.example> napisao je:",
        "V V pon., 5. jan. 2026 ob 09:12 je oseba Mary Major <mary@clinic.example> napisala:",
        "На пн, 5.01.2026 г. в 9:12 Mary Major <mary@clinic.example> написа:",
        "2026-01-05, pr, 09:12 Mary Major <mary@clinic.example> ra\u{161}\u{117}:",
        "pirmd., 2026. g. 5. janv., plkst. 09:12 \u{2014} lietot\u{101}js Mary Major (<mary@clinic.example>) rakst\u{12b}ja:",
        "Kuup\u{e4}ev E, 5. jaanuar 2026 kell 09:12 kirjutas Mary Major <mary@clinic.example>:",
        "O luns, 5 xan 2026 \u{e1}s 9:12, Mary Major (<mary@clinic.example>) escribiu:",
        "2026-01-05 9:12 GMT+01:00 Mary Major <mary@clinic.example>:",
    ]);
}

#[test]
fn attributions_of_apple_mail() {
    check_attributions(&[
        "On Jan 5, 2026, at 9:12 AM, Mary Major <mary@clinic.example> wrote:",
        "On 5 Jan 2026, at 09:12, mary@clinic.example wrote:",
        "El 5 ene 2026, a las 9:12, Mary Major <mary@clinic.example> escribi\u{f3}:",
        "Em 5 de jan. de 2026, \u{e0}(s) 09:12, Mary Major <mary@clinic.example> escreveu:",
        "No dia 05/01/2026, \u{e0}s 09:12, Mary Major <mary@clinic.example> escreveu:",
        "Il giorno 5 gen 2026, alle ore 09:12, Mary Major <mary@clinic.example> ha scritto:",
        "Le 5 janv. 2026 \u{e0} 09:12, Mary Major <mary@clinic.example> a \u{e9}crit :",
        "Am 05.01.2026 um 09:12 schrieb Mary Major <mary@clinic.example>:",
        "Op 5 jan. 2026 om 09:12 heeft Mary Major <mary@clinic.example> het volgende geschreven:",
        "Wiadomo\u{15b}\u{107} napisana przez Mary Major <mary@clinic.example> w dniu 5 sty 2026, o godz. 09:12:",
        "5 jan. 2026 kl. 09:12 skrev Mary Major <mary@clinic.example>:",
        "5. jan. 2026 kl. 09.12 skrev Mary Major <mary@clinic.example>:",
        "Mary Major <mary@clinic.example> kirjoitti 5.1.2026 kello 9.12:",
        "5 янв. 2026 г., в 09:12, Mary Major <mary@clinic.example> написал(а):",
        "5. 1. 2026 v 9:12, Mary Major <mary@clinic.example>:",
        "2026/01/05 9:12\u{3001}Mary Major <mary@clinic.example>のメール：",
        "2026. 1. 5. 오전 9:12, Mary Major <mary@clinic.example> 작성:",
        "2026年1月5日 上午9:12，Mary Major <mary@clinic.example> 写道：",
        "Mary Major <mary@clinic.example> 於 2026年1月5日 上午9:12 寫道：",
        "Mary Major <mary@clinic.example> \u{15f}unlar\u{131} yazd\u{131} (5 Oca 2026 09:12):",
        "2026. jan. 5. d\u{e1}tummal, 9:12 id\u{151}pontban Mary Major <mary@clinic.example> \u{ed}rta:",
        "Στις 5 Ιαν 2026, στις 9:12 π.μ., ο χρήστης Mary Major <mary@clinic.example> έγραψε:",
    ]);
}

#[test]
fn attributions_of_thunderbird_outlook_and_yahoo() {
    check_attributions(&[
        "Am 05.01.2026 um 09:12 schrieb Mary Major:",
        "Le 05/01/2026 \u{e0} 09:12, Mary Major a \u{e9}crit\u{a0}:",
        "Il 05/01/2026 09:12, Mary Major ha scritto:",
        "El 5/1/26 a las 9:12, Mary Major escribi\u{f3}:",
        "Em 05/01/2026 09:12, Mary Major escreveu:",
        "Op 05-01-2026 om 09:12 schreef Mary Major:",
        "W dniu 05.01.2026 o\u{a0}09:12, Mary Major pisze:",
        "Den 2026-01-05 kl. 09:12, skrev Mary Major:",
        "Den 05-01-2026 kl. 09:12 skrev Mary Major:",
        "在 2026/1/5 9:12, Mary Major 写道:",
        "05.01.2026 9:12, Mary Major пишет:",
        "Dne 05. 01. 26 v 9:12 Mary Major napsal(a):",
        "2026. 01. 05. 9:12 keltez\u{e9}ssel, Mary Major \u{ed}rta:",
        "On 05/01/2026, 09:12, \"Mary Major\" <mary@clinic.example> wrote:",
        "El 5/1/26, 9:12, \"Mary Major\" <mary@clinic.example> escribi\u{f3}:",
        "Em 05/01/2026 09:12, \"Mary Major\" <mary@clinic.example> escreveu:",
        "On Monday, January 5, 2026, 09:12:33 AM EST, Mary Major <mary@clinic.example> wrote:",
        "Am Montag, 5. Januar 2026 um 09:12:33 MEZ hat Mary Major <mary@clinic.example> Folgendes geschrieben:",
        "El lunes, 5 de enero de 2026, 09:12:33 CET, Mary Major <mary@clinic.example> escribi\u{f3}:",
        "Em segunda-feira, 5 de janeiro de 2026 09:12:33 BRT, Mary Major <mary@clinic.example> escreveu:",
        "Il luned\u{ec} 5 gennaio 2026 alle ore 09:12:33 CET, Mary Major <mary@clinic.example> ha scritto:",
        "Le lundi 5 janvier 2026 \u{e0} 09:12:33 UTC+1, Mary Major <mary@clinic.example> a \u{e9}crit :",
    ]);
}

#[test]
fn attributions_of_other_clients() {
    check_attributions(&[
        // Evolution, mutt, Roundcube, KMail, Eudora, The Bat
        "On Mon, 2026-01-05 at 09:12 +0100, Mary Major wrote:",
        "On Mon, Jan 05, 2026 at 09:12:33AM +0100, Mary Major wrote:",
        "On 2026-01-05 09:12, Mary Major wrote:",
        "Am 05.01.2026 09:12, schrieb Mary Major:",
        "On Monday 05 January 2026 09:12:33 Mary Major wrote:",
        "Am Montag, 5. Januar 2026, 09:12:33 CET schrieb Mary Major:",
        "At 09:12 AM 1/5/2026, Mary Major wrote:",
        "Monday, January 5, 2026, 9:12:33 AM, you wrote:",
        // Yandex, Mail.ru, 163, Zoho, Notes, Proton
        "05.01.2026, 09:12, \"Mary Major\" <mary@clinic.example>:",
        "Понедельник, 5 января 2026, 9:12 +03:00 от Mary Major <mary@clinic.example>:",
        "At 2026-01-05 09:12:33, \"Mary Major\" <mary@clinic.example> wrote:",
        "在 2026-01-05 09:12:33，\"Mary Major\" <mary@clinic.example> 写道：",
        "---- On Mon, 05 Jan 2026 09:12:33 +0530 Mary Major <mary@clinic.example> wrote ----",
        "---- El lun, 05 ene 2026 09:12:33 +0100, Mary Major <mary@clinic.example> escribi\u{f3} ----",
        "Mary Major/CLINIC wrote on 05/01/2026 09:12:33 AM:",
        "On Monday, January 5th, 2026 at 9:12 AM, Mary Major <mary@clinic.example> wrote:",
        // GroupWise
        ">>> Mary Major 1/5/2026 9:12 AM >>>",
        ">>> \"Mary Major\" <mary@clinic.example> 01/05/26 9:12 AM >>>",
        // Newsreaders
        "In article <abc@clinic.example>, Mary Major <mary@clinic.example> wrote:",
        "Mary Major <mary@clinic.example> wrote:",
        "mary@clinic.example wrote:",
    ]);
}

#[test]
fn bare_attributions_count_before_a_quote() {
    let lines = [
        "Mary Major wrote:",
        "Mary schreef:",
        "Quoting Mary Major:",
        "* Mary Major [2026-01-05 09:12]:",
        "Mary Major writes:",
        "Mary Major a \u{e9}crit :",
    ];
    check_all(lines.map(|line| format!("New text\n\n{line}\n> old text\n> more\n")), "New text");
}

#[test]
fn delimiters_of_help_desks() {
    let lines = [
        "##- Please type your reply above this line -##",
        "-- REPLY ABOVE THIS LINE --",
        "--- Please reply above this line ---",
        "\u{2014}-\u{2014}-\u{2014}-\u{2014} Reply above this line.",
        "##- Por favor, escriba su respuesta por encima de esta l\u{ed}nea -##",
        "##- Digite sua resposta acima desta linha -##",
        "##- Digita la tua risposta sopra questa riga -##",
        "##- Veuillez saisir votre r\u{e9}ponse au-dessus de cette ligne -##",
        "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein -##",
        "##- Typ uw antwoord boven deze regel -##",
        "-----Write your reply above this line-----",
    ];
    check_all(lines.map(|line| format!("New text\n\n{line}\n\nYour request was updated.\n")), "New text");
    check_all(
        lines.map(|line| format!("New text\n\n> {line}\n>\n> Your request was updated.\n")),
        "New text",
    );
    check(
        "Please reply above this line is what the mail said.",
        "Please reply above this line is what the mail said.",
    );
}

#[test]
fn header_blocks_of_more_languages() {
    let blocks = [
        "Fra: Mary Major\nSendt: 5. januar 2026 09:12\nTil: Help\nEmne: SV: scan",
        "L\u{e4}hett\u{e4}j\u{e4}: Mary Major\nL\u{e4}hetetty: maanantai\nVastaanottaja: Help\nAihe: VS: scan",
        "От: Mary Major\nОтправлено: 5 января\nКому: Help\nТема: RE: scan",
        "Від: Mary Major\nНадіслано: 5 січня\nКому: Help\nТема: RE: scan",
        "Od: Mary Major\nOdesl\u{e1}no: pond\u{11b}l\u{ed}\nKomu: Help\nP\u{159}edm\u{11b}t: RE: scan",
        "Od: Mary Major\nOdoslan\u{e9}: pondelok\nKomu: Help\nPredmet: RE: scan",
        "Felad\u{f3}: Mary Major\nElk\u{fc}ldve: 2026. janu\u{e1}r 5.\nC\u{ed}mzett: Help\nT\u{e1}rgy: RE: scan",
        "De la: Mary Major\nTrimis: luni\nC\u{103}tre: Help\nSubiect: RE: scan",
        "Kimden: Mary Major\nG\u{f6}nderilme: Pazartesi\nKime: Help\nKonu: RE: scan",
        "Από: Mary Major\nΣτάλθηκε: Δευτέρα\nΠρος: Help\nΘέμα: RE: scan",
        "מאת: Mary Major\nנשלח: יום שני\nאל: Help\nנושא: RE: scan",
        "보낸 사람: Mary Major\n보낸 날짜: 2026\n받는 사람: Help\n제목: RE: scan",
        "差出人: Mary Major\n送信日時: 2026\n宛先: Help\n件名: RE: scan",
        "寄件者: Mary Major\n傳送時間: 2026\n收件者: Help\n主旨: RE: scan",
        "*De :* Mary Major\n*Envoy\u{e9} :* lundi\n*\u{c0} :* Help\n*Objet :* scan",
        "**From:** Mary Major\n**Sent:** Monday\n**To:** Help\n**Subject:** scan",
        "From: Mary Major [mailto:mary@clinic.example] Sent: Monday, January 5, 2026 9:12 AM To: Help Subject: RE: scan",
        "------------------ 原始邮件 ------------------\n发件人: \"Mary\";<mary@clinic.example>;\n发送时间: 2026年1月5日\n收件人: \"Help\";\n主题: scan",
        "Gesendet: Montag, 05. Januar 2026 um 09:12 Uhr\nVon: \"Mary Major\" <mary@clinic.example>\nAn: help@desk.example\nBetreff: scan",
        "-------- Original-Nachricht --------\nDatum: Mon, 05 Jan 2026\nVon: Mary",
        "-------- Mensaje original --------\nDe: Mary",
        "-------- Messaggio originale --------\nDa: Mary",
        "-------- Message d'origine --------\nDe : Mary",
        "-------- Oorspronkelijk bericht --------\nVan: Mary",
        "--------- Oryginalna wiadomo\u{15b}\u{107} ----------\nOd: Mary",
        "-------- Исходное сообщение --------\nОт: Mary",
        "----- Reply message -----\nFrom: Mary",
    ];
    check_all(blocks.map(|block| format!("New text\n\n{block}\n\nold text\n")), "New text");
}

#[test]
fn quotes_with_initials_of_the_bat() {
    check("Hello\n\nMonday, January 5, 2026, 9:12:33 AM, you wrote:\n\nMM> old text\nMM> more\n\n", "Hello");
}

#[test]
fn tag_lines_of_phones_in_their_languages() {
    let tags = [
        "Sent from my Samsung Galaxy smartphone.",
        "Sent from my BlackBerry\u{ae} wireless device",
        "Sent from Outlook for iOS<https://aka.ms/o0ukef>",
        "Get Outlook for Android<https://aka.ms/AAb9ysg>",
        "Sent from Yahoo Mail on Android",
        "Sent with Proton Mail secure email.",
        "Sent via the Samsung Galaxy S24, an AT&T 5G smartphone",
        "Enviado desde mi iPhone",
        "Enviado do meu iPad",
        "Enviado do Email para Windows",
        "Inviato da iPhone",
        "Inviato dal mio dispositivo Android",
        "Envoy\u{e9} de mon iPhone",
        "Von meinem iPhone gesendet",
        "Gesendet von Mail f\u{fc}r Windows",
        "Verstuurd vanaf mijn iPhone",
        "Verzonden vanuit Outlook voor Android",
        "Wys\u{142}ane z iPhone'a",
        "Skickat fr\u{e5}n min iPhone",
        "Sendt fra min iPhone",
        "L\u{e4}hetetty iPhonesta",
        "Отправлено с iPhone",
        "Надіслано з iPhone",
        "Odesl\u{e1}no z iPhonu",
        "Odoslan\u{e9} z iPhonu",
        "Az iPhone-omr\u{f3}l k\u{fc}ldve",
        "Trimis de pe iPhone-ul meu",
        "iPhone'umdan g\u{f6}nderildi",
        "Στάλθηκε από το iPhone μου",
        "נשלח מה-iPhone שלי",
        "أُرسلت من الـ iPhone",
        "iPhoneから送信",
        "나의 iPhone에서 보냄",
        "发自我的 iPhone",
        "從我的 iPhone 傳送",
        "Dikirim dari iPhone saya",
        "Poslano s mog iPhonea",
        "Enviat des del meu iPhone",
    ];
    check_all(tags.map(|tag| format!("New text\n\n{tag}\n")), "New text");
    check_all(
        tags.map(|tag| format!("New text\n\n{tag}\n\nOn 05/01/2026 09:12, Mary wrote:\n> old\n")),
        "New text",
    );
}

#[test]
fn html_quotes_of_more_clients() {
    let cases = [
        // Proton, Zimbra, Zoho, Tuta
        "<div>New text</div><div class=\"protonmail_quote\">On Monday, Mary wrote:<br><blockquote type=cite>old</blockquote></div>",
        "<div>New text<br></div><hr id=\"zwchr\" data-marker=\"__DIVIDER__\"><div data-marker=\"__HEADERS__\"><b>From: </b>Mary<br><b>To: </b>Help</div><div data-marker=\"__QUOTED_TEXT__\">old</div>",
        "<div>New text</div><div class=\"zmail_extra\"><div>---- On Mon, 05 Jan 2026 Mary wrote ----</div><blockquote>old</blockquote></div>",
        "<div>New text</div><div class=\"tutanota_quote\"><div>On 5 Jan, Mary wrote:</div><blockquote class=\"tutanota_quote\">old</blockquote></div>",
        // Hotmail through the ages
        "<div>New text</div><hr id=\"stopSpelling\">Date: Mon, 5 Jan 2026<br>From: mary@clinic.example<br>old",
        "<div>New text</div><hr tabindex=\"-1\" style=\"display:inline-block; width:98%\"><div id=\"x_divRplyFwdMsg\"><b>From:</b> Mary</div><div>old</div>",
        "<div>New text</div><div id=\"mail-editor-reference-message-container\"><div><b>From:</b> Mary</div>old</div>",
        // Superhuman, Spark, Front, Fastmail, Airmail, Mailbird
        "<div>New text</div><div class=\"sh-quoted-content\"><div>On Mon, Mary wrote:</div>old</div>",
        "<div>New text</div><div name=\"messageReplySection\">On 5 Jan 2026, 09:12, Mary wrote:<blockquote>old</blockquote></div>",
        "<div>New text</div><blockquote class=\"front-blockquote\"><div>old</div></blockquote>",
        "<div>New text</div><div id=\"bloop_customfont\"></div><p class=\"airmail_on\">On 5 January 2026 at 09:12, Mary wrote:</p><blockquote class=\"clean_bq\">old</blockquote>",
        // Apple Mail, QQ, NetEase, Mail.ru, GMX
        "<div>New text</div><div><br><blockquote type=\"cite\"><div>On 5 Jan 2026, at 09:12, Mary wrote:</div><div>old</div></blockquote></div>",
        "<div>New text</div><div><includetail><div>------------------&nbsp;Original&nbsp;------------------</div><div><b>From:</b> Mary;</div>old</includetail></div>",
        "<div>New text</div><div id=\"isReplyContent\">At 2026-01-05 09:12:33, Mary wrote:<blockquote id=\"isReplyContent\">old</blockquote></div>",
        "<div>New text</div><div name=\"quote\" style=\"margin:10px 5px 5px 10px; border-left:2px solid #C3D9E5;\"><div><b>Gesendet:</b> Montag<br><b>Von:</b> Mary</div><div name=\"quoted-content\">old</div></div>",
        // Outlook on the Mac and in Windows, in other languages
        "<p>New text</p><span id=\"OLK_SRC_BODY_SECTION\"><div><span>From: </span>Mary</div>old</span>",
        "<p>New text</p><div style=\"border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0in 0in 0in\"><p><b>De:</b> Mary</p></div><p>old</p>",
        "<p>New text</p><div class=OutlookMessageHeader><font>-----Original Message-----</font></div><div>old</div>",
    ];
    let mut wrong = Vec::new();
    for html in cases {
        let got = reply_html(html).visible;
        if got != "New text" {
            wrong.push(format!("{html}\n=> {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn what_people_write_stays() {
    for text in [
        // Thanks are said to someone, also where the name stands below them.
        "New text\n\nThanks,\nMary",
        "At 9:12 the server wrote: disk full\nand stopped.",
        "Sent from the ward at noon, arrived at two. Why?",
        "From: the reception\nI cannot print.",
        "To: all staff\nPlease restart.",
        "Date: 5 January\nPlace: room 4",
        "The mail of Mary <mary@clinic.example> is wrong.",
        "1. first\n2. second\n\nThanks",
        "Error:\n> select * from x\nplease help",
        "We sent two forms:\n- A\n- B",
        "In 2026 we will move: please plan for it.",
        "On 5 January at 9:12 the system went down:\nnobody could log in.",
        "El 5 de enero a las 9:12 fall\u{f3} el sistema:\nnadie pudo entrar.",
        "Em 5 de janeiro \u{e0}s 9:12 o sistema caiu:\nningu\u{e9}m conseguiu entrar.",
        "Il 5 gennaio alle 9:12 il sistema si \u{e8} bloccato:\nnessuno riusciva a entrare.",
        "Subject: printer\nThe printer is broken.",
        "Users affected:\nmary@clinic.example since 2026-01-05 9:12\nkim@clinic.example since 2026-01-05 9:15",
    ] {
        check(text, text);
    }
}
