//! What the driver and its helper tell each other.
//!
//! Each message is one packet of JSON, with descriptors beside it. The helper says [`Reply::Hello`] first; the driver then
//! sends one [`Request::Launch`], and further requests once that has succeeded. Whoever closes the socket ends the sandbox.

use std::path::PathBuf;

use inline_runtime::Ulimit;
use serde::{Deserialize, Serialize};

use crate::limits::ProcessLimits;

/// The version of the messages. Both ends are the same executable, so another one is a bug.
pub(crate) const VERSION: u32 = 1;

/// A message with the number that relates answers to requests; a process keeps the number of the request that made it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Numbered<T> {
    pub(crate) number: u64,
    pub(crate) body: T,
}

/// What the driver asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Makes the sandbox and runs its main program. Comes with standard input, output and error, and the filter of system
    /// calls in a file; further files are those by which a process puts itself under the sandbox's limits. Answered by [`Reply::Started`] or [`Reply::Failed`].
    Launch(Box<Launch>),
    /// Runs a further program. Comes with standard input, output and error. Answered likewise.
    Exec(Program),
    /// Sends a signal to the main program. Answered by [`Reply::Done`] or [`Reply::Failed`].
    Signal(i32),
}

/// What the helper answers and tells.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The helper runs.
    Hello(u32),
    /// The program runs.
    Started,
    /// It was done.
    Done,
    /// It was not done.
    Failed(Failure),
    /// A program ended.
    Exited(End),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(i32),
}

/// Everything about a sandbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) users: Users,
    pub(crate) hostname: String,
    /// Whether the host's network is shared; otherwise there is a loopback alone.
    pub(crate) host_network: bool,
    pub(crate) root: RootFilesystem,
    pub(crate) readonly_rootfs: bool,
    /// The size in bytes of what can be written to a root that is not read-only.
    pub(crate) root_size: u64,
    /// The size of `/dev/shm` in bytes.
    pub(crate) shm_size: u64,
    pub(crate) tmpfs: Vec<Tmpfs>,
    pub(crate) binds: Vec<Bind>,
    pub(crate) restrictions: Restrictions,
    pub(crate) main: Program,
}

/// Who the sandbox's user is, inside and on the host.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Users {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The host's user, never root.
    pub(crate) host_uid: u32,
    /// The host's group, never that of root.
    pub(crate) host_gid: u32,
    /// The first of the 65,536 users and groups of the host that those inside are, where the helper is root. Otherwise it
    /// is the host's user already, and there is no other inside.
    pub(crate) base: Option<u32>,
}

impl Users {
    /// Returns whether the helper is root on the host, and becomes another user before any program runs.
    pub(crate) fn is_privileged(self) -> bool {
        self.base.is_some()
    }
}

/// Where the root filesystem comes from.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum RootFilesystem {
    /// The host's own `/usr`, and little else.
    Host {
        /// Further directories and files of the host, at the same place inside.
        extra: Vec<PathBuf>,
    },
    /// A directory, which is never written to.
    Directory(PathBuf),
}

/// A filesystem in memory.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tmpfs {
    pub(crate) target: String,
    pub(crate) size: u64,
    pub(crate) nr_inodes: Option<u64>,
    pub(crate) exec: bool,
}

/// A directory or file of the host.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Bind {
    pub(crate) source: PathBuf,
    pub(crate) target: String,
    pub(crate) read_only: bool,
    /// The owner on disk whom the sandbox's user is to be here.
    pub(crate) owner: Option<(u32, u32)>,
}

/// What binds every program of a sandbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Restrictions {
    pub(crate) ulimits: Vec<Ulimit>,
    pub(crate) limits: ProcessLimits,
    pub(crate) oom_score_adj: Option<i16>,
    /// The capabilities that programs of root can have, a bit each.
    pub(crate) capabilities: u64,
    pub(crate) no_new_privileges: bool,
}

/// A program to run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) arguments: Vec<String>,
    /// Variables as `NAME=value`.
    pub(crate) environment: Vec<String>,
    /// Where a program without a slash is looked for.
    pub(crate) search_path: String,
    pub(crate) working_dir: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// What went wrong in the helper.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    /// What the step was about: a path, a name.
    pub(crate) subject: String,
    /// The kernel's number; 0 where the kernel said nothing.
    pub(crate) errno: i32,
}

/// Where in its work the helper was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Entering the groups that limit the sandbox.
    Limits,
    /// Making a user namespace.
    UserNamespace,
    /// Making the other namespaces.
    Namespaces,
    /// Setting up the loopback or the name of the host.
    Network,
    /// Putting the root filesystem together.
    Root,
    /// Opening what is to be mounted.
    Source,
    /// Mapping the owners of what is to be mounted.
    Idmap,
    /// Mounting at a target.
    Mount,
    /// Mounting `/proc`.
    Proc,
    /// Becoming a user.
    User,
    /// Changing to the working directory.
    WorkingDirectory,
    /// Setting a resource limit.
    Ulimit,
    /// Setting `oom_score_adj`.
    OomScore,
    /// Giving up capabilities and new privileges.
    Privileges,
    /// Loading the filter of system calls.
    Seccomp,
    /// Making a process.
    Fork,
    /// Executing the program.
    Execute,
    /// Sending a signal.
    Signal,
    /// Understanding a request.
    Protocol,
}

impl Step {
    /// Returns a function that turns an error of the kernel at this step into a failure.
    pub(crate) fn at<E: Into<std::io::Error>>(self, subject: impl Into<String>) -> impl FnOnce(E) -> Failure {
        move |error| {
            let error: std::io::Error = error.into();
            Failure {
                step: self,
                subject: subject.into(),
                errno: error.raw_os_error().unwrap_or(0),
            }
        }
    }
}
