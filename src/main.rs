//! The command line of mailward.

use std::process::ExitCode;

fn main() -> ExitCode {
    // One TLS provider for the whole process; a second one would panic at the first handshake.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(mailward::cli::main()),
        Err(_) => ExitCode::from(75),
    }
}
