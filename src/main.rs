//! The command line of mailward.

use std::process::ExitCode;

fn main() -> ExitCode {
    // One TLS provider for the whole process; a second one would panic at the first handshake.
    drop(rustls::crypto::ring::default_provider().install_default());
    // Reading, sending and deciding wait more than they work; what works long has threads of its own
    // (`worker::ingest::hands`). More threads would each keep memory of their own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(mailward::cli::main());
            // A mail that stalls its reader must not hold up the end of the process.
            runtime.shutdown_background();
            code
        }
        Err(_) => ExitCode::from(75),
    }
}
