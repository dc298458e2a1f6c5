//! Tells what Podman says on a program's standard error from what the program says there.
//!
//! Once a stream is open Podman has no other place for its errors. Where an exec cannot be launched it writes why, and
//! gives 126 or 127 as the exit code, as a program may do as well. Where a program leaves its input unread Podman complains
//! of that at the end. A chunk that looks like either is held back until what follows decides.

use std::ops::RangeInclusive;

use inline_runtime::{Error, ErrorKind, Event, ExitStatus, Result};

use crate::error;

/// What Podman's own words start with.
const PODMAN: &str = "Error: ";
/// What one of its errors of a launch contains.
const LAUNCH_CAUSES: [&str; 3] = [
    "OCI runtime attempted to invoke a command that was not found",
    "OCI permission denied",
    "OCI runtime error",
];
/// Its complaint that output could not be read any more, and that input could not be written any more. After either it reads
/// no further output.
const OUTPUT_LOST: &str = "Error: read unixpacket ";
const INPUT_UNREAD: &str = "Error: write unixpacket ";
/// The codes of what was never launched: failed otherwise, cannot be executed, not found.
const LAUNCH_CODES: RangeInclusive<u8> = 125..=127;
/// The exit code of a wrapper that could not set its limits.
pub(crate) const LIMITS_NOT_SET: u8 = 125;
/// Podman says no more than this; what is longer comes from a program.
const MAX_HELD_BYTES: usize = 16 << 10;

/// Watches the standard error of a process.
#[derive(Debug)]
pub(crate) struct Interjections {
    /// Main processes have a connection for output alone, on which Podman has nothing to say.
    is_exec: bool,
    /// What the shell that sets resource limits puts before its own errors; no program knows it.
    marker: Option<String>,
    has_begun: bool,
    held: Vec<Event>,
    /// Whether what is held came first of all.
    holds_launch: bool,
}

impl Interjections {
    /// Watches a main process.
    pub(crate) fn of_main(marker: Option<String>) -> Self {
        Self {
            is_exec: false,
            marker,
            has_begun: false,
            held: Vec::new(),
            holds_launch: false,
        }
    }

    /// Watches an exec.
    pub(crate) fn of_exec(marker: Option<String>) -> Self {
        Self {
            is_exec: true,
            ..Self::of_main(marker)
        }
    }

    /// Takes a chunk and returns what can be handed on.
    pub(crate) fn pass(&mut self, event: Event) -> Vec<Event> {
        let is_first = !self.has_begun;
        self.has_begun = true;
        let follows_launch =
            self.holds_launch && matches!(event, Event::Stderr(_)) && text(&self.held).len() < MAX_HELD_BYTES;
        if follows_launch || self.is_complaint(&event) {
            self.held.push(event);
            return Vec::new();
        }
        let mut events = std::mem::take(&mut self.held);
        self.holds_launch = is_first && self.is_launch_error(&event);
        if self.holds_launch {
            self.held.push(event);
        } else {
            events.push(event);
        }
        events
    }

    /// Takes the exit and returns what was held back and is the program's own, or the error that it was.
    pub(crate) fn finish(&mut self, status: ExitStatus) -> Result<Vec<Event>> {
        let mut held = std::mem::take(&mut self.held);
        if let Some(code) = status.code().filter(|code| LAUNCH_CODES.contains(code))
            && self.holds_launch
        {
            return Err(self.launch_error(&text(&held), code));
        }
        let own = held.iter().take_while(|event| !self.is_complaint(event)).count();
        if held.drain(own..).next().is_some() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "Podman may have lost output of a process that left its input unread",
            ));
        }
        Ok(held)
    }

    fn is_complaint(&self, event: &Event) -> bool {
        self.is_exec && (starts_with(event, OUTPUT_LOST) || starts_with(event, INPUT_UNREAD))
    }

    fn is_launch_error(&self, event: &Event) -> bool {
        let of_shell = self.marker.as_ref().is_some_and(|marker| starts_with(event, marker));
        let of_podman = self.is_exec && starts_with(event, PODMAN) && {
            let message = text(std::slice::from_ref(event));
            LAUNCH_CAUSES.iter().any(|cause| message.contains(cause))
        };
        of_shell || of_podman
    }

    fn launch_error(&self, text: &str, code: u8) -> Error {
        let line = text.lines().next().unwrap_or_default();
        match self.marker.as_deref().and_then(|marker| line.strip_prefix(marker)) {
            Some(message) if code == LIMITS_NOT_SET => Error::new(
                ErrorKind::Unsupported,
                format!("the shell of the image cannot set the limits{message}"),
            ),
            Some(message) => Error::new(
                ErrorKind::CommandNotFound,
                format!("the program cannot be run{message}"),
            ),
            None => error::from_service(line.trim_start_matches(PODMAN)),
        }
    }
}

