//! The programs that cases run: POSIX shell and a handful of everyday commands, nothing that only one image has.
//!
//! Each runs as `sh -c TEXT NAME ARGS…`, so that a driver without a shell, such as a scripted one, can tell programs
//! apart by the name that the shell sees as `$0`.

/// A shell program with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    name: &'static str,
    text: &'static str,
}

impl Program {
    const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text }
    }

    /// Returns the name, the fourth word of the command.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the command that runs the program with `args`.
    pub fn cmd<A: ToString>(&self, args: &[A]) -> Vec<String> {
        let words = ["sh", "-c", self.text, self.name].map(str::to_owned);
        words.into_iter().chain(args.iter().map(A::to_string)).collect()
    }

    /// Returns the command that runs the program with no arguments.
    pub fn alone(&self) -> Vec<String> {
        self.cmd::<String>(&[])
    }
}

macro_rules! programs {
    ($($(#[$doc:meta])+ $constant:ident = $name:literal: $text:expr;)+) => {
        $($(#[$doc])+ pub const $constant: Program = Program::new($name, $text);)+

        /// Holds every program, so that a scripted driver can check that it knows all of them.
        pub const ALL: &[Program] = &[$($constant),+];
    };
}

programs! {
    /// Does nothing for ever. As main process it reaps orphans, and no signal but `KILL` ends it.
    IDLE = "idle": "trap '' CHLD; exec sleep 2147483647";

    /// Prints `$1` to standard output and `$2` to standard error, and exits with `$3`.
    PRINT = "print": r#"printf %s "$1"; printf %s "$2" >&2; exit "$3""#;

    /// Prints the bytes of the escapes in `$1` and `$2` to the two streams, and waits for the end of its input.
    RAW = "raw": r#"printf "$1"; printf "$2" >&2; exec cat >/dev/null"#;

    /// Prints one byte for each octal number in its arguments, with a pause after each.
    BYTE_BY_BYTE = "byte-by-byte": r#"for byte; do printf "\\$byte"; sleep 0.05; done"#;

    /// Prints `$1` lines to each of the two streams in turn, numbered from 0.
    ALTERNATE = "alternate": r#"i=0
        while [ $i -lt "$1" ]; do echo "out $i"; echo "err $i" >&2; i=$((i + 1)); done"#;

    /// Prints `$1` lines of 1 KiB each, numbered from 0.
    NUMBERED = "numbered": r#"exec awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "%01023d\n", i }'"#;

    /// Prints lines of 1 KiB without end, and keeps their count in the file `$1`.
    FLOOD = "flood": r#"i=0
        while printf '%01023d\n' $i; do i=$((i + 1)); echo $i >"$1"; done"#;

    /// Counts without end into the file `$1`, and prints one line a second.
    COUNT = "count": r#"i=0
        while :; do i=$((i + 1)); echo $i >"$1"; echo $i; sleep 0.1; done"#;

    /// Prints its input.
    CAT = "cat": "exec cat";

    /// Prints how many bytes its input has.
    COUNT_INPUT = "count-input": "exec wc -c";

    /// Reads one line of its input, prints it and exits, leaving the rest unread.
    ONE_LINE = "one-line": r#"read -r line; echo "$line""#;

    /// Prints the files that its arguments name.
    READ_FILES = "read-files": r#"exec cat "$@""#;

    /// Writes `$2` blocks of 64 KiB to the file `$1`, prints how many bytes it has then, and exits as the write did.
    WRITE_FILE = "write-file": r#"dd if=/dev/zero of="$1" bs=65536 count="$2" 2>/dev/null
        code=$?; [ ! -e "$1" ] || wc -c <"$1"; exit $code"#;

    /// Makes up to `$2` empty files in the directory `$1` and prints how many it could.
    MAKE_FILES = "make-files": r#"i=0
        while [ $i -lt "$2" ] && true >"$1/$i"; do i=$((i + 1)); done 2>/dev/null; echo $i"#;

    /// Makes the directory `$1`; exits as `mkdir` did.
    MAKE_DIRECTORY = "make-directory": r#"exec mkdir "$1" 2>/dev/null"#;

    /// Writes a program to the directory `$1` and runs it; it prints `ran`.
    EXECUTE = "execute": r#"printf '#!/bin/sh\necho ran\n' >"$1/program" && chmod 755 "$1/program" && "$1/program""#;

    /// Dies of the signal `$1`.
    DIE = "die": "ulimit -c 0; kill -s \"$1\" $$; sleep 5";

    /// Leaves a child that holds the output open for long, and exits with `$1`.
    LEAVE_CHILD = "leave-child": r#"sleep 600 & echo left; exit "$1""#;

    /// Prints `ready`, waits for the signal `$1`, prints `caught` and exits with 3.
    AWAIT_SIGNAL = "await-signal": r#"trap 'echo caught; exit 3' "$1"; echo ready
        while :; do sleep 0.1; done"#;

    /// Starts children in sessions of their own that ignore what they can, prints `ready`, and ignores it too.
    STUBBORN_TREE = "stubborn-tree": r#"trap '' HUP INT TERM
        setsid sh -c 'trap "" HUP INT TERM; sleep 2147483647; :' &
        setsid sh -c 'trap "" HUP INT TERM; sleep 2147483647; :' &
        echo ready; while :; do sleep 1; done"#;

    /// Doubles a text of 16 bytes `$1` times, then prints `survived`.
    ALLOCATE = "allocate": r#"text=0123456789abcdef; i=0
        while [ $i -lt "$1" ]; do text=$text$text; i=$((i + 1)); done; echo survived"#;

    /// Starts `$1` children at once and prints `all` if it could.
    FORK = "fork": r#"i=0
        while [ $i -lt "$1" ]; do sleep 600 >/dev/null 2>&1 & i=$((i + 1)); done; echo all"#;

    /// Computes for `$1` seconds, then prints the processor time and the wall time it took, in hundredths of a second.
    /// What the process used before it became this program, as the OCI runtime's first half, does not count.
    SPIN = "spin": r#"wall() { read -r up rest </proc/uptime; echo "${up%.*}${up#*.}"; }
        cpu() { set -- $(cat /proc/$$/stat); echo "$((${14} + ${15}))"; }
        used=$(cpu); begin=$(wall); end=$begin
        while [ $((end - begin)) -lt "${1}00" ]; do i=0; while [ $i -lt 5000 ]; do i=$((i + 1)); done; end=$(wall); done
        echo "$(($(cpu) - used)) $((end - begin))""#;

    /// Prints who and where it is: user, host name, directory, the variable `INLINE_PROBE`, and its arguments.
    DESCRIBE = "describe": r#"printf '%s\n' "$(id -u):$(id -g)" "$(hostname)" "$(pwd)" "$INLINE_PROBE" "$@""#;

    /// Prints the numbers of all processes that it sees.
    PROCESSES = "processes": "cd /proc && echo [0-9]*";

    /// Leaves `$1` orphans that end at once, waits, and prints how many of them are zombies.
    ORPHANS = "orphans": r#"i=0
        while [ $i -lt "$1" ]; do sh -c 'sleep 0 & sleep 0 &'; i=$((i + 1)); done; sleep 1
        cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '; true"#;

    /// Asks for `http://$1/` and prints `reached` if anything listens there.
    CONNECT = "connect": r#"wget -q -T 5 -O /dev/null "http://$1/" && echo reached; exit 0"#;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_tell_programs_apart() {
        let names: BTreeSet<_> = ALL.iter().map(Program::name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn the_name_is_the_fourth_word() {
        assert_eq!(CAT.cmd(&["a"]), ["sh", "-c", "exec cat", "cat", "a"]);
    }
}
