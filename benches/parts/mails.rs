//! Mails as a help desk gets them, made from a seed: new requests, replies that quote and refer,
//! vacation notices, bounces; text and HTML in three encodings and four languages, one in seven with
//! an attachment. About 40 KB on average.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64;

/// The address they are sent to.
pub const DESK: &str = "support@helpdesk.example";

/// A mail in wire form and the instant of its arrival.
pub struct Mail {
    pub eml: Vec<u8>,
    pub at: DateTime<Utc>,
}

struct Words {
    hello: &'static str,
    bye: &'static str,
    wrote: &'static str,
    subjects: [&'static str; 4],
    sentences: [&'static str; 8],
}

const LANGUAGES: [Words; 4] = [
    Words {
        hello: "Good morning,",
        bye: "Kind regards,",
        wrote: "On Tuesday, Support wrote:",
        subjects: [
            "The scanner at the front desk stays dark",
            "No letters leave the records office",
            "Access for a new nurse",
            "Question about last month's statement",
        ],
        sentences: [
            "We switched it off and on again, and nothing changed.",
            "Since the update the list of appointments opens very slowly.",
            "Two colleagues in the other building told me that theirs does the same.",
            "Would you please call me back on 202-555-0143 before noon?",
            "The message on the screen names the number 40771 and then disappears.",
            "It is not urgent, but we would like to know when it can be mended.",
            "The patient was born on 03/14/1961 and is waiting at the counter.",
            "You will find a picture of it below this letter.",
        ],
    },
    Words {
        hello: "Buenas tardes:",
        bye: "Saludos cordiales,",
        wrote: "El martes, Soporte escribi\u{f3}:",
        subjects: [
            "El esc\u{e1}ner de la recepci\u{f3}n no enciende",
            "No salen las cartas del archivo",
            "Acceso para una enfermera nueva",
            "Duda sobre el extracto del mes pasado",
        ],
        sentences: [
            "Lo apagamos y lo volvimos a encender, y no cambi\u{f3} nada.",
            "Desde la actualizaci\u{f3}n la agenda tarda much\u{ed}simo en abrirse.",
            "Dos compa\u{f1}eras del otro edificio dicen que les pasa igual.",
            "\u{bf}Me pueden llamar al 300 555 0143 antes del mediod\u{ed}a?",
            "El aviso en la pantalla nombra el n\u{fa}mero 40771 y luego desaparece.",
            "No es urgente, pero nos gustar\u{ed}a saber cu\u{e1}ndo se arregla.",
            "El paciente naci\u{f3} el 14/03/1961 y espera en el mostrador.",
            "Debajo de esta carta encontrar\u{e1}n una fotograf\u{ed}a.",
        ],
    },
    Words {
        hello: "Boa tarde,",
        bye: "Com os melhores cumprimentos,",
        wrote: "Na ter\u{e7}a-feira, o Suporte escreveu:",
        subjects: [
            "O leitor da recep\u{e7}\u{e3}o n\u{e3}o liga",
            "As cartas n\u{e3}o saem do arquivo",
            "Acesso para uma enfermeira nova",
            "D\u{fa}vida sobre o extrato do m\u{ea}s passado",
        ],
        sentences: [
            "Desligamos e ligamos outra vez, e nada mudou.",
            "Desde a atualiza\u{e7}\u{e3}o a agenda demora muito para abrir.",
            "Duas colegas do outro pr\u{e9}dio contam que acontece o mesmo com elas.",
            "Podem ligar para (11) 5555-0143 antes do meio-dia?",
            "O aviso na tela mostra o n\u{fa}mero 40771 e depois some.",
            "N\u{e3}o \u{e9} urgente, mas gostar\u{ed}amos de saber quando fica pronto.",
            "O paciente nasceu em 14/03/1961 e espera no balc\u{e3}o.",
            "Embaixo desta carta h\u{e1} uma fotografia.",
        ],
    },
    Words {
        hello: "Buonasera,",
        bye: "Con i migliori saluti,",
        wrote: "Marted\u{ec} l'Assistenza ha scritto:",
        subjects: [
            "Lo scanner della reception resta spento",
            "Le lettere non escono dall'archivio",
            "Accesso per una nuova infermiera",
            "Domanda sull'estratto del mese scorso",
        ],
        sentences: [
            "L'abbiamo spento e riacceso, e non \u{e8} cambiato niente.",
            "Dopo l'aggiornamento l'agenda si apre molto lentamente.",
            "Due colleghe dell'altro edificio dicono che a loro succede lo stesso.",
            "Mi potete richiamare allo 06 5550 143 prima di mezzogiorno?",
            "L'avviso sullo schermo riporta il numero 40771 e poi sparisce.",
            "Non \u{e8} urgente, ma vorremmo sapere quando sar\u{e0} riparato.",
            "Il paziente \u{e8} nato il 14/03/1961 e aspetta allo sportello.",
            "Sotto questa lettera trovate una fotografia.",
        ],
    },
];

const NAMES: [&str; 6] =
    ["Mara Linden", "Paulo Teles", "In\u{e9}s Robledo", "Carlo Venti", "Hugh Farrow", "Ana Sousa"];

/// splitmix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }
    fn of(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len())]
    }
    fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }
}

