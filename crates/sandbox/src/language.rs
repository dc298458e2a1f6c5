//! How the interpreter of a language is started, so that it waits for one program, or for the cells of a session.

use crate::{Language, PackageManager};

/// Process 1 of every container; says how the program ended.
const SUPERVISOR: &str = include_str!("bootstrap/supervisor.sh");
const PYTHON: &str = concat!(include_str!("bootstrap/common.py"), include_str!("bootstrap/python.py"));
const PYTHON_SESSION: &str = concat!(
    include_str!("bootstrap/common.py"),
    include_str!("bootstrap/session.py")
);
// In a function, since names at the top would be names of the program's.
const NODE: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("bootstrap/common.js"),
    include_str!("bootstrap/node.js"),
    "})();\n"
);
const NODE_SESSION: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("bootstrap/common.js"),
    include_str!("bootstrap/session.js"),
    "})();\n"
);
const BASH: &str = include_str!("bootstrap/bash.sh");
const BASH_SESSION: &str = include_str!("bootstrap/session.sh");
/// Writes the program to a file, for languages that we know nothing more of.
const FILE: &str = include_str!("bootstrap/file.sh");

/// The interpreters that run a program in the process that waited for it.
struct BuiltIn {
    name: &'static str,
    /// The option behind which the interpreter takes source.
    option: &'static str,
    program: &'static str,
    session: &'static str,
    /// What a session's interpreter is started by.
    launcher: &'static [&'static str],
    package_manager: Option<PackageManager>,
}

const BUILT_IN: [BuiltIn; 3] = [
    BuiltIn {
        name: "python",
        option: "-c",
        program: PYTHON,
        session: PYTHON_SESSION,
        launcher: &[],
        package_manager: Some(PackageManager::Pip),
    },
    BuiltIn {
        name: "node",
        option: "-e",
        program: NODE,
        session: NODE_SESSION,
        // Cells come on a descriptor of their own, since node cannot move one.
        launcher: &["sh", "-c", "exec \"$@\" 3<&0 </dev/null", "sh"],
        package_manager: Some(PackageManager::Npm),
    },
    BuiltIn {
        name: "bash",
        option: "-c",
        program: BASH,
        session: BASH_SESSION,
        launcher: &[],
        package_manager: None,
    },
];

impl Language {
    /// Returns the command of a container for one run: it waits for the mark and a program on standard input.
    pub fn run_command(&self) -> Vec<String> {
        if let Some(built_in) = self.built_in() {
            return supervised(self.interpreter(built_in.option, built_in.program));
        }
        let path = format!("/tmp/{}", self.file_name);
        let mut words: Vec<String> = ["sh", "-c", FILE, "file", &path].map(ToOwned::to_owned).to_vec();
        words.extend(self.command_for(&path));
        supervised(words)
    }

    /// Returns the command of a container for a session that starts in `directory`; `None` if the language has no
    /// sessions.
    pub fn session_command(&self, directory: &str) -> Option<Vec<String>> {
        let built_in = self.built_in()?;
        let mut interpreter: Vec<String> = built_in.launcher.iter().map(|&word| word.to_owned()).collect();
        interpreter.extend(self.interpreter(built_in.option, built_in.session));
        if built_in.name == "bash" {
            // The first word behind the source is `$0`.
            interpreter.push(built_in.name.to_owned());
        }
        interpreter.push(directory.to_owned());
        Some(supervised(interpreter))
    }

    /// Returns whether there are sessions of this language.
    pub fn has_sessions(&self) -> bool {
        self.built_in().is_some()
    }

    /// Returns what installs packages for it, if anything does.
    pub fn package_manager(&self) -> Option<PackageManager> {
        self.built_in()?.package_manager
    }

    /// An operator may change the interpreter of a built-in language, but one that wants a file is no longer ours.
    fn built_in(&self) -> Option<&'static BuiltIn> {
        let takes_file = self.command_for("").len() == self.command.len();
        BUILT_IN
            .iter()
            .find(|built_in| built_in.name == self.name && !takes_file)
    }

    fn interpreter(&self, option: &str, source: &str) -> Vec<String> {
        let mut words = self.command.clone();
        words.extend([option.to_owned(), source.to_owned()]);
        words
    }
}

/// Returns the command of a container in which process 1 says how `interpreter` ended.
pub(crate) fn supervised(interpreter: Vec<String>) -> Vec<String> {
    let mut words = ["sh", "-c", SUPERVISOR, "supervisor"].map(ToOwned::to_owned).to_vec();
    words.extend(interpreter);
    words
}

#[cfg(test)]
mod tests {
    use crate::{LanguageConfig, SandboxConfig};

    use super::*;

    fn languages(name: &str, command: &[&str]) -> Language {
        let mut config = SandboxConfig::default();
        let language = LanguageConfig {
            image: Some("alpine".parse().unwrap()),
            command: Some(command.iter().map(|&word| word.to_owned()).collect()),
            file_name: Some("main.x".to_owned()),
            ..LanguageConfig::default()
        };
        config.languages.insert(name.to_owned(), language);
        config.languages().unwrap().remove(name).unwrap()
    }

    #[test]
    fn built_in_interpreters_wait_with_their_bootstrap() {
        for language in SandboxConfig::default().languages().unwrap().into_values() {
            let command = language.run_command();
            assert_eq!((command[0].as_str(), command[3].as_str()), ("sh", "supervisor"));
            assert_eq!(command[4], language.command[0]);
            assert!(language.has_sessions());
            assert_eq!(
                language.session_command("/workspace/a").unwrap().last().unwrap(),
                "/workspace/a"
            );
        }
    }

    #[test]
    fn other_languages_run_from_a_file() {
        let command = languages("ruby", &["ruby", "-W0"]).run_command();
        assert_eq!(command[4..6], ["sh", "-c"]);
        assert_eq!(command[7..], ["file", "/tmp/main.x", "ruby", "-W0", "/tmp/main.x"]);
        assert_eq!(languages("ruby", &["ruby"]).session_command("/workspace"), None);
    }

    #[test]
    fn a_built_in_language_that_wants_a_file_runs_from_one() {
        let python = languages("python", &["uv", "run", "{file}"]);
        assert_eq!(python.run_command()[8..], ["/tmp/main.x", "uv", "run", "/tmp/main.x"]);
        assert!(!python.has_sessions());
    }

    #[test]
    fn no_argument_is_longer_than_the_kernel_takes() {
        for source in [
            SUPERVISOR,
            PYTHON,
            PYTHON_SESSION,
            NODE,
            NODE_SESSION,
            BASH,
            BASH_SESSION,
            FILE,
        ] {
            assert!(source.len() < 128 << 10);
        }
    }
}
