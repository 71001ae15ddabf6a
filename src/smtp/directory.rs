//! A directory as transport: each mail is one `.eml` file named after its outbox row, whole or not
//! there at all.

use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::reply::{Cause, Stage};
use super::{Envelope, SendOutcome};

/// Where the files go.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The directory is made with the first mail.
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file of a row.
    pub fn file(&self, envelope: Envelope<'_>) -> PathBuf {
        self.path.join(format!("{}.eml", envelope.id))
    }

    /// Writes beside the name and renames: a reader never meets half a mail, and a repeated
    /// attempt replaces the file by the same bytes.
    pub(super) async fn send(&self, envelope: Envelope<'_>, bytes: &[u8]) -> SendOutcome {
        let target = self.file(envelope);
        let beside = self.path.join(format!(".{}.tmp", envelope.id));
        match self.write(&beside, &target, bytes).await {
            Ok(()) => SendOutcome::Accepted { reply: "250 file".to_owned() },
            Err(error) => {
                let cause = |word| Cause::word(Stage::File, word);
                match error.kind() {
                    std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                        SendOutcome::TransportPaused(cause("not writable"))
                    }
                    std::io::ErrorKind::StorageFull => SendOutcome::Transient(cause("disk full")),
                    _ => SendOutcome::Transient(cause("not written")),
                }
            }
        }
    }

    async fn write(&self, beside: &Path, target: &Path, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.path).await?;
        let mut file = fs::File::create(beside).await?;
        file.write_all(bytes).await?;
        // Only `flush` tells whether the octets were written: `sync_all` swallows a full disk.
        file.flush().await?;
        file.sync_all().await?;
        fs::rename(beside, target).await?;
        // The name is durable with its directory.
        fs::File::open(&self.path).await?.sync_all().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Life;
    use crate::domain::address::EmailAddress;
    use crate::domain::ids::OutboxId;

    #[tokio::test]
    async fn a_mail_becomes_one_whole_file() {
        let path = std::env::temp_dir().join(format!("mailward-directory-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        let directory = Directory::new(path.join("out"));
        let recipient = EmailAddress::parse("ann@example.org").unwrap();
        let envelope = Envelope {
            id: OutboxId::new(uuid::Uuid::from_u128(7)),
            reverse_path: None,
            recipient: &recipient,
            life: &Life::endless(),
        };
        for _ in 0..2 {
            let outcome = directory.send(envelope, b"Subject: x\r\n\r\nbody\r\n").await;
            assert!(matches!(outcome, SendOutcome::Accepted { .. }), "{outcome:?}");
        }
        let files: Vec<_> = std::fs::read_dir(path.join("out")).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(files, [directory.file(envelope)]);
        assert_eq!(std::fs::read(&files[0]).unwrap(), b"Subject: x\r\n\r\nbody\r\n");

        std::fs::write(path.join("file"), b"").unwrap();
        let blocked = Directory::new(path.join("file"));
        let outcome = blocked.send(envelope, b"x").await;
        assert!(matches!(outcome, SendOutcome::Transient(_)), "{outcome:?}");
        std::fs::remove_dir_all(path).unwrap();
    }
}
