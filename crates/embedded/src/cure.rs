//! What lets sandboxes be made on a machine that refuses: the kernel says that it does, and not why, but its switches tell.

use std::fs;
use std::path::Path;

use crate::wire::Step;

/// The cure in a container; each part was found to be needed, and all of them to be enough.
pub(crate) const CONTAINER: &str = "inside a container, start that with `--security-opt seccomp=unconfined`, and for root with \
                                    `--cap-add SYS_ADMIN --cap-add NET_ADMIN`, for users with `--security-opt \
                                    systempaths=unconfined` (Podman: `unmask=ALL`); or run this on the host";
const APPARMOR: &str = "AppArmor keeps users from namespaces here: allow this program by a profile with `userns,`, set \
                        `kernel.apparmor_restrict_unprivileged_userns=0`, or run it as root";
const SWITCHED_OFF: &str = "user namespaces are switched off for users: set `kernel.unprivileged_userns_clone=1`, or run this \
                            as root";
const NONE_LEFT: &str = "raise `user.max_user_namespaces`, or where it is not 0 those of the other kinds, such as \
                         `user.max_pid_namespaces`: they are the most that there may be";
const MASKED_PROC: &str = "parts of this `/proc` are covered, as in a container or a systemd unit with \
                           `ProtectKernelTunables`, and so users cannot mount another: uncover them (`--security-opt \
                           systempaths=unconfined`, Podman: `unmask=ALL`), or run this as root or on the host";
const NO_NAMESPACES: &str = "this kernel was built without namespaces: take one with `CONFIG_USER_NS` and `CONFIG_PID_NS`, or an \
                             engine on another machine";
const OLD_KERNEL: &str = "take a kernel of version 5.12 or later, or an engine; a systemd unit needs `RestrictSUIDSGID=no`, which \
                          takes newer calls away";

/// What engines and systemd leave in the containers that they make.
const SIGNS_OF_A_CONTAINER: [&str; 3] = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];

/// What a machine tells of itself.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Machine {
    is_container: bool,
    /// Ubuntu's restriction.
    apparmor_restricts_users: bool,
    /// Debian's switch.
    is_switched_off_for_users: bool,
    is_root: bool,
}

impl Machine {
    /// Looks at this machine.
    pub(crate) fn here() -> Self {
        let is_root = rustix::process::geteuid().is_root();
        Self::found(
            is_root,
            |path| fs::read_to_string(path).ok(),
            |path| Path::new(path).exists(),
        )
    }

    fn found(is_root: bool, read: impl Fn(&str) -> Option<String>, exists: impl Fn(&str) -> bool) -> Self {
        let is = |switch: &str, value: &str| {
            read(&format!("/proc/sys/kernel/{switch}")).is_some_and(|text| text.trim() == value)
        };
        Self {
            is_container: SIGNS_OF_A_CONTAINER.into_iter().any(exists),
            apparmor_restricts_users: is("apparmor_restrict_unprivileged_userns", "1"),
            is_switched_off_for_users: is("unprivileged_userns_clone", "0"),
            is_root,
        }
    }

    /// Returns the cure for a step that the kernel refused with `errno`, if one is known.
    pub(crate) fn cure(self, step: Step, errno: i32) -> Option<&'static str> {
        let is_namespace = matches!(step, Step::UserNamespace | Step::Namespaces | Step::Network);
        match errno {
            libc::ENOSYS => Some(OLD_KERNEL),
            libc::EINVAL if is_namespace => Some(NO_NAMESPACES),
            libc::ENOSPC if is_namespace => Some(NONE_LEFT),
            libc::EPERM | libc::EACCES => self.right(step, is_namespace),
            _ => None,
        }
    }

    /// With the restriction of `AppArmor` a user namespace can be made, and then nothing be done in it; so it shows at any step.
    fn right(self, step: Step, is_namespace: bool) -> Option<&'static str> {
        let is_restricted = !self.is_container && !self.is_root;
        match step {
            _ if is_restricted && self.apparmor_restricts_users => Some(APPARMOR),
            Step::UserNamespace if is_restricted && self.is_switched_off_for_users => Some(SWITCHED_OFF),
            Step::Proc => Some(MASKED_PROC),
            _ if is_namespace || self.is_container => Some(CONTAINER),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERNS_CLONE: (&str, &str) = ("/proc/sys/kernel/unprivileged_userns_clone", "0\n");
    const UBUNTU: (&str, &str) = ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");

    fn machine(is_root: bool, switches: &[(&str, &str)], files: &[&str]) -> Machine {
        let read = |path: &str| {
            let found = switches.iter().find(|(switch, _)| *switch == path);
            found.map(|(_, value)| (*value).to_owned())
        };
        Machine::found(is_root, read, |path| files.contains(&path))
    }

    #[test]
    fn the_switch_that_refuses_users_is_named() {
        for (switches, files, expected) in [
            (&[UBUNTU][..], &[][..], APPARMOR),
            (&[UBUNTU, USERNS_CLONE], &[], APPARMOR),
            (&[USERNS_CLONE], &[], SWITCHED_OFF),
            (&[(UBUNTU.0, "0\n"), (USERNS_CLONE.0, "1\n")], &[], CONTAINER),
            (&[], &[], CONTAINER),
            // The switch is the host's, but a container is refused by its engine first.
            (&[UBUNTU], &["/.dockerenv"], CONTAINER),
            (&[UBUNTU], &["/run/.containerenv"], CONTAINER),
        ] {
            let machine = machine(false, switches, files);
            for errno in [libc::EPERM, libc::EACCES] {
                assert_eq!(machine.cure(Step::UserNamespace, errno), Some(expected), "{machine:?}");
            }
        }
    }

    #[test]
    fn apparmor_refuses_what_comes_after_the_namespace() {
        let machine = machine(false, &[UBUNTU], &[]);
        for step in [Step::Namespaces, Step::Network, Step::Root, Step::Proc] {
            assert_eq!(machine.cure(step, libc::EACCES), Some(APPARMOR), "{step:?}");
        }
    }

    #[test]
    fn root_is_not_told_of_the_switches_of_users() {
        let machine = machine(true, &[UBUNTU, USERNS_CLONE], &[]);
        assert_eq!(machine.cure(Step::UserNamespace, libc::EPERM), Some(CONTAINER));
        assert_eq!(machine.cure(Step::Root, libc::EPERM), None);
    }

    #[test]
    fn a_kernel_that_cannot_is_told_from_one_that_will_not() {
        let machine = machine(false, &[UBUNTU], &["/.dockerenv"]);
        for (step, errno, expected) in [
            (Step::UserNamespace, libc::EINVAL, Some(NO_NAMESPACES)),
            (Step::Namespaces, libc::EINVAL, Some(NO_NAMESPACES)),
            (Step::UserNamespace, libc::ENOSPC, Some(NONE_LEFT)),
            (Step::Namespaces, libc::ENOSPC, Some(NONE_LEFT)),
            (Step::Root, libc::ENOSYS, Some(OLD_KERNEL)),
            (Step::Proc, libc::EPERM, Some(MASKED_PROC)),
            (Step::Root, libc::ENOSPC, None),
            (Step::Root, libc::EINVAL, None),
        ] {
            assert_eq!(machine.cure(step, errno), expected, "{step:?} {errno}");
        }
    }
}
