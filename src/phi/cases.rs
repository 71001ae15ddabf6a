//! Stories of redaction, and what must hold for every text.

use proptest::prelude::*;

use super::placeholders::Placeholders;
use super::redact::{Context, Lists, Redactor};
use crate::domain::address::{EmailAddress, Mailbox};
use crate::domain::text::RawText;

/// Text and what an agent sees of it.
const STORIES: [(&str, &str); 25] = [
    (
        "Patient Jane Whitcomb-Ellis (MRN 0045567, DOB March 4, 1962) cannot open Viewer 7.2.",
        "Patient [NAME-1] (MRN [ID-1], DOB [DATE-1]) cannot open Viewer 7.2.",
    ),
    (
        "The claim of DOE, JOHN Q. was seen on 4/2/2026 by Dr. Alan Turner, NPI 1234567893.",
        "The claim of [NAME-1]. was seen on [DATE-1] by Dr. [NAME-2], NPI [ID-1].",
    ),
    (
        "She is 97 years old, he is 45 years old; card ending in 4821.",
        "She is [AGE90-1] years old, he is 45 years old; card ending in [CARD-1].",
    ),
    (
        "Please update her address to 12 Sample Road, Apt 5, Springfield, IL 62701 and call 555-010-3344.",
        "Please update her address to [ADDRESS-1] and call [PHONE-1].",
    ),
    (
        "Ticket INC1234567 and #88213: error 0x80070005 on build 45619 since v3.16.7, retry 17.",
        "Ticket INC1234567 and #88213: error 0x80070005 on build 45619 since v3.16.7, retry 17.",
    ),
    (
        "[2026-03-04 10:11:12] ERROR req_044027236 patient=JOHN ROE mrn=543-80-214 dob=1970-01-02 status=FAILED",
        "[2026-03-04 10:11:12] ERROR req_044027236 patient=[NAME-1] mrn=[ID-1] dob=[DATE-1] status=FAILED",
    ),
    (
        "Cannot reach 192.168.1.45 since RadView 10.2.44.8; see https://docs.example/install and https://p.example/patients/70524?dob=1990-01-02",
        "Cannot reach [IP-1] since RadView 10.2.44.8; see https://docs.example/install and [URL-1]",
    ),
    (
        "la señora luz marina cárdenas, c.c. 43.123.987, cel 300 555 0134, vive en la Cra 45 # 12-34",
        "la señora [NAME-1], c.c. [ID-1], cel [PHONE-1], vive en la [ADDRESS-1]",
    ),
    (
        "El paciente menor con T.I. 1001234567 nació el 12 de mayo de 2015; acudiente: Pedro Nel Ospina.",
        "El paciente menor con T.I. [ID-1] nació el [DATE-1]; acudiente: [NAME-1].",
    ),
    (
        "NIT del prestador 831.509.839-3, radicado 20261100045, valor $1.250.000",
        "NIT del prestador [ID-1], radicado 20261100045, valor $1.250.000",
    ),
    (
        "A beneficiária Maria das Graças Lima (carteirinha 0 064 123456789 00-1), CPF 529.982.247-25, nasceu em 12/05/1949.",
        "A beneficiária [NAME-1] (carteirinha [ID-1]), CPF [ID-2], nasceu em [DATE-1].",
    ),
    (
        "Dr. João Paulo (CRM/SP 123456) mora na Rua das Acácias, 120, Campinas - SP, CEP 13010-000.",
        "Dr. [NAME-1] (CRM/SP [ID-1]) mora na [ADDRESS-1].",
    ),
    (
        "CNS 995931034131643 e CNPJ 08.386.379/0001-21; versão 3.07.1791, código 1705",
        "CNS [ID-1] e CNPJ [ID-2]; versão 3.07.1791, código 1705",
    ),
    (
        "Il paziente Rossi Mario, C.F. RSSMRA57C12L219K, nato il 12/03/1957, abita in via Garibaldi 12, 10122 Torino.",
        "Il paziente [NAME-1], C.F. [ID-1], nato il [DATE-1], abita in [ADDRESS-1].",
    ),
    (
        "La sig.ra De Luca ha chiamato dal 333 5550123; IBAN IT60X0542811101000000123456; matricola SN-1234-B56789",
        "La sig.ra [NAME-1] ha chiamato dal [PHONE-1]; IBAN [ACCOUNT-1]; matricola [DEVICE-1]",
    ),
    (
        "PID|1||784512^^^HOSP||ROE^RICHARD||19500704|M|||12 MAIN ST^^ALBANY||5550100",
        "PID|1||[ID-1]||[NAME-1]||[DATE-1]|M|||[ADDRESS-1]||[PHONE-1]",
    ),
    (
        "JUAN CARLOS PEREZ LOPEZ CON CEDULA 79456123 NO PUEDE AGENDAR CITA",
        "[NAME-1] CON CEDULA [ID-1] NO PUEDE AGENDAR CITA",
    ),
    (
        "Agenda opens blank. Regards from the Support Team at Lakeside Medical Group.",
        "Agenda opens blank. Regards from the Support Team at Lakeside Medical Group.",
    ),
    (
        "Her Medicare number is 1EG4-TE5-MK73, member id XJB455824083, again XJB455824083.",
        "Her Medicare number is [ID-1], member id [ID-2], again [ID-2].",
    ),
    (
        "Login fails: code 1603 (30000 ms). Patient portal is down. Port 8443, HTTP 502, ORA-00942.",
        "Login fails: code 1603 (30000 ms). Patient portal is down. Port 8443, HTTP 502, ORA-00942.",
    ),
    (
        "> On Monday the front desk wrote:\n> Mary Major was admitted 17 Aug 2024, account 68398609758",
        "> On Monday the front desk wrote:\n> [NAME-1] was admitted [DATE-1], account [ACCOUNT-1]",
    ),
    (
        "Name: MARY MAJOR\nPhone: 555 010 0199\n\nMajor cannot log in, says mary.",
        "Name: [NAME-1]\nPhone: [PHONE-1]\n\nMajor cannot log in, says [NAME-2].",
    ),
    ("Zyta lives alone. molly c. porter, not tom wall.", "[NAME-1] lives alone. [NAME-2], not [NAME-3]."),
    (
        "Synapse Mobility froze, Orthanc is down. Major outage!",
        "Synapse Mobility froze, Orthanc is down. Major outage!",
    ),
    ("Nothing here, not even [NAME-1] or [ID-1234567].", "Nothing here, not even [NAME-1] or [ID-1234567]."),
];