struct Person {
    name: &'static str,
    address: String,
    language: usize,
}

struct Thread {
    person: usize,
    subject: String,
    ids: Vec<String>,
}

/// So many mails, 37 seconds apart, the last one at `last`.
pub fn make(count: usize, seed: u64, last: DateTime<Utc>) -> Vec<Mail> {
    let mut dice = Dice(seed);
    let people: Vec<Person> = (0..(count / 3).max(5))
        .map(|n| Person {
            name: dice.of(&NAMES),
            address: format!("person{n}@clinic{}.example", n % 97),
            language: [0, 0, 1, 2, 3][dice.below(5)],
        })
        .collect();
    let mut threads: Vec<Thread> = Vec::new();
    let step = |n: usize| TimeDelta::seconds(37) * i32::try_from(count - 1 - n).unwrap();
    (0..count)
        .map(|n| {
            let at = last - step(n);
            let id = format!("<m{n}.{:08x}@mail.clinic.example>", dice.next() & 0xFFFF_FFFF);
            let kind = dice.below(100);
            let eml = if kind < 57 || threads.is_empty() {
                let person = dice.below(people.len());
                let subject = dice.of(&LANGUAGES[people[person].language].subjects).to_owned();
                threads.push(Thread { person, subject, ids: vec![id.clone()] });
                let thread = threads.last().unwrap();
                request(&mut dice, &people[person], (&thread.subject, &id, ""), at)
            } else {
                let back = dice.below(threads.len().min(120));
                let at_thread = threads.len() - 1 - back;
                let thread = &mut threads[at_thread];
                let person = &people[thread.person];
                if kind < 95 {
                    let references = format!(
                        "In-Reply-To: {}\r\nReferences: {}\r\n",
                        thread.ids.last().unwrap(),
                        thread.ids.join("\r\n ")
                    );
                    thread.ids.push(id.clone());
                    let subject = format!("Re: {}", thread.subject);
                    request(&mut dice, person, (&subject, &id, &references), at)
                } else if kind < 98 {
                    let robot = "Auto-Submitted: auto-replied\r\nPrecedence: bulk\r\n";
                    request(&mut dice, person, (&format!("Automatic: {}", thread.subject), &id, robot), at)
                } else {
                    bounce(person, &id, at)
                }
            };
            Mail { eml, at }
        })
        .collect()
}

/// A header value; encoded words (RFC 2047) where it is not ASCII.
fn header(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", BASE64.encode(text.as_bytes())) }
}

fn text_of(dice: &mut Dice, person: &Person, quotes: bool) -> String {
    let words = &LANGUAGES[person.language];
    let mut text = format!("{}\n\n", words.hello);
    for n in 0..dice.below(23) + 3 {
        text.push_str(dice.of(&words.sentences));
        text.push_str(if n % 3 == 2 { "\n\n" } else { " " });
    }
    if quotes {
        let _ = writeln!(text, "\n\n{}", words.wrote);
        for _ in 0..dice.below(18) + 2 {
            let _ = writeln!(text, "> {}", dice.of(&words.sentences));
        }
    }
    let _ = writeln!(text, "\n\n{}\n{}\n-- \n{} | {}", words.bye, person.name, person.name, person.address);
    text
}

