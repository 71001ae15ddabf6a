//! mailward: an email-to-ticket gateway for help desks in health care.

pub mod cli;
pub mod clock;
pub mod compose;
pub mod config;
pub mod decide;
pub mod domain;
pub mod imap;
pub mod intake;
pub mod phi;
pub mod seal;
pub mod serve;
pub mod smtp;
pub mod store;
pub mod telemetry;
pub mod worker;
