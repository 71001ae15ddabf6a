//! How a desk keeps what people wrote: who gets attachments, how a sealed original is opened, how
//! long it is kept. Plain data; `config/` makes it.

use super::message::{Attachment, Label};

/// What becomes of attachments in mail to agents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AttachmentRule {
    /// Named only; an agent gets them by `mailward attachment`.
    #[default]
    Withhold,
    /// Those go along that were scanned as a whole and hold nothing that was found.
    PassClean,
    /// All go along to agents whose address lies in one of these domains, save what [`RevealRule::never`] names.
    Originals(Vec<String>),
}

impl AttachmentRule {
    /// May an agent of this mail domain get what the rule lets pass?
    pub fn reaches(&self, domain: &str) -> bool {
        match self {
            Self::Withhold => false,
            Self::PassClean => true,
            Self::Originals(domains) => domains.iter().any(|one| one == domain),
        }
    }
}

/// A kind of attachment that a desk never shows, not even with a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeverKind {
    /// The medical record: HL7, C-CDA, FHIR, DICOM, what its name or text calls a record, and what
    /// cannot be looked into (archives, encrypted files).
    MedicalRecord,
    /// Pictures.
    Image,
    /// What a desktop would run.
    Executable,
    /// Packed files.
    Archive,
}

impl NeverKind {
    /// The word in configuration and in refusals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MedicalRecord => "medical-record",
            Self::Image => "image",
            Self::Executable => "executable",
            Self::Archive => "archive",
        }
    }
    /// Does an attachment belong to this kind?
    pub fn covers(self, attachment: &Attachment, label: &Label) -> bool {
        let flagged = |codes: &[&str]| attachment.flags.iter().any(|flag| codes.contains(flag));
        let image = || {
            let detected = attachment.detected_type.as_deref().unwrap_or(&attachment.declared_type);
            detected.starts_with("image/") || flagged(&["dicom"])
        };
        match self {
            Self::MedicalRecord => {
                let sealed = ["archive", "tnef", "encrypted"];
                label.record || flagged(&["hl7", "cda", "fhir", "dicom"]) || flagged(&sealed)
            }
            Self::Image => image(),
            Self::Executable => flagged(&["executable", "macro"]),
            Self::Archive => flagged(&["archive"]),
        }
    }
}

/// How a sealed original is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevealRule {
    /// Minutes for which one reason opens it.
    pub minutes: u32,
    /// The customer's dated consent must be on record.
    pub consent: bool,
    /// Kinds that are never shown.
    pub never: Vec<NeverKind>,
}

impl Default for RevealRule {
    fn default() -> Self {
        Self { minutes: 60, consent: false, never: Vec::new() }
    }
}

impl RevealRule {
    /// The kind for which an attachment is never shown.
    pub fn forbids(&self, attachment: &Attachment, label: &Label) -> Option<NeverKind> {
        self.never.iter().copied().find(|kind| kind.covers(attachment, label))
    }
}

/// How long things are kept; `None`: until somebody erases them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Days from a mail's arrival to the end of its sealed original.
    pub originals_days: Option<u32>,
    /// Days from a ticket's end to its erasure.
    pub tickets_days: Option<u32>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Custody {
    /// Attachments in mail to agents.
    pub attachments: AttachmentRule,
    /// Opening originals.
    pub reveal: RevealRule,
    /// Keeping.
    pub retention: Retention,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::RawText;

    #[test]
    fn unimed_line_45_the_medical_record_is_known_by_form_name_and_text() {
        let attachment = |flags: &[&'static str]| Attachment {
            name: RawText::new("a.bin"),
            declared_type: "application/octet-stream".to_owned(),
            detected_type: None,
            size: 1,
            sha256: [0; 32],
            inline: false,
            flags: flags.to_vec(),
            label: None,
        };
        let rule = RevealRule { never: vec![NeverKind::MedicalRecord], ..RevealRule::default() };
        let (plain, record) = (Label::default(), Label { record: true, ..Label::default() });
        for flags in [&["hl7"][..], &["cda"], &["fhir"], &["dicom"], &["archive"], &["encrypted"]] {
            assert_eq!(rule.forbids(&attachment(flags), &plain), Some(NeverKind::MedicalRecord), "{flags:?}");
        }
        assert_eq!(rule.forbids(&attachment(&[]), &record), Some(NeverKind::MedicalRecord));
        assert_eq!(rule.forbids(&attachment(&["macro", "calendar"]), &plain), None);
        assert_eq!(RevealRule::default().forbids(&attachment(&["hl7"]), &record), None);
    }
}
