//! Mail as files: a Maildir (`new/` and `cur/`) or a directory of `.eml`. Takes a path, gives mails
//! in order, and puts them aside once the caller has committed. Blocking: call it from a blocking
//! thread. Never writes into a mail, never overwrites a file, never follows a name out of its root.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use crate::domain::account::After;
use crate::domain::message::Instant;

/// Where a directory's mails go when `after` names no folder.
const PROCESSED: &str = "processed";

/// A place where mail lies as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// A Maildir; mails are read in the order of their delivery stamp.
    Maildir(PathBuf),
    /// A directory of `.eml` files, read in name order. Writers must rename complete files into it.
    Directory(PathBuf),
}

/// A mail that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is now.
    pub path: PathBuf,
    /// What stays the same when flags change: its identity within the source.
    pub name: String,
}

/// A mail that was read.
#[derive(Clone)]
pub struct FileMail {
    /// The octets; for an oversize mail the first part.
    pub bytes: Vec<u8>,
    /// When the file was last written: its arrival.
    pub arrived: Instant,
    /// The whole size when only the first part was read.
    pub oversize: Option<u64>,
}

impl std::fmt::Debug for FileMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<file mail, {} bytes>", self.bytes.len())
    }
}

impl FileSource {
    /// All mails that lie there now, in order.
    pub fn list(&self) -> io::Result<Vec<FoundFile>> {
        match self {
            Self::Directory(root) => {
                let mut found = regular_files(root)?;
                found.retain(|file| file.path.extension().is_some_and(|e| e.eq_ignore_ascii_case("eml")));
                found.sort_by(|a, b| a.name.cmp(&b.name));
                Ok(found)
            }
            Self::Maildir(root) => {
                let mut found = regular_files(&root.join("new"))?;
                found.extend(regular_files(&root.join("cur"))?);
                for file in &mut found {
                    file.name = unique_part(&file.name).to_owned();
                }
                found.sort_by(|a, b| (stamp(&a.name), &a.name).cmp(&(stamp(&b.name), &b.name)));
                Ok(found)
            }
        }
    }

    /// Every file that is or was a mail of this source: those that lie there, and those put aside.
    pub fn everywhere(&self, after: &After) -> io::Result<Vec<PathBuf>> {
        let mut found: Vec<PathBuf> = self.list()?.into_iter().map(|file| file.path).collect();
        let aside = match (self, after) {
            (Self::Directory(root), After::Move(folder)) => vec![root.join(one_component(folder.as_str())?)],
            (Self::Directory(root), _) => vec![root.join(PROCESSED)],
            (Self::Maildir(root), After::Move(folder)) => {
                let folder = root.join(format!(".{}", one_component(folder.as_str())?));
                vec![folder.join("new"), folder.join("cur")]
            }
            (Self::Maildir(_), _) => Vec::new(),
        };
        for folder in aside.into_iter().filter(|folder| folder.is_dir()) {
            found.extend(regular_files(&folder)?.into_iter().map(|file| file.path));
        }
        Ok(found)
    }

    /// Reads one mail, of one above `limits.message_bytes` only the first `limits.oversize_bytes`.
    pub fn read(&self, path: &Path, limits: &super::Limits) -> io::Result<FileMail> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        let arrived = Instant::from(about.modified()?);
        let oversize = (about.len() > limits.message_bytes).then_some(about.len());
        let bound = if oversize.is_some() { limits.oversize_bytes } else { limits.message_bytes };
        let mut bytes = Vec::new();
        file.take(bound).read_to_end(&mut bytes)?;
        Ok(FileMail { bytes, arrived, oversize })
    }

    /// Puts a committed mail aside: in a Maildir into `cur/` with the flag `S`, or into the folder
    /// named (Maildir++); in a directory into the subfolder named, else `processed`. A mail that is
    /// gone by now counts as done.
    pub fn after_commit(&self, path: &Path, after: &After) -> io::Result<()> {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let target = match (self, after) {
            (_, After::None) => return Ok(()),
            (Self::Maildir(root), After::Flag) => root.join("cur").join(seen(name)),
            (Self::Maildir(root), After::Move(folder)) => {
                let folder = root.join(format!(".{}", one_component(folder.as_str())?));
                for part in ["tmp", "new", "cur"] {
                    fs::create_dir_all(folder.join(part))?;
                }
                folder.join("cur").join(seen(name))
            }
            (Self::Directory(root), After::Flag) => aside(root, PROCESSED, name)?,
            (Self::Directory(root), After::Move(folder)) => aside(root, folder.as_str(), name)?,
        };
        if target == path {
            return Ok(());
        }
        match fs::rename(path, free(&target)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.exists() => Ok(()),
            other => other,
        }
    }
}

fn aside(root: &Path, folder: &str, name: &str) -> io::Result<PathBuf> {
    let folder = root.join(one_component(folder)?);
    fs::create_dir_all(&folder)?;
    Ok(folder.join(name))
}

