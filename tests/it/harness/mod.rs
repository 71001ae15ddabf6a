//! Real servers for tests: private, on loopback or a unix socket, stopped by their own process ids.

pub mod postgres;
