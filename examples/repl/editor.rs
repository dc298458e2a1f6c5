//! Line editing, history and input over several lines.

use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Completer, Helper, Highlighter, Hinter};

use crate::Result;

/// One input of the user's.
#[derive(Debug)]
pub(crate) enum Input {
    /// A program to run.
    Source(String),
    /// A command, without its colon.
    Command(String),
    /// An empty line, or one that was given up with Ctrl-C.
    Nothing,
    /// Ctrl-D.
    End,
}

/// Reads from the terminal.
pub(crate) struct Editor {
    inner: Option<rustyline::Editor<Continuation, DefaultHistory>>,
    history: Option<PathBuf>,
}

impl Editor {
    pub(crate) fn open() -> Result<Self> {
        let mut inner = rustyline::Editor::new()?;
        let history = history_file();
        if let Some(path) = &history {
            // There is none yet at the first start.
            let _ = inner.load_history(path);
        }
        Ok(Self {
            inner: Some(inner),
            history,
        })
    }

    /// Reads one input. Dropping the future loses the terminal, so do it only to leave.
    pub(crate) async fn read(&mut self, language: &str) -> Result<Input> {
        let mut inner = self.inner.take().ok_or("the terminal was given up")?;
        inner.set_helper(Some(Continuation {
            language: language.to_owned(),
        }));
        let prompt = format!("{language}> ");
        let (mut inner, line) = tokio::task::spawn_blocking(move || {
            let line = inner.readline(&prompt);
            (inner, line)
        })
        .await?;
        let input = match line {
            Ok(line) if line.trim().is_empty() => Input::Nothing,
            Ok(line) => {
                let _ = inner.add_history_entry(&line);
                if let Some(path) = &self.history {
                    // A history that cannot be kept is no reason to stop working.
                    let _ = inner.save_history(path);
                }
                match line.trim().strip_prefix(':') {
                    Some(command) => Input::Command(command.to_owned()),
                    None => Input::Source(line),
                }
            }
            Err(ReadlineError::Interrupted) => Input::Nothing,
            Err(ReadlineError::Eof) => Input::End,
            Err(error) => return Err(error.into()),
        };
        self.inner = Some(inner);
        Ok(input)
    }
}

/// The history is the user's own, beside what other programs keep of their state.
fn history_file() -> Option<PathBuf> {
    let state = match std::env::var_os("XDG_STATE_HOME") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".local/state"),
    };
    let directory = state.join("inline");
    std::fs::create_dir_all(&directory).ok()?;
    Some(directory.join("repl-history"))
}

/// Decides whether what was typed is finished.
#[derive(Completer, Helper, Highlighter, Hinter)]
struct Continuation {
    language: String,
}

impl Validator for Continuation {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let is_complete = context.input().starts_with(':') || is_complete(&self.language, context.input());
        Ok(if is_complete {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

/// Says whether a statement is finished, as far as brackets, quotes and blocks tell; the interpreter has the last word.
fn is_complete(language: &str, source: &str) -> bool {
    let lines: Vec<&str> = source.lines().collect();
    let last = source.rsplit('\n').next().unwrap_or_default();
    if last.ends_with('\\') || has_open_bracket_or_quote(language, source) {
        return false;
    }
    match language {
        // A block ends with an empty line.
        "python" => {
            let opens_block = lines.iter().any(|line| line.trim_end().ends_with(':'));
            !(opens_block || source.starts_with('@')) || last.trim().is_empty()
        }
        "bash" => {
            let words = || source.split(|c: char| c.is_whitespace() || c == ';');
            let count = |wanted: &[&str]| words().filter(|word| wanted.contains(word)).count();
            count(&["if", "do", "case"]) <= count(&["fi", "done", "esac"])
        }
        _ => true,
    }
}

fn has_open_bracket_or_quote(language: &str, source: &str) -> bool {
    let (quotes, comment, brackets): (&[&str], &str, bool) = match language {
        "python" => (&["\"\"\"", "'''", "\"", "'"], "#", true),
        "bash" => (&["\"", "'"], "#", false),
        _ => (&["`", "\"", "'"], "//", true),
    };
    let spans_lines = |quote: &str| language == "bash" || quote.len() == 3 || quote == "`";
    let (mut rest, mut depth, mut open) = (source, 0_usize, None::<&str>);
    while let Some(first) = rest.chars().next() {
        let mut step = first.len_utf8();
        match open {
            Some(quote) if rest.starts_with(quote) => {
                open = None;
                step = quote.len();
            }
            // In single quotes a shell takes the backslash as it is.
            Some(quote) if first == '\\' && !(language == "bash" && quote == "'") => {
                step += rest[step..].chars().next().map_or(0, char::len_utf8);
            }
            Some(quote) if first == '\n' && !spans_lines(quote) => open = None,
            Some(_) => {}
            None if rest.starts_with(comment) => step = rest.find('\n').unwrap_or(rest.len()),
            None => match quotes.iter().find(|quote| rest.starts_with(**quote)) {
                Some(quote) => {
                    open = Some(quote);
                    step = quote.len();
                }
                None if brackets && matches!(first, '(' | '[' | '{') => depth += 1,
                None if brackets && matches!(first, ')' | ']' | '}') => depth = depth.saturating_sub(1),
                None => {}
            },
        }
        rest = &rest[step..];
    }
    depth > 0 || open.is_some_and(spans_lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_statements_go_on() {
        for (language, source, complete) in [
            ("python", "x = 1", true),
            ("python", "f(1,", false),
            ("python", "f(1,\n2)", true),
            ("python", "'(' # (", true),
            ("python", "'''a", false),
            ("python", "'''a\nb'''", true),
            ("python", "'it\\'s'", true),
            ("python", "if x:", false),
            ("python", "if x:\n  y", false),
            ("python", "if x:\n  y\n", true),
            ("python", "@f", false),
            ("python", "x = \\", false),
            ("python", "'unclosed", true),
            ("node", "function f() {", false),
            ("node", "function f() {\n}", true),
            ("node", "`a", false),
            ("node", "a // (", true),
            ("bash", "for i in 1 2; do", false),
            ("bash", "for i in 1 2; do\necho $i; done", true),
            ("bash", "if true; then", false),
            ("bash", "echo 'a", false),
            ("bash", "echo 'a\\'", true),
            ("bash", "echo \\", false),
        ] {
            assert_eq!(is_complete(language, source), complete, "{language}: {source:?}");
        }
    }
}
