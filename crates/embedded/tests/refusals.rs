//! On a machine that does not let sandboxes be made, connecting says so and what would let it: nothing runs unprotected.
//!
//! Each test starts a victim: this test binary once more, in a process that is denied something, as kernels, containers and
//! switches of the system do.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panic, as tests do")]

use std::collections::BTreeMap;
use std::process::Command;

use inline_embedded::{EmbeddedConfig, EmbeddedRuntime};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Which system call fails in the victim, and how: two numbers. It is a victim where this is set, if only to nothing.
const DENIED: &str = "INLINE_TEST_DENIED";

/// Lets a system call fail, and returns how connecting ended.
fn denied(call: libc::c_long, errno: i32) -> String {
    let mut victim = Command::new(std::env::current_exe().unwrap());
    ended(victim.args(VICTIM).env(DENIED, format!("{call} {errno}")))
}

/// Runs a script that prepares namespaces and ends in the victim, and returns how connecting ended.
///
/// In them the script may do what root may, and the victim is some user.
fn within_namespaces(script: &str) -> String {
    let mut unshare = Command::new("unshare");
    unshare.args([
        "--user",
        "--mount",
        "--map-user=1000",
        "--map-group=1000",
        "--keep-caps",
    ]);
    unshare.args(["--", "sh", "-c", &format!(r#"set -e; {script}; exec "$0" "$@""#)]);
    unshare.arg(std::env::current_exe().unwrap());
    ended(unshare.args(VICTIM).env(DENIED, ""))
}

const VICTIM: [&str; 4] = ["--ignored", "--exact", "victim", "--nocapture"];

fn ended(victim: &mut Command) -> String {
    let output = victim.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn assert_tells(told: &str, kind: &str, cure: &str) {
    let has_kind = told.lines().any(|line| line.strip_prefix("kind: ") == Some(kind));
    let hint = told.lines().find(|line| line.starts_with("hint: "));
    assert!(has_kind && hint.is_some_and(|hint| hint.contains(cure)), "{told}");
}

#[test]
fn nothing_denied_is_no_refusal() {
    let told = denied(libc::SYS_acct, libc::EPERM);
    assert!(told.contains("connected"), "{told}");
}

#[test]
fn processes_that_connect_at_once_leave_each_other_alone() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(nothing_denied_is_no_refusal);
        }
    });
}

#[test]
fn a_container_that_denies_namespaces_is_told_with_the_right_it_lacks() {
    let told = denied(libc::SYS_unshare, libc::EPERM);
    assert_tells(&told, "PermissionDenied", "--security-opt seccomp=unconfined");
}

#[test]
fn a_kernel_without_user_namespaces_is_told_with_what_it_lacks() {
    let told = denied(libc::SYS_unshare, libc::EINVAL);
    assert_tells(&told, "Unsupported", "CONFIG_USER_NS");
}

#[test]
fn a_kernel_that_is_too_old_is_told_with_the_version_that_is_not() {
    for call in [libc::SYS_mount_setattr, libc::SYS_open_tree, libc::SYS_fsopen] {
        assert_tells(&denied(call, libc::ENOSYS), "Unsupported", "5.12");
    }
}

#[test]
fn a_machine_that_has_no_namespace_left_is_told_with_the_setting() {
    let told = within_namespaces("echo 0 >/proc/sys/user/max_user_namespaces");
    assert_tells(&told, "ResourceExhausted", "user.max_user_namespaces");
    let told = within_namespaces("echo 0 >/proc/sys/user/max_net_namespaces");
    assert_tells(&told, "ResourceExhausted", "user.max_pid_namespaces");
}

#[test]
fn a_proc_that_is_covered_is_told_with_how_to_uncover_it() {
    let told = within_namespaces("mount -t tmpfs none /proc/fs");
    assert_tells(&told, "PermissionDenied", "systempaths=unconfined");
}

/// Not a test: the process that the tests above start.
#[test]
#[ignore = "it is started by the other tests"]
fn victim() {
    let Ok(denied) = std::env::var(DENIED) else {
        return;
    };
    if let Some((call, errno)) = denied.split_once(' ') {
        deny(call.parse().unwrap(), errno.parse().unwrap());
    }
    // One thread, so that the helper comes from that which is denied something.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    match runtime.block_on(EmbeddedRuntime::connect(&EmbeddedConfig::default())) {
        Ok(_) => println!("\nconnected"),
        Err(error) => println!("\nkind: {:?}\n{error}", error.kind()),
    }
}

fn deny(call: i64, errno: u32) {
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    let rules = BTreeMap::from([(call, Vec::new())]);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), architecture);
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}
