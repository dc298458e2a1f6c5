//! The filter of system calls that every program runs under.

mod allowed;
mod default;
mod profile;
mod program;
mod syscalls;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, OnceLock};

use inline_runtime::{Error, ErrorKind, Result, Seccomp};
use seccompiler::{TargetArch, sock_filter};

use program::MAX_INSTRUCTIONS;

const INSTRUCTION_BYTES: usize = size_of::<sock_filter>();

/// A filter that is ready to load: the program that the kernel runs at each call.
#[derive(Clone, Debug)]
pub(crate) struct Filter(Arc<[sock_filter]>);

impl Filter {
    /// Returns the filter that a spec asks for. Ours is compiled once in the life of the process.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidSpec`] if a profile cannot be obeyed to the letter; the message says what in it.
    /// - [`ErrorKind::Unsupported`] on processors whose calls are not known here.
    pub(crate) fn of(seccomp: &Seccomp) -> Result<Self> {
        static DEFAULT: OnceLock<Filter> = OnceLock::new();
        match seccomp {
            Seccomp::Default => {
                if let Some(filter) = DEFAULT.get() {
                    return Ok(filter.clone());
                }
                let filter = Self(default::compile(architecture()?)?.into());
                Ok(DEFAULT.get_or_init(|| filter).clone())
            }
            Seccomp::Profile(json) => Ok(Self(profile::compile(architecture()?, json)?.into())),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "the choice of seccomp filter is not known here",
            )),
        }
    }

    /// Returns the program as bytes, for a process of the same machine.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * INSTRUCTION_BYTES);
        for instruction in self.0.iter() {
            bytes.extend_from_slice(&instruction.code.to_ne_bytes());
            bytes.extend_from_slice(&[instruction.jt, instruction.jf]);
            bytes.extend_from_slice(&instruction.k.to_ne_bytes());
        }
        bytes
    }

    /// Takes a program from the bytes of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Unexpected`] if they are no whole number of instructions, none, or more than the kernel takes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (instructions, rest) = bytes.as_chunks::<INSTRUCTION_BYTES>();
        if instructions.is_empty() || instructions.len() > MAX_INSTRUCTIONS || !rest.is_empty() {
            return Err(Error::new(
                ErrorKind::Unexpected,
                format!("{} bytes are no seccomp filter", bytes.len()),
            ));
        }
        Ok(Self(
            instructions
                .iter()
                .map(|&[code0, code1, jt, jf, k0, k1, k2, k3]| sock_filter {
                    code: u16::from_ne_bytes([code0, code1]),
                    jt,
                    jf,
                    k: u32::from_ne_bytes([k0, k1, k2, k3]),
                })
                .collect(),
        ))
    }

    /// Returns the instructions, for a load without `no_new_privs`, which needs the right of an administrator.
    pub(crate) fn instructions(&self) -> &[sock_filter] {
        &self.0
    }

    /// Sets `no_new_privs` and loads the filter into the calling thread; what it starts inherits both.
    pub(crate) fn load(&self) -> io::Result<()> {
        seccompiler::apply_filter(&self.0).map_err(|error| match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => error,
            other => io::Error::other(other),
        })
    }
}

fn architecture() -> Result<TargetArch> {
    match std::env::consts::ARCH {
        "x86_64" => Ok(TargetArch::x86_64),
        "aarch64" => Ok(TargetArch::aarch64),
        other => Err(Error::new(
            ErrorKind::Unsupported,
            format!("the system calls of `{other}` are not known here; they are of x86_64 and aarch64"),
        )),
    }
}
