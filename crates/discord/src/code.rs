//! Programs in messages: what stands between backticks, and in which language.

mod blocks;

pub(crate) use blocks::{content, extract, source};
