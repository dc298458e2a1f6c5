//! Filters, run by a small interpreter of the kernel's: what a program would be told, without loading anything.

use seccompiler::TargetArch;

use super::*;

const X86_64: u32 = 0xc000_003e;
const AARCH64: u32 = 0xc000_00b7;
const I386: u32 = 0x4000_0003;
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | 1;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | 0x26;

/// Runs a filter as the kernel would and returns its verdict.
fn verdict(program: &[sock_filter], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(number.to_le_bytes());
    data.extend(architecture.to_le_bytes());
    data.extend(0u64.to_le_bytes());
    data.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
    let (mut position, mut accumulator) = (0, 0u32);
    loop {
        let sock_filter { code, jt, jf, k } = program[position].clone();
        position += 1;
        let mut jump_if = |holds: bool| position += usize::from(if holds { jt } else { jf });
        match code {
            0x20 => {
                let at = k as usize;
                accumulator = u32::from_le_bytes(data[at..at + 4].try_into().unwrap());
            }
            0x54 => accumulator &= k,
            0x05 => position += k as usize,
            0x15 => jump_if(accumulator == k),
            0x25 => jump_if(accumulator > k),
            0x35 => jump_if(accumulator >= k),
            0x06 => return k,
            other => panic!("instruction {other:#x}"),
        }
    }
}

fn default_of(architecture: TargetArch) -> impl Fn(&str, [u64; 6]) -> u32 {
    let program = default::compile(architecture).unwrap();
    let audit = if architecture == TargetArch::x86_64 {
        X86_64
    } else {
        AARCH64
    };
    move |name, arguments| {
        let number = syscalls::number(architecture, name).unwrap();
        verdict(&program, audit, number.try_into().unwrap(), arguments)
    }
}

fn profile_verdict(json: &str, name: &str, arguments: [u64; 6]) -> u32 {
    let program = profile::compile(TargetArch::x86_64, json).unwrap();
    let number = syscalls::number(TargetArch::x86_64, name).unwrap();
    verdict(&program, X86_64, number.try_into().unwrap(), arguments)
}

const fn first(value: u64) -> [u64; 6] {
    [value, 0, 0, 0, 0, 0]
}

const fn second(value: u64) -> [u64; 6] {
    [0, value, 0, 0, 0, 0]
}

#[test]
fn ours_decides_by_name_and_argument() {
    for architecture in [TargetArch::x86_64, TargetArch::aarch64] {
        let verdict = default_of(architecture);
        for (name, arguments, expected) in [
            ("read", [0; 6], ALLOW),
            ("execve", [0; 6], ALLOW),
            ("openat2", [0; 6], ENOSYS),
            ("mseal", [0; 6], ALLOW),
            ("clone3", [0; 6], ENOSYS),
            ("mount", [0; 6], EPERM),
            ("keyctl", [0; 6], EPERM),
            ("io_uring_setup", [0; 6], EPERM),
            ("setns", [0; 6], EPERM),
            ("ptrace", [0; 6], EPERM),
            // Threads and processes, then each flag of a namespace, also behind bits that the kernel ignores.
            ("clone", first(0x003d_0f00), ALLOW),
            ("clone", first(17), ALLOW),
            ("clone", first(0x1000_0011), EPERM),
            ("clone", first(0x0002_0000), EPERM),
            ("clone", first(0x4000_0000), EPERM),
            ("clone", first(0xffff_ffff_1000_0011), EPERM),
            ("unshare", first(0x0000_0400), ALLOW),
            ("unshare", first(0x1000_0000), EPERM),
            ("unshare", first(0x0000_0080), EPERM),
            ("ioctl", second(0x5401), ALLOW),
            ("ioctl", second(0x5412), EPERM),
            ("ioctl", second(0x1_0000_5412), EPERM),
            ("ioctl", second(0x541c), EPERM),
            ("ioctl", second(0xffff_ffff_0000_541c), EPERM),
            ("personality", first(0xffff_ffff), ALLOW),
            ("personality", first(0x0040_0000), EPERM),
            ("socket", first(2), ALLOW),
            ("socket", first(40), EPERM),
            ("socket", first(38), EPERM),
            ("socket", [16, 3, 0, 0, 0, 0], ALLOW),
            ("socket", [16, 3, 9, 0, 0, 0], EPERM),
            ("mknodat", [0, 0, 0o010_644, 0, 0, 0], ALLOW),
            ("mknodat", [0, 0, 0o060_644, 0, 0, 0], EPERM),
            ("mknodat", [0, 0, 0o020_644, 0, 0, 0], EPERM),
            ("mknodat", [0, 0, 0o014_644, 0, 0, 0], EPERM),
            // The mode is whatever lies in the register, unless a file is made.
            ("openat", [0, 0, 0, 0xdead_ffff, 0, 0], ALLOW),
            ("openat", [0, 0, 0o101, 0o644, 0, 0], ALLOW),
            ("openat", [0, 0, 0o101, 0o4755, 0, 0], EPERM),
            ("openat", [0, 0, 0o20_200_002, 0o2755, 0, 0], EPERM),
            ("fchmodat", [0, 0, 0o1777, 0, 0, 0], ALLOW),
            ("fchmodat", [0, 0, 0o4755, 0, 0, 0], EPERM),
            ("fchmod", second(0o2755), EPERM),
            ("fchmodat2", [0, 0, 0o6755, 0, 0, 0], EPERM),
            ("seccomp", [1, 1, 0, 0, 0, 0], ALLOW),
            ("seccomp", [1, 9, 0, 0, 0, 0], EPERM),
        ] {
            assert_eq!(verdict(name, arguments), expected, "{name} {arguments:x?}");
        }
    }
}

