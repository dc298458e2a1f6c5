//! What a program may ask of the kernel where a spec leaves the filter to us.
//!
//! An allow list: a call that is not named here fails with `EPERM`, and one that the kernel got after this list was
//! written with `ENOSYS`, which programs take as "an old kernel" and do without. The list is wide enough for
//! interpreters, compilers, package managers and servers, and has nothing that reaches past the sandbox.
//!
//! Left out on purpose, besides all that only an administrator needs:
//!
//! - `clone3` and `openat2`: their flags lie in memory, where a filter cannot look. They fail with `ENOSYS`, so that
//!   programs fall back to `clone` and `openat`.
//! - `setns`, and `clone` and `unshare` with the flag of a namespace: as root of a user namespace of its own a program
//!   reaches kernel code that was written for administrators.
//! - `mount` and its family, `chroot`, `pivot_root`: the file system is the sandbox's.
//! - `keyctl`, `add_key`, `request_key`: keyrings are not in any namespace.
//! - `io_uring_*`: work that is done in the kernel passes no filter.
//! - `bpf`, `perf_event_open`, `userfaultfd`, `vmsplice`, `modify_ldt`, `fanotify_*`: much attack surface, no use here.
//! - `ptrace`, `process_vm_*`, `process_madvise`, `kcmp`, `pidfd_getfd`: nothing here debugs, and a tracer could rewrite
//!   what a filter has looked at.
//! - `name_to_handle_at`, `open_by_handle_at`: a handle opens a file without its path.
//! - `memfd_secret`, `mbind`, `move_pages`, `migrate_pages`, `set_mempolicy`: memory of the host's, out of the limit's sight
//!   or place.
//! - `cachestat`, `statmount`, `listmount`: they tell of the host.

/// Calls that are allowed with any arguments, by what they are for.
pub(super) const COMMON: &[&str] = &[
    // Files and directories. Paths resolve in the sandbox's own mounts.
    "access chdir chown close close_range copy_file_range dup dup2 dup3 faccessat faccessat2 fadvise64 \
     fallocate fchdir fchown fchownat fcntl fdatasync flock fstat fstatfs fsync ftruncate \
     futimesat getcwd getdents getdents64 lchown link linkat lseek lstat mkdir mkdirat newfstatat \
     pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 \
     rmdir sendfile splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee truncate umask unlink \
     unlinkat utime utimensat utimes write writev",
    // Extended attributes. Those that grant anything need a capability.
    "fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr \
     lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat",
    // Memory.
    "brk get_mempolicy madvise map_shadow_stack memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap mseal \
     msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect",
    // Processes and threads. New namespaces are excepted below.
    "arch_prctl capget execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv futex_wake \
     get_robust_list getcpu getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid ioprio_get \
     ioprio_set membarrier pidfd_open pidfd_send_signal prctl prlimit64 restart_syscall rseq sched_get_priority_max \
     sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval \
     sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield set_robust_list set_tid_address \
     setpgid setpriority setrlimit setsid vfork wait4 waitid",
    // Users, groups and capabilities. Without capabilities they only give things up.
    "capset getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid setgid setgroups setregid \
     setresgid setresuid setreuid setuid",
    // Filters of the program's own can only take more away.
    "landlock_add_rule landlock_create_ruleset landlock_restrict_self",
    // Signals. They reach no further than the sandbox's own processes.
    "kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait \
     rt_tgsigqueueinfo sigaltstack tgkill tkill",
    // Time. Clocks are read, never set.
    "alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create \
     timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times",
    // Waiting for events, and the older asynchronous input and output.
    "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 inotify_add_watch \
     inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit poll \
     ppoll pselect6 select signalfd signalfd4",
    // Sockets and pipes. The families are limited below.
    "accept accept4 bind connect getpeername getsockname getsockopt listen pipe pipe2 recvfrom recvmmsg recvmsg sendmmsg \
     sendmsg sendto setsockopt shutdown",
    // Interprocess communication, in a namespace of the sandbox's own.
    "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget \
     semop semtimedop shmat shmctl shmdt shmget",
    // What the machine is.
    "getrandom lsm_get_self_attr lsm_list_modules sysinfo uname",
];

/// Tests one argument of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Argument {
    pub(super) index: u8,
    pub(super) test: Test,
}

/// Says what holds for the lower 32 bits of an argument, all that the kernel looks at in these calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    /// It is the value.
    Is(u32),
    /// It is anything but the value.
    IsNot(u32),
    /// Its bits of the mask are these.
    Bits { mask: u32, value: u32 },
}

