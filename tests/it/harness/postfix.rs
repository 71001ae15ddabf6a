//! Postfix: takes mail by SMTP (plain, STARTTLS, and TLS from the first octet), hands `example.net`
//! to a Dovecot by LMTP and relays everything else to the sink. Has to be started as root.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::client::smtp_send;
use super::scratch::stop_by_pid_file;
use super::{Certificates, Dovecot, Scratch, Sink, find, free_port, wait_for_port};

/// The domain whose mail stays here.
pub const DOMAIN: &str = "example.net";

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    pub smtp: u16,
    pub smtps: u16,
    pub certificates: Certificates,
    scratch: Scratch,
}

impl Postfix {
    pub fn start(dovecot: &Dovecot, sink: &Sink) -> Self {
        Self::start_with(dovecot, sink, "")
    }

    /// The same, which takes every header of mail on its way that matches this expression out of it, as
    /// a careless forwarder does; none for an empty one.
    pub fn start_with(dovecot: &Dovecot, sink: &Sink, loses: &str) -> Self {
        let scratch = Scratch::new("postfix");
        let (smtp, smtps) = (free_port(), free_port());
        let certificates = Certificates::issue(&scratch);
        for folder in ["conf", "queue", "data"] {
            fs::create_dir(scratch.join(folder)).unwrap();
        }
        super::run("chmod", &["755", &scratch.text()]);
        super::run("chown", &["postfix", &scratch.join("data").display().to_string()]);
        let main = configuration(&scratch, &certificates, dovecot.lmtp, sink.port);
        let checks = scratch.join("conf/headers");
        let rule = if loses.is_empty() { String::new() } else { format!("/{loses}/ IGNORE\n") };
        fs::write(&checks, rule).unwrap();
        let main = format!("{main}header_checks = regexp:{}\n", checks.display());
        fs::write(scratch.join("conf/main.cf"), main).unwrap();
        fs::write(scratch.join("conf/master.cf"), services(smtp, smtps)).unwrap();
        let postfix = Self { smtp, smtps, certificates, scratch };
        let output = Command::new(find("postfix").unwrap())
            .arg("-c")
            .arg(postfix.scratch.join("conf"))
            .arg("start")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "postfix start: {said}\n{}", postfix.log());
        wait_for_port(smtp, &postfix.log_file());
        wait_for_port(smtps, &postfix.log_file());
        postfix
    }

    /// A mail as a customer sends it; gives the server's last reply.
    pub fn send(&self, from: &str, to: &str, mail: &[u8]) -> String {
        smtp_send(self.smtp, from, to, mail)
    }

    /// How many mails still lie in the queue.
    pub fn queued(&self) -> usize {
        let queues = ["maildrop", "incoming", "active", "deferred"];
        queues.iter().map(|queue| files(&self.scratch.join("queue").join(queue))).sum()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.scratch.join("log")
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        stop_by_pid_file(&self.scratch.join("queue/pid/master.pid"), self.scratch.path());
    }
}

fn files(folder: &std::path::Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

fn configuration(scratch: &Scratch, certificates: &Certificates, lmtp: u16, sink: u16) -> String {
    let base = scratch.text();
    let (certificate, key) = (certificates.certificate.display(), certificates.key.display());
    format!(
        "compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {base}/log
maillog_file_prefixes = {base}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.{DOMAIN}
mydomain = {DOMAIN}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
recipient_delimiter = +
virtual_mailbox_domains = {DOMAIN}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
default_transport = smtp:[127.0.0.1]:{sink}
relay_transport = smtp:[127.0.0.1]:{sink}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtp_dns_support_level = disabled
smtp_tls_security_level = none
message_size_limit = 52428800
mailbox_size_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
"
    )
}

fn services(smtp: u16, smtps: u16) -> String {
    let mut services = format!(
        "127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_tls_security_level=encrypt
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
postlog unix-dgram n - n - 1 postlogd
"
    );
    let others = [
        ("tlsmgr", "1", "tlsmgr"),
        ("rewrite", "-", "trivial-rewrite"),
        ("bounce", "0", "bounce"),
        ("defer", "0", "bounce"),
        ("trace", "0", "bounce"),
        ("verify", "1", "verify"),
        ("flush", "0", "flush"),
        ("proxymap", "-", "proxymap"),
        ("smtp", "-", "smtp"),
        ("relay", "-", "smtp"),
        ("lmtp", "-", "lmtp"),
        ("error", "-", "error"),
        ("retry", "-", "error"),
        ("discard", "-", "discard"),
        ("showq", "-", "showq"),
        ("anvil", "1", "anvil"),
        ("scache", "1", "scache"),
    ];
    services.extend(others.map(|(name, limit, program)| format!("{name} unix - - n - {limit} {program}\n")));
    services
}
