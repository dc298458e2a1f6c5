//! What people see, made of what programs print: pure text, which Discord can neither misread nor be misused by.

mod ansi;
mod block;
mod card;
mod clip;
mod live;
mod quantity;
mod refusal;
mod verdict;
mod visible;

pub(crate) use block::{block, inline};
pub(crate) use card::Card;
pub(crate) use clip::{MAX_CONTENT, length};
pub(crate) use live::Live;
pub(crate) use quantity::{size, span};
pub(crate) use refusal::{is_ours, refusal};