fn request(
    dice: &mut Dice,
    person: &Person,
    (subject, id, more): (&str, &str, &str),
    at: DateTime<Utc>,
) -> Vec<u8> {
    let text = text_of(dice, person, more.contains("References"));
    let encoding = [0, 0, 1, 2][dice.below(4)];
    let mut body = part("text/plain", &text, encoding);
    if dice.percent(75) {
        let lines = text.lines().filter(|line| !line.is_empty());
        let lines: Vec<String> =
            lines.map(|line| format!("<p>{}</p>\n", line.replace('<', "&lt;"))).collect();
        let lines = lines.concat();
        let html = format!(
            "<html><head><style>p{{margin:0 0 1em 0}}</style></head>\n<body>{lines}<table border=0><tr><td><b>{}</b></td>\
             <td><a href=\"https://clinic.example/\">www</a></td></tr></table></body></html>\n",
            person.name
        );
        body = several("alternative", &[body, part("text/html", &html, encoding)], dice);
    }
    if dice.percent(15) {
        let size = 50_000 + dice.below(250_000);
        let mut file = b"%PDF-1.7\n".to_vec();
        file.extend((0..size / 8).flat_map(|_| dice.next().to_be_bytes()));
        let head =
            "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"letter.pdf\"\r\n";
        let file = format!("{head}Content-Transfer-Encoding: base64\r\n\r\n{}", base64_lines(&file));
        body = several("mixed", &[body, file], dice);
    }
    let received = format!(
        "from mail.clinic.example (mail.clinic.example [192.0.2.9])\r\n\tby mx.helpdesk.example with ESMTPS;\r\n\t{}",
        at.to_rfc2822()
    );
    let signature = BASE64.encode(&dice.next().to_be_bytes().repeat(16));
    format!(
        "Return-Path: <{address}>\r\nReceived: {received}\r\n\
         DKIM-Signature: v=1; a=rsa-sha256; d=clinic.example; s=k1; h=from:to:subject;\r\n bh=x; b={signature}\r\n\
         Date: {date}\r\nFrom: {name} <{address}>\r\nTo: Support <{DESK}>\r\nSubject: {subject}\r\nMessage-ID: {id}\r\n\
         {more}MIME-Version: 1.0\r\n{body}",
        address = person.address,
        date = at.to_rfc2822(),
        name = header(person.name),
        subject = header(subject),
    )
    .into_bytes()
}

/// Head and body of one text part: quoted-printable, base64 or 8bit.
fn part(kind: &str, text: &str, encoding: usize) -> String {
    let (name, body) = match encoding {
        0 => ("quoted-printable", quoted_printable(text)),
        1 => ("base64", base64_lines(text.as_bytes())),
        _ => ("8bit", text.replace('\n', "\r\n")),
    };
    format!("Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: {name}\r\n\r\n{body}")
}

fn several(kind: &str, parts: &[String], dice: &mut Dice) -> String {
    let boundary = format!("part{:016x}", dice.next());
    let parts: Vec<String> = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
    let parts = parts.concat();
    format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n{parts}--{boundary}--\r\n")
}

fn base64_lines(bytes: &[u8]) -> String {
    bytes.chunks(57).map(|line| BASE64.encode(line) + "\r\n").collect()
}

fn quoted_printable(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut width = 0;
        for byte in line.bytes() {
            let spelt = match byte {
                b'=' | 0..=31 | 127.. => format!("={byte:02X}"),
                _ => char::from(byte).to_string(),
            };
            if width + spelt.len() > 75 {
                out.push_str("=\r\n");
                width = 0;
            }
            width += spelt.len();
            out.push_str(&spelt);
        }
        out.push_str("\r\n");
    }
    out
}

fn bounce(person: &Person, id: &str, at: DateTime<Utc>) -> Vec<u8> {
    let (date, address) = (at.to_rfc2822(), &person.address);
    let parts = format!(
        "--b1\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered to <{address}>.\r\n\
         --b1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.clinic.example\r\n\r\n\
         Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b1--\r\n"
    );
    format!(
        "Return-Path: <>\r\nDate: {date}\r\nFrom: MAILER-DAEMON@mx.clinic.example\r\nTo: {DESK}\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: {id}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b1\r\n\r\n{parts}"
    )
    .into_bytes()
}
