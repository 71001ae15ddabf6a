//! The bytes, read back by another parser.
