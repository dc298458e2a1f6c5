//! What a user wants to run.

use bytes::Bytes;

use crate::{LimitRequest, Result, SandboxError};

/// The kernel takes about 2 MiB of arguments and environment; this leaves room for the rest.
const MAX_ARGS_BYTES: usize = 64 << 10;
const MAX_ARGS: usize = 1024;
const MAX_NAME_BYTES: usize = 255;

/// Describes one program and what it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Program {
    /// The language, by name or by one of its others.
    pub language: String,
    /// The source.
    pub source: String,
    /// The name that tracebacks show; `None` is the file name of the language.
    pub name: Option<String>,
    /// Files that are written to the workspace before it runs, by path from the current directory.
    pub files: Vec<ProgramFile>,
    /// The arguments.
    pub args: Vec<String>,
    /// Standard input; with `None` it is at its end, and the hint for programs that read it says so.
    pub stdin: Option<Bytes>,
    /// What it may use; at most what the operator allows.
    pub limits: LimitRequest,
    /// Whether the value of a last expression is printed; `None` is the setting of the sandbox.
    pub echo: Option<bool>,
}

/// A file that comes with a [`Program`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramFile {
    /// The path, from the current directory of the sandbox.
    pub path: String,
    /// The content.
    pub content: Bytes,
}

impl Program {
    /// Creates a program without arguments, files and input.
    pub fn new(language: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            language: language.into(),
            source: source.into(),
            ..Self::default()
        }
    }

    /// Sets the name that tracebacks show.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<String>, content: impl Into<Bytes>) -> Self {
        self.files.push(ProgramFile {
            path: path.into(),
            content: content.into(),
        });
        self
    }

    /// Sets the arguments.
    #[must_use]
    pub fn with_args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Sets standard input.
    #[must_use]
    pub fn with_stdin(mut self, stdin: impl Into<Bytes>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Sets what it may use.
    #[must_use]
    pub fn with_limits(mut self, limits: LimitRequest) -> Self {
        self.limits = limits;
        self
    }

    /// Sets whether the value of a last expression is printed.
    #[must_use]
    pub fn with_echo(mut self, echo: bool) -> Self {
        self.echo = Some(echo);
        self
    }

    /// Checks what no operating system could run; the length of the source is for
    /// [`Limits::check_source`](crate::Limits::check_source).
    ///
    /// # Errors
    ///
    /// - [`SandboxError::InvalidProgram`].
    pub fn validate(&self) -> Result<()> {
        let length: usize = self.args.iter().map(String::len).sum();
        if self.args.len() > MAX_ARGS || length > MAX_ARGS_BYTES {
            return Err(invalid(
                "its arguments are more than 1024, or longer than 64 KiB together",
            ));
        }
        if self.args.iter().any(|argument| argument.contains('\0')) {
            return Err(invalid("an argument has a zero byte in it"));
        }
        let is_name = |name: &String| {
            !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.ends_with('/') && !name.contains(char::is_control)
        };
        if !self.name.as_ref().is_none_or(is_name) {
            return Err(invalid(
                "its name is empty, longer than 255 bytes, or not that of a file",
            ));
        }
        Ok(())
    }
}

fn invalid(why: &'static str) -> SandboxError {
    SandboxError::InvalidProgram { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_run_is_refused() {
        let program = || Program::new("python", "1");
        assert!(
            program()
                .with_args(["a b", "é", ""])
                .with_name("dir/main.py")
                .validate()
                .is_ok()
        );
        for bad in [
            program().with_args(["a\0b"]),
            program().with_args(vec!["a"; MAX_ARGS + 1]),
            program().with_args(["a".repeat(MAX_ARGS_BYTES + 1)]),
            program().with_name(""),
            program().with_name("dir/"),
            program().with_name("a\nb"),
        ] {
            assert!(
                matches!(bad.validate(), Err(SandboxError::InvalidProgram { .. })),
                "{:?}",
                bad.name
            );
        }
    }
}