fn redacted(redactor: &Redactor, text: &str) -> String {
    redactor.redact(&RawText::new(text), &Context::default()).text.as_str().to_owned()
}

#[test]
fn stories() {
    let redactor = Redactor::new(&Lists::default());
    for (text, want) in STORIES {
        assert_eq!(redacted(&redactor, text), want);
    }
}

/// The identifiers: valid, invalid where that matters, and what looks like one and stays.
const IDENTIFIERS: [(&str, &str); 25] = [
    ("CPF 529.982.247-25 ou 52998224725", "CPF [ID-1] ou [ID-1]"),
    ("build 52998224725 e chamado 52998224725", "build 52998224725 e chamado 52998224725"),
    ("clínica 08.386.379/0001-21, 12.ABC.345/01DE-35", "clínica [ID-1], [ID-2]"),
    ("peça 12.ABC.345/01DE-36", "peça 12.ABC.345/01DE-36"),
    ("cartão 995931034131643", "cartão [ID-1]"),
    ("RG 12.345.678-X, versão 12.345.678", "RG [ID-1], versão 12.345.678"),
    ("CC 1.234.567, c.c. 43123987, valor $1.250.000", "CC [ID-1], c.c. [ID-2], valor $1.250.000"),
    ("T.I. 1001234567", "T.I. [ID-1]"),
    ("NIT 831.509.839-3 y 831509839-3", "NIT [ID-1] y [ID-1]"),
    ("C.F. BNCGLI85D52D612X, BNCGLI85D52D612Y", "C.F. [ID-1], [ID-2]"),
    ("omocodia BNCGLIURDRND6MNH, prodotto BNCGLIURDRND6MNI", "omocodia [ID-1], prodotto BNCGLIURDRND6MNI"),
    ("tessera 80380000301234567890", "tessera [ID-1]"),
    ("SSN 219-09-9999, ssn 219099999", "SSN [ID-1], ssn [ID-1]"),
    ("last 4 of her social: 1234", "last 4 of her social: [ID-1]"),
    (
        "NPI 1234567893; timestamp 1763836800, epoch 1712345678",
        "NPI [ID-1]; timestamp 1763836800, epoch 1712345678",
    ),
    ("prescriber AB1234563, part AB1234564", "prescriber [ID-1], part AB1234564"),
    ("1EG4-TE5-MK73 and 1EG4TE5MK73; part 1SG4-TE5-MK73", "[ID-1] and [ID-1]; part 1SG4-TE5-MK73"),
    (
        "member id XJB455824083, póliza 99-1234, carteirinha W408080060",
        "member id [ID-1], póliza [ID-2], carteirinha [ID-3]",
    ),
    ("4111-1111-1111-1111 and 378282246310005", "[CARD-1] and [CARD-2]"),
    ("GB82 WEST 1234 5698 7654 32; IT60X0542811101000000123456", "[ACCOUNT-1]; [ACCOUNT-2]"),
    ("order GB82WEST12345698765431", "order GB82WEST12345698765431"),
    ("IMEI 490154203237518 is stolen", "IMEI [DEVICE-1] is stolen"),
    ("GTIN 10614141000415", "GTIN [DEVICE-1]"),
    (
        "MRN 33750417, prontuário 88213, cartella n. 44512",
        "MRN [ID-1], prontuário [ID-2], cartella n. [ID-3]",
    ),
    ("Ticket #88213, INC1234567, E-4017, v3.16.7", "Ticket #88213, INC1234567, E-4017, v3.16.7"),
];

