//! Faults on order, for the tests of poison mail (L25): a header asks for one. Compiled in only by the
//! feature `fault-injection`, which is in no default; a program built without it does not know the
//! header. Takes the octets of a mail, gives nothing or does not come back.

use std::time::Duration;

/// Does to this process what the mail's `X-Mailward-Fault` asks for: `panic`, `abort`, `stall`, or `slow`
/// (three seconds, then as any other mail).
#[expect(clippy::panic, reason = "that is the fault")]
pub fn inject(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n').take_while(|line| !line.trim_ascii().is_empty());
    let order = lines.find_map(|line| line.strip_prefix(b"X-Mailward-Fault:"));
    match order.map(<[u8]>::trim_ascii) {
        Some(b"panic") => panic!("a fault on order"),
        Some(b"abort") => std::process::abort(),
        Some(b"slow") => std::thread::sleep(Duration::from_secs(3)),
        Some(b"stall") => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        _ => {}
    }
}