#[test]
fn numbers_without_a_name_are_told_apart() {
    let program = default::compile(TargetArch::x86_64).unwrap();
    let read_x32 = 0x4000_0000;
    assert_eq!(verdict(&program, X86_64, read_x32, [0; 6]), EPERM);
    assert_eq!(verdict(&program, X86_64, u32::MAX, [0; 6]), EPERM);
    assert_eq!(verdict(&program, X86_64, 468, [0; 6]), ENOSYS);
    assert_eq!(verdict(&program, X86_64, 400, [0; 6]), EPERM);
    for foreign in [I386, AARCH64, 0] {
        assert_eq!(verdict(&program, foreign, 0, [0; 6]), KILL);
    }
}

#[test]
fn bytes_survive_the_way_to_the_helper() {
    let filter = Filter::of(&Seccomp::Default).unwrap();
    let bytes = filter.to_bytes();
    assert_eq!(bytes.len(), filter.instructions().len() * 8);
    assert_eq!(
        Filter::from_bytes(&bytes).unwrap().instructions(),
        filter.instructions()
    );
    for wrong in [&bytes[1..], &[], &vec![0; 8 * 4097]] {
        assert_eq!(Filter::from_bytes(wrong).unwrap_err().kind(), ErrorKind::Unexpected);
    }
}

#[test]
fn profiles_are_obeyed() {
    let deny_one = r#"{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}"#;
    assert_eq!(profile_verdict(deny_one, "mkdir", [0; 6]), EPERM);
    assert_eq!(profile_verdict(deny_one, "read", [0; 6]), ALLOW);

    let many = r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [
            {"names": ["read", "fstat64"], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "", "includes": {}, "excludes": {}},
            {"names": ["write"], "action": "SCMP_ACT_ALLOW",
             "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 10, "op": "SCMP_CMP_LT"}]},
            {"names": ["write"], "action": "SCMP_ACT_KILL_PROCESS", "args": [{"index": 0, "value": 7, "op": "SCMP_CMP_GE"}]},
            {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
             "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
            {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390"]},
             "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
            {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["chmod"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
            {"name": "ptrace", "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}}
        ]}"#;
    for (name, arguments, expected) in [
        ("read", [0; 6], ALLOW),
        ("open", [0; 6], ENOSYS),
        ("write", [1, 0, 9, 0, 0, 0], ALLOW),
        ("write", [1, 0, 10, 0, 0, 0], ENOSYS),
        ("write", [2, 0, 9, 0, 0, 0], ENOSYS),
        ("write", [7, 0, 9, 0, 0, 0], KILL),
        ("write", [1 << 32, 0, 9, 0, 0, 0], KILL),
        ("personality", [8, 0, 0, 0, 0, 0], ALLOW),
        ("personality", [1, 0, 0, 0, 0, 0], ENOSYS),
        ("clone", [17, 0, 0, 0, 0, 0], ALLOW),
        ("clone", [0x1000_0000, 0, 0, 0, 0, 0], ENOSYS),
        ("mount", [0; 6], ENOSYS),
        ("chmod", [0; 6], ENOSYS),
        ("ptrace", [0; 6], ALLOW),
    ] {
        assert_eq!(
            profile_verdict(many, name, arguments),
            expected,
            "{name} {arguments:x?}"
        );
    }
}

#[test]
fn the_strictest_rule_wins_and_one_without_conditions_covers_the_others() {
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["write"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_EQ"}]},
        {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_EQ"}]},
        {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
        {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": [{"index": 0, "value": 4, "op": "SCMP_CMP_EQ"}]}
    ]}"#;
    assert_eq!(profile_verdict(json, "write", [3, 0, 0, 0, 0, 0]), EPERM);
    assert_eq!(profile_verdict(json, "write", [4, 0, 0, 0, 0, 0]), ALLOW);
    assert_eq!(profile_verdict(json, "read", [9, 0, 0, 0, 0, 0]), EPERM);
}

#[test]
fn what_cannot_be_obeyed_is_refused() {
    for json in [
        "",
        "{}",
        r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "surprise": 1}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdri"], "action": "SCMP_ACT_ERRNO"}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 70000}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errno": "EIO"}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}"#,
        r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "9.1"}}]}"#,
    ] {
        let refused = profile::compile(TargetArch::x86_64, json).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidSpec, "{json}");
    }
}