/// Calls that are allowed if all tests of one line hold.
pub(super) const CONDITIONAL: &[(&str, &[Argument])] = &[
    // No new namespace. In `clone` the lowest byte is a signal, in `unshare` it has the flag of the time namespace.
    ("clone", &[bits(0, NEW_NAMESPACES, 0)]),
    ("unshare", &[bits(0, NEW_NAMESPACES | NEW_TIME_NAMESPACE, 0)]),
    // `TIOCSTI` and `TIOCLINUX` type into a terminal, `TIOCSETD` loads line disciplines into the kernel. Bits above the
    // 32 that the kernel looks at must not hide them.
    (
        "ioctl",
        &[is_not(1, TIOCSTI), is_not(1, TIOCLINUX), is_not(1, TIOCSETD)],
    ),
    // The default, its 32-bit name, and the question which one is set. Others switch protections of memory off.
    ("personality", &[is(0, PERSONALITY_LINUX)]),
    ("personality", &[is(0, PERSONALITY_LINUX32)]),
    ("personality", &[is(0, PERSONALITY_QUERY)]),
    // Families that a network namespace holds. `AF_VSOCK` reaches the host of a virtual machine past every namespace;
    // others, such as `AF_ALG`, are kernel code that nothing here needs.
    ("socket", &[is(0, AF_UNIX)]),
    ("socket", &[is(0, AF_INET)]),
    ("socket", &[is(0, AF_INET6)]),
    ("socket", &[is(0, AF_NETLINK), is(2, NETLINK_ROUTE)]),
    ("socketpair", &[is(0, AF_UNIX)]),
    // No file with the bits that lend its owner's rights: in a mounted directory that owner is one of the host's. The
    // mode counts only where a file is made.
    ("chmod", &[bits(1, SET_ID, 0)]),
    ("fchmod", &[bits(1, SET_ID, 0)]),
    ("fchmodat", &[bits(2, SET_ID, 0)]),
    ("fchmodat2", &[bits(2, SET_ID, 0)]),
    ("creat", &[bits(1, SET_ID, 0)]),
    ("open", &[bits(1, MAKES_A_FILE, 0)]),
    ("open", &[bits(2, SET_ID, 0)]),
    ("openat", &[bits(2, MAKES_A_FILE, 0)]),
    ("openat", &[bits(3, SET_ID, 0)]),
    // Files, named pipes and sockets, never devices.
    ("mknod", &[bits(1, S_IFMT | SET_ID, 0)]),
    ("mknod", &[bits(1, S_IFMT | SET_ID, S_IFREG)]),
    ("mknod", &[bits(1, S_IFMT | SET_ID, S_IFIFO)]),
    ("mknod", &[bits(1, S_IFMT | SET_ID, S_IFSOCK)]),
    ("mknodat", &[bits(2, S_IFMT | SET_ID, 0)]),
    ("mknodat", &[bits(2, S_IFMT | SET_ID, S_IFREG)]),
    ("mknodat", &[bits(2, S_IFMT | SET_ID, S_IFIFO)]),
    ("mknodat", &[bits(2, S_IFMT | SET_ID, S_IFSOCK)]),
    // A filter of the program's own can only take more away, unless it is served by another process.
    ("seccomp", &[bits(1, SECCOMP_NEW_LISTENER, 0)]),
];

/// Calls that fail with `ENOSYS`, since programs have another way that a filter can look at.
pub(super) const UNKNOWN: &[&str] = &["clone3 openat2"];

/// `CLONE_NEWNS`, `NEWCGROUP`, `NEWUTS`, `NEWIPC`, `NEWUSER`, `NEWPID` and `NEWNET`.
const NEW_NAMESPACES: u32 = 0x7e02_0000;
const NEW_TIME_NAMESPACE: u32 = 0x80;
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;
const TIOCSETD: u32 = 0x5423;
const PERSONALITY_LINUX: u32 = 0;
const PERSONALITY_LINUX32: u32 = 8;
const PERSONALITY_QUERY: u32 = u32::MAX;
const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;
const NETLINK_ROUTE: u32 = 0;
/// `S_ISUID` and `S_ISGID`.
const SET_ID: u32 = 0o6_000;
/// `O_CREAT` and the bit that is `O_TMPFILE`'s own.
const MAKES_A_FILE: u32 = 0o20_000_100;
const S_IFMT: u32 = 0o170_000;
const S_IFREG: u32 = 0o100_000;
const S_IFIFO: u32 = 0o010_000;
const S_IFSOCK: u32 = 0o140_000;
const SECCOMP_NEW_LISTENER: u32 = 1 << 3;

const fn is(index: u8, value: u32) -> Argument {
    Argument {
        index,
        test: Test::Is(value),
    }
}

const fn is_not(index: u8, value: u32) -> Argument {
    Argument {
        index,
        test: Test::IsNot(value),
    }
}

const fn bits(index: u8, mask: u32, value: u32) -> Argument {
    Argument {
        index,
        test: Test::Bits { mask, value },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use seccompiler::TargetArch;

    use super::*;
    use crate::seccomp::syscalls::number;

    #[test]
    fn every_name_is_one_of_the_kernels_and_stands_once() {
        let mut seen = BTreeSet::new();
        for name in COMMON.iter().flat_map(|names| names.split_ascii_whitespace()) {
            assert!(number(TargetArch::x86_64, name).is_some(), "{name}");
            assert!(seen.insert(name), "{name} stands twice");
        }
        for (name, _) in CONDITIONAL {
            assert!(number(TargetArch::x86_64, name).is_some(), "{name}");
            assert!(!seen.contains(name), "{name} is allowed without its conditions");
        }
    }

    #[test]
    fn what_is_left_out_is_left_out() {
        let allowed: BTreeSet<_> = COMMON
            .iter()
            .flat_map(|names| names.split_ascii_whitespace())
            .chain(CONDITIONAL.iter().map(|(name, _)| *name))
            .collect();
        for name in [
            "clone3 openat2 setns mount umount2 open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr open_tree_attr \
             chroot pivot_root keyctl add_key request_key io_uring_setup io_uring_enter io_uring_register bpf \
             perf_event_open userfaultfd vmsplice modify_ldt fanotify_init fanotify_mark ptrace process_vm_readv \
             process_vm_writev process_madvise kcmp pidfd_getfd name_to_handle_at open_by_handle_at memfd_secret mbind \
             move_pages migrate_pages set_mempolicy set_mempolicy_home_node cachestat statmount listmount kexec_load \
             kexec_file_load init_module finit_module delete_module swapon swapoff reboot acct quotactl quotactl_fd syslog \
             sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex iopl ioperm vhangup uselib ustat \
             sysfs lookup_dcookie nfsservctl lsm_set_self_attr",
        ]
        .iter()
        .flat_map(|names| names.split_ascii_whitespace())
        {
            assert!(number(TargetArch::x86_64, name).is_some(), "{name} is no call");
            assert!(!allowed.contains(name), "{name} is allowed");
        }
    }
}
