//! The report as a person reads it.

use std::fmt::Write;

const WIDTH: usize = 18;

/// Gathers lines, and whether one of them is a problem.
#[derive(Debug, Default)]
pub(super) struct Report {
    text: String,
    problems: Vec<String>,
}

impl Report {
    /// Adds a fact; further lines of it stand below its first.
    pub(super) fn line(&mut self, name: &str, fact: &str) {
        self.add(' ', name, fact);
    }

    /// Adds what keeps runs from being safe.
    pub(super) fn problem(&mut self, name: &str, what: &str) {
        self.add('!', name, what);
        self.problems.push(name.to_owned());
    }

    /// Begins a part.
    pub(super) fn title(&mut self, title: &str) {
        // Writing to a text does not fail.
        let _ = writeln!(self.text, "{title}");
    }

    pub(super) fn is_safe(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn into_text(mut self) -> String {
        let _ = match self.problems.as_slice() {
            [] => writeln!(self.text, "runs are safe here"),
            problems => writeln!(
                self.text,
                "runs are not safe here, and refused: {}",
                problems.join(", ")
            ),
        };
        self.text
    }

    fn add(&mut self, mark: char, name: &str, fact: &str) {
        let indent = " ".repeat(WIDTH + 3);
        let fact = fact.replace('\n', &format!("\n{indent}"));
        let _ = writeln!(self.text, "{mark} {name:<WIDTH$} {fact}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_marked_and_summed_up() {
        let mut report = Report::default();
        report.line("engine", "docker");
        assert!(report.is_safe());
        report.problem("memory", "no\nhint: delegate it");
        assert!(!report.is_safe());
        assert_eq!(
            report.into_text(),
            "  engine             docker\n! memory             no\n                     hint: delegate it\nruns are not safe \
             here, and refused: memory\n"
        );
    }
}
