//! One integration binary: real databases, real servers.

mod harness;
mod store_conformance;
