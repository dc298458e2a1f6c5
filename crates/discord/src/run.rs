//! A program of a user's, from the first answer to the last.

mod ask;
mod attach;
mod audit;
mod finish;
mod follow;
mod install;
mod modes;
mod recent;

pub(crate) use ask::Ask;
pub(crate) use attach::{file_name, is_blocked};
pub(crate) use audit::Audit;
pub(crate) use finish::OUTPUT_FILE;
pub(crate) use modes::Modes;
pub(crate) use recent::{Kept, Recent};
