//! Verdicts in words for people who are new to programming.

use inline_runtime::Signal;
use inline_sandbox::{Limits, Verdict};

use super::quantity::{size, span};

/// Says how a program ended: a sign, a sentence, and what may help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) sign: &'static str,
    pub(crate) sentence: String,
    pub(crate) help: Option<&'static str>,
}

/// Returns the words for `verdict` of a run within `limits`.
pub(crate) fn words(verdict: Verdict, limits: &Limits) -> Words {
    let words = |sign, sentence: String, help| Words { sign, sentence, help };
    match verdict {
        Verdict::Ok => words("✅", "The program ended well.".to_owned(), None),
        Verdict::NonZero(code) => words(
            "❌",
            format!("The program stopped with an error (exit code {code})."),
            Some("The last lines usually say what went wrong, and in which line."),
        ),
        Verdict::Signal(Signal::SEGV) => words(
            "💥",
            "The program crashed: it used memory that is not its own (SIGSEGV).".to_owned(),
            None,
        ),
        Verdict::Signal(signal) => words("💥", format!("The program was ended by the signal {signal}."), None),
        Verdict::Timeout => words(
            "⏱️",
            format!("The program took longer than {} and was stopped.", span(limits.timeout)),
            Some("Is there a loop that never ends, or does it wait for something?"),
        ),
        Verdict::CpuTime => words(
            "⏱️",
            format!(
                "The program computed for more than {} and was stopped.",
                span(limits.cpu_time)
            ),
            Some("Is there a loop that never ends?"),
        ),
        Verdict::OutOfMemory => words(
            "🧠",
            format!(
                "The program needed more than {} of memory and was stopped.",
                size(limits.memory)
            ),
            Some("Does a list or a text grow without end?"),
        ),
        Verdict::OutputLimit => words(
            "📜",
            format!(
                "The program printed more than {} and was stopped.",
                size(limits.output_max)
            ),
            Some("Does a loop print without end?"),
        ),
        Verdict::DiskFull => words(
            "💾",
            format!(
                "The program wrote more than the sandbox has room for ({}, {} files).",
                size(limits.workspace_bytes),
                limits.workspace_files
            ),
            Some("`/il look` shows what is there, `/il rm` removes it."),
        ),
        Verdict::Cancelled => words("🛑", "The program was stopped.".to_owned(), None),
        _ => words(
            "⚠️",
            "The connection to the program was lost, and nobody knows how it ended.".to_owned(),
            Some("That is not the program's fault: try again."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_named() {
        let limits = Limits::default();
        for (verdict, part) in [
            (Verdict::Timeout, "30 s"),
            (Verdict::OutOfMemory, "256 MiB"),
            (Verdict::OutputLimit, "16 MiB"),
            (Verdict::DiskFull, "512 MiB"),
            (Verdict::NonZero(3), "exit code 3"),
            (Verdict::Signal(Signal::SEGV), "SIGSEGV"),
        ] {
            let sentence = words(verdict, &limits).sentence;
            assert!(sentence.contains(part), "{sentence}");
        }
    }

    #[test]
    fn each_verdict_has_words_of_its_own() {
        let verdicts = [
            Verdict::Ok,
            Verdict::NonZero(1),
            Verdict::Signal(Signal::KILL),
            Verdict::Timeout,
            Verdict::CpuTime,
            Verdict::OutOfMemory,
            Verdict::OutputLimit,
            Verdict::DiskFull,
            Verdict::Cancelled,
            Verdict::Lost,
        ];
        let mut sentences: Vec<String> = verdicts
            .into_iter()
            .map(|verdict| words(verdict, &Limits::default()).sentence)
            .collect();
        sentences.sort_unstable();
        sentences.dedup();
        assert_eq!(sentences.len(), verdicts.len());
    }
}
