//! Tells cargo that the migrations are compiled in: without it a new file is not seen.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
