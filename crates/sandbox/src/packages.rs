//! Packages that owners add to their sandboxes with pip and npm.

mod npm;
mod pip;
mod specifier;

pub(crate) use pip::normal;
pub use specifier::{PackageManager, Specifier, SpecifierPolicy, parse_specifiers};