fn starts_with(event: &Event, words: &str) -> bool {
    matches!(event, Event::Stderr(chunk) if chunk.starts_with(words.as_bytes()))
}

fn text(events: &[Event]) -> String {
    let chunks = events.iter().filter_map(|event| match event {
        Event::Stderr(chunk) => Some(String::from_utf8_lossy(chunk)),
        _ => None,
    });
    chunks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const MISSING: &str = "Error: crun: executable file `nosuch` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found\n";
    const RESET: &str = "Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n";
    const BROKEN: &str = "Error: write unixpacket @->/proc/self/fd/16/attach: write: broken pipe\n";

    fn stderr(text: &'static str) -> Event {
        Event::Stderr(Bytes::from_static(text.as_bytes()))
    }

    fn stdout(text: &'static str) -> Event {
        Event::Stdout(Bytes::from_static(text.as_bytes()))
    }

    /// Returns what came through, and how it ended.
    fn watch(mut words: Interjections, events: &[Event], code: u8) -> (Vec<Event>, Result<()>) {
        let mut passed: Vec<_> = events.iter().flat_map(|event| words.pass(event.clone())).collect();
        let end = words
            .finish(ExitStatus::from_code(code))
            .map(|rest| passed.extend(rest));
        (passed, end)
    }

    #[test]
    fn a_program_that_could_not_be_run_is_an_error() {
        let (passed, end) = watch(Interjections::of_exec(None), &[stderr(MISSING), stderr(RESET)], 127);
        let error = end.unwrap_err();
        assert_eq!((passed.len(), error.kind()), (0, ErrorKind::CommandNotFound));
        assert!(error.message().starts_with("crun: executable file"), "{error}");
    }

    #[test]
    fn what_programs_say_comes_through() {
        for (events, code) in [
            (vec![stderr("bash: nosuch: command not found\n")], 127),
            (vec![stderr(MISSING)], 0),
            (vec![stderr(MISSING), stderr("more")], 1),
            (vec![stderr(MISSING), stdout("more")], 127),
            (vec![stdout("a"), stderr(MISSING)], 127),
            (vec![stderr(BROKEN), stdout("more")], 0),
            (vec![stderr("Error: mine\n"), stdout("more")], 0),
        ] {
            let (passed, end) = watch(Interjections::of_exec(None), &events, code);
            assert_eq!((passed, end.is_ok()), (events, true));
        }
        let events = [stderr(MISSING), stderr(BROKEN)];
        assert_eq!(watch(Interjections::of_main(None), &events, 127).0, events);
    }

    #[test]
    fn output_that_may_be_lost_is_never_an_exit() {
        for complaint in [RESET, BROKEN] {
            let events = [stdout("a"), stderr("b"), stderr(complaint)];
            let (passed, end) = watch(Interjections::of_exec(None), &events, 0);
            assert_eq!(passed, [stdout("a"), stderr("b")]);
            assert_eq!(end.unwrap_err().kind(), ErrorKind::Unavailable);
        }
    }

    #[test]
    fn the_wrapper_is_known_by_its_marker() {
        let said = [stderr("inline-7f: 1: exec: "), stderr("nosuch: not found\n")];
        for (code, kind) in [
            (127, ErrorKind::CommandNotFound),
            (126, ErrorKind::CommandNotFound),
            (125, ErrorKind::Unsupported),
        ] {
            let words = Interjections::of_main(Some("inline-7f".to_owned()));
            let error = watch(words, &said, code).1.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.message().ends_with("nosuch: not found"), "{error}");
        }
    }
}
