//! Limits on this machine's kernel, with what it lets this user do.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use inline_runtime::{Capabilities, Capability, CgroupVersion, ErrorKind, LimitMechanism};

use super::limiter::{Inner, Means};
use super::probe::Bindings;
use super::sweep::{PREFIX, lock};
use super::*;

/// Runs a shell that waits for a line before it does anything.
fn held(script: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("read _; {script}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn let_go(child: &mut Child) {
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
}

fn table(limiter: &Limiter) -> Capabilities {
    limiter.fill(Capabilities::none("nobody said"))
}

/// Returns a limiter if this user has control groups; otherwise checks that the reason is told, with a cure, and obeyed.
fn with_groups() -> Option<Limiter> {
    let limiter = Limiter::connect(LimitPolicy::Cgroup);
    let table = table(&limiter);
    let Err(error) = table.require(Capability::Memory) else {
        return Some(limiter);
    };
    assert!(!nix::unistd::geteuid().is_root(), "root has no control groups: {error}");
    assert!(error.message().contains("limits = \"rlimit\""), "{error}");
    let limits = Limits {
        memory: Some(64 << 20),
        ..Limits::default()
    };
    assert_eq!(
        limiter.place("refused", &limits).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert_eq!(
        limiter.place("free", &Limits::default()).unwrap().rlimits(),
        ProcessLimits::default()
    );
    None
}

#[test]
fn limits_are_in_the_kernels_units() {
    let limits = Limits {
        memory: Some(64 << 20),
        memory_swap: None,
        nano_cpus: Some(500_000_000),
        pids_limit: Some(32),
    };
    assert_eq!((limits.swap(), limits.cpu_quota_micros()), (Some(0), Some(50_000)));
    let swapping = Limits {
        memory_swap: Some(96 << 20),
        nano_cpus: Some(10_000_000 - 1),
        ..limits
    };
    assert_eq!(
        (swapping.swap(), swapping.cpu_quota_micros()),
        (Some(32 << 20), Some(1_000))
    );
    assert_eq!(Limits::default().swap(), None);
}

#[test]
fn a_container_is_limited_measured_and_removed() {
    let Some(limiter) = with_groups() else { return };
    let limits = Limits {
        memory: Some(32 << 20),
        memory_swap: None,
        nano_cpus: Some(500_000_000),
        pids_limit: Some(8),
    };
    let place = limiter.place("measured", &limits).unwrap();
    let mut spinning = held("while :; do :; done");
    place.enter(spinning.id()).unwrap();
    let before = place.stats().unwrap();
    let_go(&mut spinning);
    std::thread::sleep(Duration::from_millis(400));
    let after = place.stats().unwrap();
    assert!(after.cpu_time > before.cpu_time, "{before:?} {after:?}");
    assert!(
        after.cpu_time < Duration::from_millis(350),
        "half a processor: {after:?}"
    );
    assert!(after.memory < 32 << 20, "{after:?}");
    assert_eq!(place.oom_kills(), 0);
    let begin = Instant::now();
    place.remove().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(spinning.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_lack_of_memory_is_counted() {
    let Some(limiter) = with_groups() else { return };
    let limits = Limits {
        memory: Some(16 << 20),
        ..Limits::default()
    };
    let place = limiter.place("greedy", &limits).unwrap();
    // A line without an end grows in memory.
    let mut greedy = held("exec tail /dev/zero");
    place.enter(greedy.id()).unwrap();
    let_go(&mut greedy);
    assert_eq!(greedy.wait().unwrap().signal(), Some(9));
    assert_eq!(place.oom_kills(), 1);
    place.remove().unwrap();
}

#[test]
fn processes_that_multiply_are_stopped_and_killed() {
    let Some(limiter) = with_groups() else { return };
    let limits = Limits {
        pids_limit: Some(16),
        ..Limits::default()
    };
    let place = limiter.place("multiplying", &limits).unwrap();
    let mut first = held("f() { f & f & }; f; sleep 60");
    place.enter(first.id()).unwrap();
    let_go(&mut first);
    std::thread::sleep(Duration::from_millis(200));
    assert!(place.stats().unwrap().pids <= 16);
    place.kill_all().unwrap();
    place.remove().unwrap();
    assert!(!first.wait().unwrap().success());
}

#[test]
fn what_is_left_behind_is_removed_and_what_lives_is_not() {
    let Some(limiter) = with_groups() else { return };
    let living = limiter.place("living", &Limits::default()).unwrap();
    let Means::Groups { owner, .. } = &limiter.0.means else {
        panic!("limits bind by nothing");
    };
    let parent = owner.directory().unwrap().parent().unwrap();
    let left = parent.join(format!("{PREFIX}left-behind"));
    fs::create_dir(&left).unwrap();
    // Whoever else connects on this machine removes what nobody holds.
    let lock = lock(&left).unwrap().expect("nobody else wants it yet");
    fs::create_dir(left.join("container-old")).unwrap();
    let mut orphan = held("sleep 60");
    living.enter(orphan.id()).unwrap();
    fs::write(left.join("container-old/cgroup.procs"), orphan.id().to_string()).unwrap();
    drop(lock);
    let next = Limiter::connect(LimitPolicy::Cgroup);
    // Another one of those may be at it already, and then ours leaves it alone until the next time.
    let end = Instant::now() + Duration::from_secs(5);
    while left.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(100));
        drop(Limiter::connect(LimitPolicy::Cgroup));
    }
    assert!(!left.exists());
    assert_eq!(orphan.wait().unwrap().signal(), Some(9));
    living.enter(held("").id()).unwrap();
    assert_ne!(limiter.describe(), next.describe());
    let directory = owner.directory().unwrap().to_owned();
    living.remove().unwrap();
    drop(limiter);
    assert!(!directory.exists());
}

#[test]
fn a_place_that_is_dropped_goes_too() {
    let Some(limiter) = with_groups() else { return };
    let mut sleeping = held("sleep 60");
    let place = limiter.place("dropped", &Limits::default()).unwrap();
    place.enter(sleeping.id()).unwrap();
    drop(place);
    assert_eq!(sleeping.wait().unwrap().signal(), Some(9));
    let again = limiter.place("another", &Limits::default()).unwrap();
    again.remove().unwrap();
}

/// Returns a limiter on which no group binds.
fn without_groups(policy: LimitPolicy) -> Limiter {
    Limiter(Arc::new(Inner {
        means: Means::Nothing,
        bindings: Bindings::none("there are none"),
        cgroup_version: CgroupVersion::Unknown,
        policy,
    }))
}

#[test]
fn resource_limits_stand_in_only_where_they_are_allowed() {
    let limits = Limits {
        memory: Some(64 << 20),
        pids_limit: Some(16),
        ..Limits::default()
    };
    let refused = without_groups(LimitPolicy::Cgroup).place("a", &limits).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert_eq!(refused.message(), "`memory` is not supported: there are none");

    let allowed = without_groups(LimitPolicy::Rlimit);
    assert_eq!(table(&allowed).limit_mechanism(), LimitMechanism::Rlimit);
    let place = allowed.place("a", &limits).unwrap();
    let expected = ProcessLimits {
        address_space: Some(64 << 20),
        processes: Some(16),
    };
    assert_eq!(place.rlimits(), expected);
    assert_eq!(place.stats().unwrap_err().kind(), ErrorKind::Unsupported);
    for beyond in [
        Limits {
            nano_cpus: Some(500_000_000),
            ..limits
        },
        Limits {
            memory_swap: Some(64 << 20),
            ..limits
        },
    ] {
        assert_eq!(allowed.place("a", &beyond).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}
