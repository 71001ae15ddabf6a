//! The command line of mailward.

fn main() {}
