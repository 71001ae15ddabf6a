//! An installation below a scratch folder: the shipped desks, one of them with the address that the
//! mails are sent to, every first version of the product switched on.

use std::fs;
use std::path::{Path, PathBuf};

use mailward::clock::Random;
use mailward::seal::KeyRing;

/// Where mail comes from and goes to, and where everything is kept.
pub struct Ends<'a> {
    /// The lines of each `[[account]]` that name its source.
    pub sources: &'a [String],
    /// The port of the relay on this machine.
    pub relay: u16,
    /// The address of the desk.
    pub address: &'a str,
    /// `sqlite:` or `postgres:`.
    pub store: &'a str,
}

/// The URL of a database in the folder of the installation.
pub const SQLITE: &str = "sqlite:data/mailward.db";

/// Writes the configuration and gives its path.
pub fn write(folder: &Path, ends: &Ends<'_>) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for below in ["calendars", "words", "desks"] {
        fs::create_dir_all(folder.join(below)).unwrap();
        for entry in fs::read_dir(shipped.join(below)).unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            let text = text.replace("support@portal.example", ends.address);
            fs::write(folder.join(below).join(entry.file_name()), text).unwrap();
        }
    }
    fs::copy(shipped.join("directory.toml"), folder.join("directory.toml")).unwrap();
    fs::write(folder.join("ring.toml"), KeyRing::generate(&Random::System).unwrap()).unwrap();
    let accounts = ends.sources.iter().enumerate().map(|(n, source)| {
        format!(
            "[[account]]\nname = \"support{n}\"\n{source}\nfolders = [\"INBOX\"]\ndesk = \"tuotempo\"\nafter = \"flag\"\nfirst_run = \"live\"\n"
        )
    });
    let text = format!(
        "[store]\nurl = \"{}\"\n[keys]\nfile = \"ring.toml\"\n\
         [smtp]\nkind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nreverse_path = \"desk\"\nmax_per_minute = 0\n\
         [governor]\nper_address_hour = 0\nper_address_day = 0\nper_mailbox_hour = 0\n\
         [auth]\nkind = \"rfc8601\"\nauthserv_ids = [\"mx.helpdesk.example\"]\n\
         [paths]\ndesks = \"desks\"\ncalendars = \"calendars\"\ndirectory = \"directory.toml\"\nwords = \"words\"\n{}",
        ends.store,
        ends.relay,
        accounts.collect::<String>()
    );
    let main = folder.join("mailward.toml");
    fs::write(&main, text).unwrap();
    main
}