#[test]
fn identifiers_by_form_check_and_label_and_what_looks_like_them() {
    let redactor = Redactor::new(&Lists::default());
    for (text, want) in IDENTIFIERS {
        assert_eq!(redacted(&redactor, text), want);
    }
}

#[test]
fn line_ends_make_no_difference() {
    let redactor = Redactor::new(&Lists::default());
    for (text, want) in STORIES {
        assert_eq!(redacted(&redactor, &text.replace('\n', "\r\n")), want.replace('\n', "\r\n"));
    }
}

#[test]
fn the_author_keeps_name_and_telephone_in_the_signature_only() {
    let redactor = Redactor::new(&Lists::default());
    let from = Mailbox {
        name: Some("Rose Garza".to_owned()),
        address: EmailAddress::parse("rose.garza@clinic.example").unwrap(),
    };
    let context = Context { from: Some(&from), ..Context::default() };
    let text = "Hello, Rose here. Patient Rose Miller called from 555-010-0133.\n\nRegards,\nRose Garza\nIT Coordinator\n555-010-0144\nrose.garza@clinic.example";
    let want = "Hello, Rose here. Patient [NAME-1] called from [PHONE-1].\n\nRegards,\nRose Garza\nIT Coordinator\n555-010-0144\nrose.garza@clinic.example";
    let raw = RawText::new(text);
    assert_eq!(redactor.redact(&raw, &context).text.as_str(), want);
    let lifted = redactor.requester_phone(&raw, &RawText::default());
    assert_eq!(lifted.as_ref().map(RawText::expose), Some("555-010-0144"));
    let stranger = redactor.redact(&raw, &Context::default());
    assert!(!stranger.text.as_str().contains("Garza") && !stranger.text.as_str().contains("0144"));
}