/// A filter binds the thread that loads it and what that starts, so the test's own process goes on without.
#[test]
fn the_kernel_takes_it_and_programs_run_under_it() {
    let filtered = std::thread::spawn(|| {
        let directory = tempfile::tempdir().unwrap();
        let (file, made) = (directory.path().join("file"), directory.path().join("made"));
        std::fs::write(&file, "text").unwrap();
        Filter::of(&Seccomp::Default).unwrap().load().unwrap();
        let chmod = |mode| nix::sys::stat::Mode::from_bits_truncate(mode);
        let set_mode = |mode| {
            nix::sys::stat::fchmodat(
                nix::fcntl::AT_FDCWD,
                &file,
                chmod(mode),
                nix::sys::stat::FchmodatFlags::FollowSymlink,
            )
        };
        assert_eq!(set_mode(0o600), Ok(()));
        assert_eq!(set_mode(0o4755), Err(nix::Error::EPERM));
        assert_eq!(set_mode(0o2755), Err(nix::Error::EPERM));
        assert_eq!(
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS),
            Err(nix::Error::EPERM)
        );
        assert_eq!(nix::unistd::mkfifo(&made, chmod(0o600)), Ok(()));
        assert_eq!(nix::unistd::chroot("/"), Err(nix::Error::EPERM));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "text");
        let nested = std::thread::spawn(|| std::process::Command::new("/bin/true").status());
        assert!(nested.join().unwrap().unwrap().success());
    });
    filtered.join().unwrap();
}

#[test]
fn ours_is_compiled_once() {
    let (one, other) = (Filter::of(&Seccomp::Default), Filter::of(&Seccomp::Default));
    assert!(Arc::ptr_eq(&one.unwrap().0, &other.unwrap().0));
}

/// The search must find every number, at each end of every run.
#[test]
fn every_number_comes_to_its_own_end() {
    for (architecture, audit) in [(TargetArch::x86_64, X86_64), (TargetArch::aarch64, AARCH64)] {
        let program = default::compile(architecture).unwrap();
        let number = |name: &str| syscalls::number(architecture, name);
        let allowed: Vec<_> = allowed::COMMON
            .iter()
            .flat_map(|names| names.split_ascii_whitespace())
            .filter_map(number)
            .collect();
        let tested: Vec<_> = allowed::CONDITIONAL
            .iter()
            .filter_map(|(name, _)| number(name))
            .collect();
        let unknown = [number("clone3"), number("openat2")];
        for candidate in 0..=syscalls::highest(architecture) {
            if tested.contains(&candidate) {
                continue;
            }
            let expected = match candidate {
                known if allowed.contains(&known) => ALLOW,
                known if unknown.contains(&Some(known)) => ENOSYS,
                _ => EPERM,
            };
            let seen = verdict(&program, audit, candidate.try_into().unwrap(), [0; 6]);
            assert_eq!(seen, expected, "{candidate}");
        }
    }
}
