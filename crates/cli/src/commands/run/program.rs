//! The program, from what was named on the command line.

use std::collections::BTreeMap;
use std::path::Path;

use inline_sandbox::{Language, LimitRequest, Limits, Program};

use crate::arguments::RunArguments;
use crate::failure::{Failure, Result};
use crate::input;

/// The language of a program that says nothing of its own.
const DEFAULT_LANGUAGE: &str = "python";
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Holds what was read.
pub(super) struct Given {
    source: String,
    /// The path in the workspace, and the content.
    files: Vec<(String, Vec<u8>)>,
    stdin: Option<Vec<u8>>,
}

impl Given {
    /// Reads the source, the files and the input, each within what the operator allows.
    pub(super) async fn read(arguments: &RunArguments, limits: &Limits) -> Result<Self> {
        let is_stdin = |path: &Option<_>| path.as_deref().is_some_and(input::is_stdin);
        if is_stdin(&arguments.file) && is_stdin(&arguments.stdin) {
            return Err(Failure::told_with_hint(
                "standard input cannot be the program and its input at once",
                "give one of them as a file",
            ));
        }
        let source = match (&arguments.code, &arguments.file) {
            (Some(code), _) => code.clone(),
            (None, Some(path)) => {
                let source = input::read(path, "source", limits.source_bytes).await?;
                let source = String::from_utf8(source)
                    .map_err(|_| Failure::told(format!("the program `{}` is not UTF-8", path.display())))?;
                // Some editors begin a file with this mark, which is no part of the program.
                source.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&source).to_owned()
            }
            (None, None) => String::new(),
        };
        let mut room = limits.workspace_bytes;
        let mut files = Vec::new();
        for path in &arguments.files {
            let content = input::read(path, "file", room).await?;
            room -= content.len() as u64;
            files.push((input::place(path)?, content));
        }
        let stdin = match &arguments.stdin {
            Some(path) => Some(input::read(path, "input", limits.workspace_bytes).await?),
            None => None,
        };
        Ok(Self { source, files, stdin })
    }

    pub(super) fn into_program(
        self,
        arguments: &RunArguments,
        languages: &BTreeMap<String, Language>,
    ) -> Result<Program> {
        let file = arguments.file.as_deref().filter(|path| !input::is_stdin(path));
        let language = match (&arguments.language, file) {
            (Some(language), _) => language.clone(),
            (None, Some(path)) => of_file(path, languages)?,
            (None, None) => DEFAULT_LANGUAGE.to_owned(),
        };
        let limits = LimitRequest {
            timeout: arguments.timeout,
            memory: arguments.memory,
            ..LimitRequest::default()
        };
        let mut program = Program::new(language, self.source)
            .with_args(&arguments.arguments)
            .with_limits(limits);
        if file.is_some() {
            // A script prints what it prints; what is typed is echoed as its sandbox has it.
            program = program.with_echo(false);
        }
        if let Some(name) = file.and_then(Path::file_name).and_then(|name| name.to_str()) {
            program = program.with_name(name);
        }
        if let Some(stdin) = self.stdin {
            program = program.with_stdin(stdin);
        }
        Ok(self
            .files
            .into_iter()
            .fold(program, |program, (path, content)| program.with_file(path, content)))
    }
}

/// Finds the language whose source files end as this one does.
fn of_file(path: &Path, languages: &BTreeMap<String, Language>) -> Result<String> {
    let ending = path.extension().unwrap_or_default();
    let mut found = languages
        .values()
        .filter(|language| Path::new(&language.file_name).extension() == Some(ending));
    found.next().map(|language| language.name.clone()).ok_or_else(|| {
        Failure::told_with_hint(
            format!("the name of `{}` does not tell its language", path.display()),
            "name it with `--language`",
        )
    })
}

#[cfg(test)]
mod tests {
    use inline_sandbox::SandboxConfig;

    use super::*;

    #[test]
    fn the_ending_tells_the_language() {
        let languages = SandboxConfig::default().languages().unwrap();
        for (path, language) in [("a/b.py", "python"), ("b.js", "node"), ("c.d.sh", "bash")] {
            assert_eq!(of_file(Path::new(path), &languages).unwrap(), language);
        }
        for path in ["Makefile", ".py", "a.rb"] {
            assert!(of_file(Path::new(path), &languages).is_err(), "{path}");
        }
    }
}
