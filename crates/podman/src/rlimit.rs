//! Limits on memory and processes by resource limits, set inside the container by its own shell.
//!
//! The service cannot set them: an address space limit breaks OCI runtimes that are written in Go before they start the
//! program, and its limit on processes counts those of its user outside the container. Set from the inside, in a user
//! namespace of the container's own, both bind the program and what it starts. A process from an exec inherits nothing
//! of them, so each is wrapped as well.

use inline_runtime::{ContainerSpec, Error, ErrorKind, Result};

use crate::limits::Limits;
use crate::unique::unique;

/// The shell, by its path: `PATH` is the caller's to choose, and may hold directories that programs can write to.
pub(crate) const SHELL: &str = "/bin/sh";

/// Checks that nothing in a spec would let a program out of its limits.
pub(crate) fn check(spec: &ContainerSpec) -> Result<()> {
    let refuse = |what: &str, why: &str| {
        Err(Error::new(ErrorKind::Unsupported, format!("limits by rlimits need {what}")).with_hint(why))
    };
    let named = |capability: &str, names: &[&str]| names.iter().any(|name| capability.eq_ignore_ascii_case(name));
    let gains = |capability: &String| named(capability, &["ALL", "SETUID", "CAP_SETUID"]);
    let keeps_setuid = !spec.cap_drop.iter().any(gains) || spec.cap_add.iter().any(gains);
    if !spec.readonly_rootfs {
        refuse(
            "`readonly_rootfs`",
            "a program could replace the shell that sets the limits of the next exec",
        )
    } else if spec.pids_limit.is_some() && (keeps_setuid || !spec.no_new_privileges) {
        refuse(
            "`no_new_privileges` and `SETUID` dropped",
            "processes are counted by user, so a program that becomes another user would be counted anew",
        )
    } else {
        Ok(())
    }
}

/// Puts a shell before a program, which sets the limits for itself and then becomes the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrapper {
    /// What the shell puts before its own errors, different each time, so that no program can pass for the shell.
    pub(crate) marker: String,
    script: String,
}

impl Wrapper {
    /// Creates a wrapper for these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            marker: unique(),
            script: script(limits),
        }
    }

    /// Returns what to run instead of a program: this, then the program and its arguments.
    pub(crate) fn command(&self) -> [String; 4] {
        [
            SHELL.to_owned(),
            "-c".to_owned(),
            self.script.clone(),
            self.marker.clone(),
        ]
    }
}

/// `ulimit` sets the soft and the hard limit at once; bash has `-u` for processes where dash and busybox have `-p`.
fn script(limits: &Limits) -> String {
    let mut steps = Vec::new();
    if let Some(memory) = limits.memory {
        steps.push(format!("ulimit -v {} 2>/dev/null", memory / 1024));
    }
    if let Some(pids) = limits.pids_limit {
        steps.push(format!(
            "{{ ulimit -u {pids} 2>/dev/null || ulimit -p {pids} 2>/dev/null; }}"
        ));
    }
    let failure = crate::interjection::LIMITS_NOT_SET;
    format!(
        "{} || {{ echo \"$0: ulimit failed\" >&2; exit {failure}; }}; exec \"$@\"",
        steps.join(" && ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_let_a_program_out_is_refused() {
        let spec = || {
            ContainerSpec::new("alpine".parse().unwrap(), "test")
                .with_memory(64 << 20)
                .with_pids_limit(8)
        };
        check(&spec().with_cap_add("CHOWN")).unwrap();
        check(&spec().with_cap_drop(["setuid"])).unwrap();
        for open in [
            spec().with_readonly_rootfs(false),
            spec().with_no_new_privileges(false),
            spec().with_cap_add("cap_setuid"),
            spec().with_cap_drop(["CHOWN"]),
        ] {
            assert_eq!(check(&open).unwrap_err().kind(), ErrorKind::Unsupported);
        }
    }

    #[test]
    fn the_shell_sets_what_was_asked() {
        let limits = Limits {
            memory: Some(256 << 20),
            pids_limit: Some(50),
            ..Limits::default()
        };
        let wrapper = Wrapper::new(&limits);
        let [shell, flag, script, name] = wrapper.command();
        assert_eq!(
            (shell.as_str(), flag.as_str(), &name),
            ("/bin/sh", "-c", &wrapper.marker)
        );
        assert_eq!(
            script,
            "ulimit -v 262144 2>/dev/null && { ulimit -u 50 2>/dev/null || ulimit -p 50 2>/dev/null; } \
             || { echo \"$0: ulimit failed\" >&2; exit 125; }; exec \"$@\""
        );
    }
}