/// Refuses a folder name that would lead elsewhere.
fn one_component(name: &str) -> io::Result<&str> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "a folder name with a path in it")),
    }
}

/// A name that no file has yet: a rename would overwrite without a word.
fn free(target: &Path) -> PathBuf {
    let mut candidate = target.to_path_buf();
    let mut number = 0_u32;
    while candidate.exists() {
        number += 1;
        let mut name = target.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{number}"));
        candidate = target.with_file_name(name);
    }
    candidate
}

fn regular_files(folder: &Path) -> io::Result<Vec<FoundFile>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !name.starts_with('.') {
            found.push(FoundFile { path: entry.path(), name });
        }
    }
    Ok(found)
}

/// What stands before `:2,` in a Maildir's file name.
fn unique_part(name: &str) -> &str {
    name.split_once(':').map_or(name, |(unique, _)| unique)
}

/// The delivery stamp at the head of a Maildir's file name, in seconds.
fn stamp(name: &str) -> u64 {
    name.split('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX)
}

/// The name with the flag `S` among its flags, which stand in ASCII order.
fn seen(name: &str) -> String {
    let (unique, info) = name.split_once(":2,").unwrap_or((unique_part(name), ""));
    let mut flags: Vec<char> = info.chars().chain(['S']).collect();
    flags.sort_unstable();
    flags.dedup();
    format!("{unique}:2,{}", flags.iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::FolderName;

    fn scratch(name: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("mailward-files-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        root
    }

    fn names(source: &FileSource) -> Vec<String> {
        source.list().unwrap().into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn a_directory_is_read_in_name_order_and_put_aside() {
        let root = scratch("dir");
        for name in ["b.eml", "a.EML", "note.txt", ".hidden.eml"] {
            fs::write(root.join(name), b"Subject: x\r\n\r\n").unwrap();
        }
        fs::create_dir(root.join("c.eml")).unwrap();
        let source = FileSource::Directory(root.clone());
        assert_eq!(names(&source), ["a.EML", "b.eml"]);
        source.after_commit(&root.join("a.EML"), &After::Flag).unwrap();
        source.after_commit(&root.join("a.EML"), &After::Flag).unwrap();
        fs::write(root.join("a.EML"), b"again").unwrap();
        source.after_commit(&root.join("a.EML"), &After::Flag).unwrap();
        source.after_commit(&root.join("b.eml"), &After::None).unwrap();
        assert_eq!(names(&source), ["b.eml"]);
        assert_eq!(fs::read(root.join("processed/a.EML")).unwrap(), b"Subject: x\r\n\r\n");
        assert_eq!(fs::read(root.join("processed/a.EML.1")).unwrap(), b"again");
        let away = After::Move(FolderName::parse("../away").unwrap());
        assert!(source.after_commit(&root.join("b.eml"), &away).is_err());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_maildir_keeps_its_names_and_flags() {
        let root = scratch("maildir");
        for part in ["tmp", "new", "cur"] {
            fs::create_dir(root.join(part)).unwrap();
        }
        fs::write(root.join("new/200.b.host"), b"new").unwrap();
        fs::write(root.join("cur/1000.c.host:2,FS"), b"seen by a person").unwrap();
        fs::write(root.join("cur/30.a.host:2,"), b"old").unwrap();
        let source = FileSource::Maildir(root.clone());
        let order = ["30.a.host", "200.b.host", "1000.c.host"];
        assert_eq!(names(&source), order, "L1: `S` is no cursor");
        for file in source.list().unwrap() {
            source.after_commit(&file.path, &After::Flag).unwrap();
        }
        assert_eq!(names(&source), order);
        assert!(root.join("cur/200.b.host:2,S").exists());
        assert!(root.join("cur/1000.c.host:2,FS").exists());
        let done = After::Move(FolderName::parse("Processed").unwrap());
        for file in source.list().unwrap() {
            source.after_commit(&file.path, &done).unwrap();
        }
        assert!(names(&source).is_empty());
        assert!(root.join(".Processed/cur/1000.c.host:2,FS").exists());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn l28_a_large_file_is_read_in_part() {
        let root = scratch("large");
        let path = root.join("a.eml");
        fs::write(&path, vec![b'x'; 101]).unwrap();
        let source = FileSource::Directory(root.clone());
        let limits = super::super::Limits { message_bytes: 100, oversize_bytes: 10, ..Default::default() };
        let mail = source.read(&path, &limits).unwrap();
        assert_eq!((mail.bytes.len(), mail.oversize), (10, Some(101)));
        let limits = super::super::Limits { message_bytes: 101, ..limits };
        let mail = source.read(&path, &limits).unwrap();
        assert_eq!((mail.bytes.len(), mail.oversize), (101, None));
        fs::remove_dir_all(root).unwrap();
    }
}
