//! The command line: a file a command; fetch, decide or read, print.

pub mod out;
