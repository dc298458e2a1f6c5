//! The last state of an answer: how a program ended, what it printed, what it used.

use inline_sandbox::{Captured, Limits, RunResult, RunUsage, Verdict};

use super::block::{Clean, clean, fenced, file_text, inline};
use super::clip::{MAX_CONTENT, head, length, tail};
use super::quantity::{size, span};
use super::verdict::{Words, words};

/// Left for the fences of both blocks and the line between them.
const FENCES: usize = 64;
/// The most that notes take, so that output has room whatever they are.
const MAX_NOTES: usize = 500;
const ERRORS: &str = "-# errors";

/// Holds what an answer is made of.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    language: String,
    words: Words,
    stdout: Captured,
    stderr: Captured,
    usage: RunUsage,
    notes: Vec<String>,
}

/// Holds the text of an answer, and the whole output where the text has not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) content: String,
    pub(crate) full: Option<String>,
}

impl Card {
    /// Makes a card of how a program in `language` ended within `limits`.
    pub(crate) fn new(language: &str, result: &RunResult, limits: &Limits) -> Self {
        let mut card = Self {
            language: language.to_owned(),
            words: words(result.verdict, limits),
            stdout: result.stdout.clone(),
            stderr: result.stderr.clone(),
            usage: result.usage,
            notes: Vec::new(),
        };
        if result.is_truncated() {
            let kept = size(limits.output_kept);
            card.note(format!("of the output, the first {kept} were kept"));
        }
        if result.verdict == Verdict::Ok && card.is_silent() {
            card.note("it printed nothing");
        }
        card
    }

    /// Adds a line of ours below the output.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Replaces the sentence of a program, and what may help with it, by one of what it was run for.
    pub(crate) fn say(&mut self, sentence: impl Into<String>) {
        self.words.sentence = sentence.into();
        self.words.help = None;
    }

    /// Leaves out what was printed.
    pub(crate) fn leave_output_out(&mut self) {
        self.stdout = Captured::default();
        self.stderr = Captured::default();
    }

    fn is_silent(&self) -> bool {
        self.stdout.bytes.is_empty() && self.stderr.bytes.is_empty()
    }

    /// Returns what is shown.
    pub(crate) fn show(&self) -> Shown {
        let title = format!("{} **{}**", self.words.sign, self.words.sentence);
        let mut below = String::new();
        let mut line = |text: &str| {
            below.push_str("\n-# ");
            below.push_str(text);
        };
        if let Some(help) = self.words.help {
            line(help);
        }
        line(&self.used());
        let mut room = MAX_NOTES;
        for note in &self.notes {
            if let Some(left) = room.checked_sub(length(note)) {
                room = left;
                line(note);
            }
        }
        let room = MAX_CONTENT - length(&title) - length(&below) - FENCES;
        let (stdout, stderr) = (clean(&self.stdout.to_text()), clean(&self.stderr.to_text()));
        let (errors, errors_cut) = tail(&stderr, room.saturating_sub(length(&stdout.text)).max(room / 2));
        let (output, output_cut) = head(&stdout, room - length(&errors.text));
        let mut content = title;
        push_block(&mut content, &output);
        if !errors.text.trim().is_empty() {
            if !output.text.trim().is_empty() {
                content.push('\n');
                content.push_str(ERRORS);
            }
            push_block(&mut content, &errors);
        }
        content.push_str(&below);
        Shown {
            content,
            full: (output_cut || errors_cut).then(|| self.full()),
        }
    }

    /// Returns all that was kept of the output.
    pub(crate) fn full(&self) -> String {
        let (stdout, stderr) = (file_text(&self.stdout.to_text()), file_text(&self.stderr.to_text()));
        match (stdout.is_empty(), stderr.is_empty()) {
            (_, true) => stdout,
            (true, false) => stderr,
            (false, false) => format!("{}\n--- errors ---\n{stderr}", stdout.trim_end_matches('\n')),
        }
    }

    fn used(&self) -> String {
        let mut used = vec![inline(&self.language), span(self.usage.wall)];
        used.extend(self.usage.cpu.map(|cpu| format!("CPU {}", span(cpu))));
        used.extend(self.usage.peak_memory.map(|peak| format!("memory {}", size(peak))));
        used.join(" · ")
    }
}

fn push_block(content: &mut String, clean: &Clean) {
    let block = fenced(clean);
    if !block.is_empty() {
        content.push('\n');
        content.push_str(&block);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use inline_sandbox::{Limits, Verdict};
    use proptest::prelude::*;

    use super::*;

    fn captured(text: &str) -> Captured {
        let mut captured = Captured::default();
        captured.bytes = text.into();
        captured
    }

    fn card(verdict: Verdict, stdout: &str, stderr: &str) -> Card {
        let mut usage = RunUsage::default();
        usage.wall = Duration::from_millis(120);
        usage.cpu = Some(Duration::from_millis(80));
        usage.peak_memory = Some(12 << 20);
        Card {
            language: "python".to_owned(),
            words: words(verdict, &Limits::default()),
            stdout: captured(stdout),
            stderr: captured(stderr),
            usage,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_program_that_ended_well() {
        let shown = card(Verdict::Ok, "42\n", "").show();
        assert_eq!(
            shown.content,
            "✅ **The program ended well.**\n```\n42\n```\n-# `python` · 0.12 s · CPU 0.08 s · memory 12 MiB"
        );
        assert_eq!(shown.full, None);
    }

    #[test]
    fn a_program_with_errors() {
        let shown = card(Verdict::NonZero(1), "so far\n", "ValueError: no\n").show().content;
        assert_eq!(
            shown,
            "❌ **The program stopped with an error (exit code 1).**\n```\nso far\n```\n-# errors\n```\nValueError: no\n\
             ```\n-# The last lines usually say what went wrong, and in which line.\n-# `python` · 0.12 s · CPU 0.08 s · \
             memory 12 MiB"
        );
    }

    #[test]
    fn what_is_too_long_is_whole_in_the_file() {
        let long = "a line of output\n".repeat(1_000);
        let shown = card(Verdict::NonZero(1), &long, &format!("{long}the cause")).show();
        assert!(length(&shown.content) <= MAX_CONTENT);
        assert!(shown.content.contains("the cause"), "{}", shown.content);
        let full = shown.full.unwrap();
        assert_eq!(full.matches("a line of output").count(), 2_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn nothing_is_too_long_for_discord(
            stdout in "(.|\n|`|👍){0,2200}",
            stderr in "(.|\n|<@1>){0,1200}",
            notes in proptest::collection::vec(".{0,300}", 0..5),
        ) {
            let mut card = card(Verdict::DiskFull, &stdout, &stderr);
            card.notes = notes;
            let shown = card.show();
            prop_assert!(length(&shown.content) <= MAX_CONTENT, "{}", length(&shown.content));
        }
    }
}
