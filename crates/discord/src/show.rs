//! What people see, made of what programs print: pure text, which Discord can neither misread nor be misused by.

mod ansi;
#[cfg(test)]
mod benchmarks;
mod block;
mod card;
mod clip;
mod hint;
mod live;
mod quantity;
mod refusal;
mod verdict;
mod visible;

pub(crate) use block::{block, inline, line};
pub(crate) use card::Card;
pub(crate) use clip::{MAX_CONTENT, fitting, length};
pub(crate) use hint::hint;
pub(crate) use live::Live;
pub(crate) use quantity::{size, span};
pub(crate) use refusal::{is_ours, refusal};
