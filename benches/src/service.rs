//! The figures of the sandbox service.
//!
//! Each family is measured in a process of its own, which is nothing but a service: it runs as the engine's user, as a
//! service has to where the engine is rootless, and the memory that it uses is the service's.

mod bot;
mod child;
mod deadline;
mod event_delay;
mod host;
mod memory;
mod output;
mod packages;
mod parallel;
mod parent;
mod process;
mod session_cell;
mod soak;
mod subject;
mod warm_run;

pub(crate) use child::child;
pub(crate) use parent::measure;

use crate::by_hand::AnyError;

type Result<T, E = AnyError> = std::result::Result<T, E>;