#[test]
fn a_ticket_remembers_its_names() {
    let redactor = Redactor::new(&Lists::default());
    let mut ticket = Placeholders::default();
    let context = Context::default();
    let body =
        redactor.redact_with(&mut ticket, &RawText::new("Patient Zyta Krolak cannot log in"), &context);
    assert_eq!(body.text.as_str(), "Patient [NAME-1] cannot log in");
    let subject = redactor.redact_with(&mut ticket, &RawText::new("Zyta Krolak: no access"), &context);
    assert_eq!(subject.text.as_str(), "[NAME-1]: no access");
    let file =
        redactor.redact_file_name(&mut ticket, &RawText::new("report_Krolak_1987-02-03.pdf"), &context);
    assert_eq!(file.as_str(), "report_[NAME-2]_[DATE-1].pdf");
}

#[test]
fn a_large_hostile_text_ends_soon() {
    let redactor = Redactor::new(&Lists::default());
    for part in ["Dr. ", "1 ", "[NAME-1]", "a@", "(((", "Maria de ", "PID|", "12/12/", "\u{301}", "De De "] {
        let text = part.repeat(20_000 / part.len());
        let once = redacted(&redactor, &text);
        assert!(once.len() <= text.len() * 3, "{part}");
    }
}

fn anything() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[A-Z][a-z]{1,8}",
        "[0-9]{1,12}",
        "[a-z]{1,6}",
        "\\PC{0,4}",
        Just("Patient".to_owned()),
        Just("Dr. Maria Rossi".to_owned()),
        Just("MRN:".to_owned()),
        Just("tel.".to_owned()),
        Just("52998224725".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("12 de mayo".to_owned()),
        Just("Rua Melo, 12".to_owned()),
        Just("[NAME-1]".to_owned()),
        Just("\n".to_owned()),
        Just("\u{1F3E5}".to_owned()),
    ];
    proptest::collection::vec(word, 0..25).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn redaction_holds_for_every_text(text in anything()) {
        let redactor = REDACTOR.with(std::rc::Rc::clone);
        let raw = RawText::new(text.as_str());
        let first = redactor.redact(&raw, &Context::default());
        let again = redactor.redact(&raw, &Context::default());
        prop_assert_eq!(first.text.as_str(), again.text.as_str());
        prop_assert_eq!(redacted(&redactor, first.text.as_str()), first.text.as_str());

        let mut end = 0;
        for finding in &first.findings {
            prop_assert!(finding.start >= end && finding.end > finding.start);
            prop_assert!(text.is_char_boundary(finding.start) && text.is_char_boundary(finding.end));
            end = finding.end;
        }
        // Line ends make no difference, and what is kept is kept as it was.
        let crlf = redacted(&redactor, &text.replace('\n', "\r\n"));
        prop_assert_eq!(crlf, first.text.as_str().replace('\n', "\r\n"));
        let (mut kept, mut at) = (String::new(), 0);
        for finding in &first.findings {
            kept.push_str(text.get(at..finding.start).unwrap());
            at = finding.end;
        }
        kept.push_str(text.get(at..).unwrap());
        let mut left = first.text.as_str().chars();
        prop_assert!(kept.chars().all(|c| left.any(|other| other == c)));
        let (spans, _) = redactor.spans(&raw, &Context::default());
        for (span, finding) in spans.iter().zip(&first.findings) {
            let value: String = text.chars().skip(span.start).take(span.end - span.start).collect();
            prop_assert_eq!(Some(value.as_str()), text.get(finding.start..finding.end));
        }
    }
}

thread_local! {
    static REDACTOR: std::rc::Rc<Redactor> = std::rc::Rc::new(Redactor::new(&Lists::default()));
}
