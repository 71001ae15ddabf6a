use std::io::Write as _;

use super::*;

fn about(name: &str, declared: &str, content: &[u8]) -> Attachment {
    Attachment {
        name: RawText::new(name),
        declared_type: declared.to_owned(),
        detected_type: infer::get(content).map(|kind| kind.mime_type().to_owned()),
        size: 0,
        sha256: [0; 32],
        inline: false,
        flags: Vec::new(),
        label: None,
    }
}

fn reading(name: &str, declared: &str, content: &[u8]) -> Reading {
    read(content, &about(name, declared, content), &mut limits::READING_BYTES.clone())
}

fn zipped(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn pdf(text: &str) -> Vec<u8> {
    let stream = format!("BT /F1 12 Tf 50 700 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R \
         /Resources << /Font << /F1 4 0 R >> >> >>"
            .to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
    ];
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).into_bytes());
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let root = format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    out.extend(root.into_bytes());
    out
}

#[test]
fn each_form_gives_its_words() {
    let docx = zipped(&[
        ("[Content_Types].xml", "<Types>Nobody</Types>"),
        (
            "word/document.xml",
            "<w:document><w:p><w:r><w:t>Mary </w:t></w:r><w:r><w:t>Major &amp; Co</w:t></w:r></w:p></w:document>",
        ),
        ("word/comments.xml", "<w:comments><w:p><w:t>a note</w:t></w:p></w:comments>"),
    ]);
    let xlsx = zipped(&[
        (
            "xl/sharedStrings.xml",
            "<sst><si><t>patient</t></si><si><t>mrn</t></si><si><t>Mary Major</t></si></sst>",
        ),
        (
            "xl/worksheets/sheet1.xml",
            r#"<worksheet><row><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>
               <row><c r="A2" t="s"><v>2</v></c><c r="C2"><v>445566</v></c></row></worksheet>"#,
        ),
    ]);
    let cda = br#"<?xml version="1.0"?><ClinicalDocument><id extension="445566"/><name><given>Mary</given>
        <family>Major</family></name><birthTime value="19800102"/><!-- seen by Roe --></ClinicalDocument>"#;
    let fhir = br#"{"resourceType":"Patient","name":[{"family":"Major","given":["Mary","Ann"]}],"birthDate":"1980-01-02"}"#;
    let printed = pdf("Patient: Mary Major");
    let cases: [(&str, &str, &[u8], &[&str]); 10] = [
        ("a.txt", "text/plain", b"plain words", &["plain words"]),
        ("a.log", "application/octet-stream", b"2026-01-02 user=mary", &["user=mary"]),
        ("a.csv", "text/csv", b"patient;mrn\nMary Major;445566\n", &["patient: Mary Major", "mrn: 445566"]),
        (
            "a.html",
            "text/html",
            br#"<p title="Roe">Mary <b>Major</b></p><!-- hid -->"#,
            &["Mary Major", "title: Roe", "hid"],
        ),
        ("a.xml", "text/xml", cda, &["Mary Major", "birth Time: 19800102", "id: 445566", "seen by Roe"]),
        (
            "a.json",
            "application/fhir+json",
            fhir,
            &["family: Major", "given: Mary Ann", "birth Date: 1980-01-02"],
        ),
        ("a.hl7", "text/plain", b"MSH|^~\\&|A\rPID|1||445566||MAJOR^MARY", &["MAJOR^MARY"]),
        ("a.docx", "application/octet-stream", &docx, &["Mary Major & Co", "a note"]),
        ("a.xlsx", "application/octet-stream", &xlsx, &["patient: Mary Major", "mrn: 445566"]),
        ("a.pdf", "application/octet-stream", &printed, &["Mary Major"]),
    ];
    for (name, declared, content, wants) in cases {
        let Reading::Whole(text) = reading(name, declared, content) else { panic!("{name} is not read") };
        for want in wants {
            assert!(text.expose().contains(want), "{name}: {want:?} in {:?}", text.expose());
        }
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let bomb = zipped(&[("word/document.xml", &"<w:t>".repeat(5_000_000))]);
    let pictured =
        zipped(&[("word/document.xml", "<w:p><w:t>x</w:t></w:p>"), ("word/media/image1.png", "x")]);
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let cases: [(&str, &[u8], Reading); 8] = [
        ("a.png", png, Reading::Nothing("image")),
        ("a.zip", &zipped(&[("a.txt", "x")]), Reading::Nothing("archive")),
        ("a.bin", &[0, 1, 2, 3, 0, 0, 0], Reading::Nothing("unknown_format")),
        ("a.docx", b"PK\x03\x04 no archive", Reading::Nothing("unreadable")),
        ("a.docx", &bomb, Reading::Nothing("too_large")),
        ("a.docx", &pictured, Reading::Part(RawText::new("x\n\n"), "image")),
        ("a.pdf", b"%PDF-1.7 no document", Reading::Nothing("unreadable")),
        ("a.pdf", &pdf(""), Reading::Nothing("image")),
    ];
    for (name, content, want) in cases {
        assert_eq!(reading(name, "application/octet-stream", content), want, "{name}");
    }
    let long = "word ".repeat(limits::READING_BYTES);
    assert!(matches!(reading("a.txt", "text/plain", long.as_bytes()), Reading::Part(_, "too_large")));
}

#[test]
fn broken_and_hostile_content_is_survived() {
    let nest = "<a>".repeat(200_000);
    let deep = "[".repeat(200_000);
    let (page, docx) = (pdf("words"), zipped(&[("word/document.xml", "<w:p><w:t>x</w:t></w:p>")]));
    for (name, content) in [("a.xml", nest.as_bytes()), ("a.json", deep.as_bytes())] {
        let _ = reading(name, "", content);
    }
    for (name, whole) in [("a.pdf", &page), ("a.docx", &docx)] {
        for at in (0..whole.len()).step_by(7) {
            let mut bent = whole.clone();
            bent[at] ^= 0x5a;
            let _ = reading(name, "", &bent);
            let _ = reading(name, "", &whole[..at]);
        }
    }
}
