//! Dovecot: IMAP (plain and STARTTLS), IMAPS and LMTP on loopback, passwords in a file, Maildirs
//! below the scratch folder.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use super::client::{ImapClient, lmtp_deliver};
use super::scratch::stop_group;
use super::{Certificates, Scratch, find, free_port, run, wait_for_port};

/// Everybody's password.
pub const PASSWORD: &str = "harness secret \"1\\2\"";

/// A running Dovecot.
#[derive(Debug)]
pub struct Dovecot {
    pub imap: u16,
    pub imaps: u16,
    pub lmtp: u16,
    pub certificates: Certificates,
    scratch: Scratch,
    child: Child,
}

impl Dovecot {
    pub fn start(users: &[&str]) -> Self {
        let scratch = Scratch::new("dovecot");
        let (imap, imaps, lmtp) = (free_port(), free_port(), free_port());
        let certificates = Certificates::issue(&scratch);
        let lines = users.iter().map(|user| format!("{user}:{{PLAIN}}{PASSWORD}::::::\n"));
        fs::write(scratch.join("users"), lines.collect::<String>()).unwrap();
        for folder in ["run", "state", "mail"] {
            fs::create_dir(scratch.join(folder)).unwrap();
        }
        run("chown", &["mail:mail", &scratch.join("mail").display().to_string()]);
        run("chmod", &["755", &scratch.text()]);
        let conf = scratch.join("dovecot.conf");
        fs::write(&conf, configuration(&scratch, &certificates, [imap, imaps, lmtp])).unwrap();
        let child = Command::new(find("dovecot").unwrap())
            .args(["-F", "-c"])
            .arg(&conf)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let dovecot = Self { imap, imaps, lmtp, certificates, scratch, child };
        for port in [imap, imaps, lmtp] {
            wait_for_port(port, &dovecot.scratch.join("log"));
        }
        dovecot
    }

    /// Another client, as a person would use.
    pub fn client(&self, user: &str) -> ImapClient {
        ImapClient::login(self.imap, user, PASSWORD)
    }

    /// A mail as it comes in by LMTP.
    pub fn deliver(&self, user: &str, mail: &[u8]) {
        lmtp_deliver(self.lmtp, user, mail);
    }

    /// A mail as a client puts it there; `date` as in `05-Nov-2026 06:08:09 +0000`.
    pub fn append(&self, user: &str, folder: &str, mail: &[u8], date: &str) {
        self.client(user).append(folder, mail, date);
    }

    pub fn create_folder(&self, user: &str, folder: &str) {
        self.client(user).ok(&format!("CREATE \"{folder}\""));
    }

    /// Throws a folder away and makes it anew: another UIDVALIDITY.
    pub fn recreate_folder(&self, user: &str, folder: &str) {
        let mut client = self.client(user);
        client.ok(&format!("DELETE \"{folder}\""));
        // Dovecot takes the second of the creation for the new UIDVALIDITY.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        client.ok(&format!("CREATE \"{folder}\""));
    }

    /// Fills INBOX with a Maildir, in the order of its file names and with their dates. The server's
    /// user works on a copy that it owns.
    pub fn import(&self, user: &str, maildir: &std::path::Path) {
        let copy = self.scratch.join("import").display().to_string();
        run("cp", &["-rp", &maildir.display().to_string(), &copy]);
        run("chown", &["-R", "mail:mail", &copy]);
        let conf = self.scratch.join("dovecot.conf").display().to_string();
        run("doveadm", &["-c", &conf, "import", "-u", user, &format!("maildir:{copy}"), "", "all"]);
        let _ = fs::remove_dir_all(copy);
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.scratch.join("log")).unwrap_or_default()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        stop_group(self.child.id());
        let _ = self.child.wait();
    }
}

fn configuration(scratch: &Scratch, certificates: &Certificates, ports: [u16; 3]) -> String {
    let base = scratch.text();
    let [imap, imaps, lmtp] = ports;
    let id = |flag: &str| run("id", &[flag, "mail"]).trim().to_owned();
    let (uid, gid) = (id("-u"), id("-g"));
    let (certificate, key) = (certificates.certificate.display(), certificates.key.display());
    format!(
        "base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Ln
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
mail_max_userip_connections = 100
default_internal_user = dovecot
default_login_user = dovenull
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {base}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/mail/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
  service_count = 0
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
protocol imap {{
  imap_idle_notify_interval = 2 mins
}}
"
    )
}
