//! Makes cargo build again when a migration comes along, which the macro that embeds them cannot see.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
