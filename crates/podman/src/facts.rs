//! What is known of a service and its host from the time of the connection.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use inline_runtime::{CgroupVersion, Error, ErrorKind, Result};
use nix::unistd::Uid;
use tokio::net::unix::UCred;

use crate::answer::IdRange;
use crate::description::describe;
use crate::raw::Client;

/// Where Podman looks for the program of `init`.
const INIT_PROGRAMS: [&str; 4] = [
    "/usr/libexec/podman/catatonit",
    "/usr/local/libexec/podman/catatonit",
    "/usr/lib/podman/catatonit",
    "/usr/local/lib/podman/catatonit",
];
const CDI_DIRECTORIES: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];
const GPU_KIND: &str = "nvidia.com/gpu";
/// A CDI specification is not larger than this.
const MAX_CDI_BYTES: u64 = 1 << 20;

/// Describes a service.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) version: String,
    pub(crate) rootless: bool,
    pub(crate) cgroup_version: CgroupVersion,
    pub(crate) cgroup_manager: String,
    pub(crate) cgroup_controllers: Vec<String>,
    /// The limit that a control group was found not to hold.
    pub(crate) unbound: Option<String>,
    pub(crate) oci_runtime: String,
    /// Whether containers get the service's own seccomp profile.
    pub(crate) seccomp: bool,
    /// How many users and groups a rootless container can have.
    pub(crate) uids: u32,
    pub(crate) gids: u32,
    pub(crate) host: Host,
}

/// Describes where a service runs, as seen from here.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an observation of its own, none excludes another"
)]
pub(crate) struct Host {
    /// Whether it is this host, whose `/proc` shows the containers' processes.
    pub(crate) is_here: bool,
    /// Whether the service can read a private file of ours.
    pub(crate) reads_our_files: bool,
    pub(crate) has_init: bool,
    pub(crate) has_gpus: bool,
}

impl Facts {
    /// Asks a service, or remembers what it has told another process.
    pub(crate) async fn gather(client: &Client, peer: UCred, runtime_dir: Option<&Path>) -> Result<Self> {
        let info = describe(client, peer, runtime_dir).await?;
        let host = Host::look(&info.host.kernel, peer);
        let security = &info.host.security;
        let facts = Self {
            version: info.version.version,
            rootless: security.rootless,
            cgroup_version: info.host.cgroup_version(),
            seccomp: security.seccomp_enabled && security.seccomp_profile_path != "unconfined",
            uids: total(&info.host.id_mappings.uidmap),
            gids: total(&info.host.id_mappings.gidmap),
            cgroup_manager: info.host.cgroup_manager,
            cgroup_controllers: info.host.cgroup_controllers,
            unbound: None,
            oci_runtime: info.host.oci_runtime.name,
            host,
        };
        // Without subordinate ids every user of an image but one is missing, and pulls fail in the middle.
        if facts.rootless && (facts.uids <= 1 || facts.gids <= 1) {
            return Err(no_subordinate_ids());
        }
        Ok(facts)
    }
}

/// Creates the error for a user to whom no subordinate ids are given.
pub(crate) fn no_subordinate_ids() -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        "the user of the service has no subordinate user and group ids",
    )
    .with_hint(
        "as root: `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER`, then as the user \
         `podman system migrate`",
    )
}

impl Host {
    /// A socket may be forwarded from elsewhere, so the kernel that the service names must be the one that runs here.
    fn look(kernel: &str, peer: UCred) -> Self {
        let our_kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        // A peer in another process namespace has no number in ours.
        let is_here = kernel == our_kernel.trim() && peer.pid().is_some_and(|pid| pid > 0);
        Self {
            is_here,
            reads_our_files: is_here && (peer.uid() == 0 || peer.uid() == Uid::effective().as_raw()),
            has_init: is_here && INIT_PROGRAMS.iter().any(|program| Path::new(program).exists()),
            has_gpus: is_here && CDI_DIRECTORIES.iter().any(|directory| has_gpu_specification(directory)),
        }
    }
}

fn total(ranges: &[IdRange]) -> u32 {
    ranges.iter().fold(0, |total, range| total.saturating_add(range.size))
}

fn has_gpu_specification(directory: &str) -> bool {
    let Ok(entries) = fs::read_dir(directory) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let mut text = String::new();
        let file = File::open(entry.path()).map(|file| file.take(MAX_CDI_BYTES).read_to_string(&mut text));
        matches!(file, Ok(Ok(_))) && text.contains(GPU_KIND)
    })
}
