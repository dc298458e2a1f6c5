//! A program on its way to the interpreter that waits for it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{Language, Program, WORKSPACE_TARGET};

/// A program as an interpreter takes it: a line with the decimal length of each part, then the parts: name, source, `1` to
/// echo the last expression, `1` if there is input, directory, arguments. What follows is the program's own input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub(super) head: Bytes,
    pub(super) stdin: Bytes,
}

impl Frame {
    /// Puts `program` on its way to an interpreter of `language`, to run in `directory` of the container, or in the
    /// workspace if that does not exist. `echo` is for a program that does not say itself.
    pub fn new(program: &Program, language: &Language, directory: &str, echo: bool) -> Self {
        let flag = |set| if set { "1" } else { "0" };
        let directory = if directory.is_empty() {
            WORKSPACE_TARGET
        } else {
            directory
        };
        let parts = [
            program.name.as_deref().unwrap_or(&language.file_name),
            &program.source,
            flag(program.echo.unwrap_or(echo)),
            flag(program.stdin.is_some()),
            directory,
        ];
        let parts = || parts.into_iter().chain(program.args.iter().map(String::as_str));
        let lengths: Vec<String> = parts().map(|part| part.len().to_string()).collect();
        let mut head = BytesMut::new();
        head.put(lengths.join(" ").as_bytes());
        head.put_u8(b'\n');
        parts().for_each(|part| head.put(part.as_bytes()));
        Self {
            head: head.freeze(),
            stdin: program.stdin.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SandboxConfig;

    #[test]
    fn lengths_are_of_bytes_and_parts_follow() {
        let program = Program::new("python", "é\n").with_args(["a", ""]).with_stdin("input");
        let python = SandboxConfig::default().languages().unwrap().remove("python").unwrap();
        let frame = Frame::new(&program, &python, "/workspace/d", true);
        assert_eq!(frame.head, "7 3 1 1 12 1 0\nmain.pyé\n11/workspace/da");
        assert_eq!(frame.stdin, "input");
    }
}
