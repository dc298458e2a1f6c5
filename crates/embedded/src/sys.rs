//! The one file with `unsafe`: the entry of the helper, and system calls that no kept crate wraps safely.

use std::ffi::{CStr, c_int};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use nix::unistd::ForkResult;
use rustix::process::Pid;
use seccompiler::sock_filter;

use crate::helper;

/// The path that the helper is executed by; together with [`MARKER`] it is what tells a helper from any other process.
pub(crate) const SELF_EXECUTABLE: &CStr = c"/proc/self/exe";
/// The helper's first argument, its name.
pub(crate) const MARKER: &str = "inline-embedded-helper/1";

/// Whoever executes a program that this crate is part of with path and marker of the helper gets the helper: it runs
/// before `main`, since `main` belongs to the program.
#[used]
#[unsafe(link_section = ".init_array")]
static HOOK: extern "C" fn() = hook;

extern "C" fn hook() {
    if is_helper() {
        // SAFETY: `main` has not begun, so there is but this thread.
        exit_now(helper::run(&unsafe { SingleThreaded::new() }));
    }
}

fn is_helper() -> bool {
    // SAFETY: the call has no preconditions; where the kernel gave no such entry it returns 0.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) } as *const libc::c_char;
    if path.is_null() {
        return false;
    }
    // SAFETY: the kernel put a string with its NUL there, which lasts as long as the process.
    if unsafe { CStr::from_ptr(path) } != SELF_EXECUTABLE {
        return false;
    }
    // C libraries other than glibc pass no arguments to a hook.
    let arguments = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    arguments == [MARKER.as_bytes(), b"\0"].concat()
}

/// Returns where the executable of this process begins; 0 if the kernel does not tell.
pub(crate) fn entry_point() -> usize {
    // SAFETY: the call has no preconditions; where the kernel gave no such entry it returns 0.
    let address = unsafe { libc::getauxval(libc::AT_ENTRY) };
    usize::try_from(address).unwrap_or(0)
}

/// Proves that the process has one thread, so that a child made by `fork` may do what its parent may.
#[derive(Debug)]
pub(crate) struct SingleThreaded(());

impl SingleThreaded {
    /// # Safety
    ///
    /// The process must have one thread, and never start another.
    unsafe fn new() -> Self {
        Self(())
    }

    /// Forks; returns the child's id in the parent and `None` in the child.
    #[expect(clippy::unused_self, reason = "whoever has it has shown that this is sound")]
    pub(crate) fn fork(&self) -> io::Result<Option<Pid>> {
        // SAFETY: with one thread no lock is held by a thread that the child does not have.
        match unsafe { nix::unistd::fork() }? {
            ForkResult::Parent { child } => Pid::from_raw(child.as_raw())
                .ok_or_else(|| io::Error::other("a child without an id"))
                .map(Some),
            ForkResult::Child => Ok(None),
        }
    }

    /// Gives every signal its default action: an ignored one would stay ignored in every program.
    #[expect(clippy::unused_self, reason = "whoever has it has shown that this is sound")]
    pub(crate) fn reset_signals(&self) {
        for signal in 1..=libc::SIGRTMAX() {
            // SAFETY: no handler is installed, so nothing can run that is not safe to. Those that cannot be changed fail.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
}

/// Ends the process without the clean-up of the program that it is not.
pub(crate) fn exit_now(code: c_int) -> ! {
    // SAFETY: the call has no preconditions and does not return.
    unsafe { libc::_exit(code) }
}

/// Closes every descriptor from `first` on at the next `execve`.
pub(crate) fn close_on_exec_from(first: c_int) -> io::Result<()> {
    // SAFETY: nothing is closed in this process, and the arguments are plain numbers.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, c_int::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    checked(result)
}

/// Joins a new session keyring, so that no key of the caller's is in reach.
pub(crate) fn join_session_keyring() -> io::Result<()> {
    let anonymous = ptr::null::<libc::c_char>();
    // SAFETY: the operation reads a name where there is one, and here is none.
    checked(unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, anonymous) })
}

/// Sets attributes of a mount, and of those below it if asked; with a user namespace, the owners of files are mapped by it.
pub(crate) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    set: u64,
    recursive: bool,
    users: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let below = if recursive { libc::AT_RECURSIVE } else { 0 };
    let idmap = if users.is_some() { libc::MOUNT_ATTR_IDMAP } else { 0 };
    let attributes = libc::mount_attr {
        attr_set: set | idmap,
        attr_clr: 0,
        propagation: 0,
        userns_fd: users.and_then(|fd| u64::try_from(fd.as_raw_fd()).ok()).unwrap_or(0),
    };
    // SAFETY: the kernel reads as many bytes as the structure has, and an empty path with its NUL.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | below,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    checked(result)
}

/// Sends a signal to a process by its descriptor: any number, also those without a name.
pub(crate) fn send_signal(process: BorrowedFd<'_>, signal: c_int) -> io::Result<()> {
    let no_details = ptr::null::<libc::siginfo_t>();
    // SAFETY: the kernel fills in the details where there are none.
    checked(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, no_details, 0) })
}

/// Loads a filter of system calls without giving up new privileges, for which the caller needs `CAP_SYS_ADMIN`.
pub(crate) fn load_filter(instructions: &[sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: u16::try_from(instructions.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        filter: instructions.as_ptr().cast_mut().cast(),
    };
    // SAFETY: the kernel copies `len` instructions, which the slice has, and writes to none.
    checked(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) })
}

fn checked(result: libc::c_long) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
