//! What a container is made of.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{Gpus, ImageReference, Mount, NetworkMode, Seccomp, Tmpfs, Ulimit, Userns, labels};

/// Describes a container, in the words and units of Docker and the OCI runtime specification.
///
/// A new spec is closed: no network, read-only root, all capabilities dropped, no new privileges. It has no limits,
/// since there is no number that fits all; what stands above sets them.
///
/// ```
/// use inline_runtime::{ContainerSpec, Tmpfs};
///
/// let spec = ContainerSpec::new("python:3.11-slim".parse()?, "my-app")
///     .with_cmd(["python3", "-c", "print(6 * 7)"])
///     .with_user("65534:65534")
///     .with_memory(256 << 20)
///     .with_nano_cpus(1_000_000_000)
///     .with_pids_limit(64)
///     .with_tmpfs(Tmpfs::new("/tmp", 64 << 20));
/// assert_eq!(spec.labels["inline.instance"], "my-app");
/// # Ok::<(), inline_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the fields are those of Docker and OCI, and these are switches there"
)]
pub struct ContainerSpec {
    /// The image. It must be on the engine; `create` does not pull.
    pub image: ImageReference,
    /// The name, unique on the engine; random by default.
    pub name: String,
    /// The program and its arguments; empty takes the image's own.
    pub cmd: Vec<String>,
    /// What is put before `cmd`; `None` takes the image's own, an empty list none.
    pub entrypoint: Option<Vec<String>>,
    /// Variables on top of the image's.
    pub env: BTreeMap<String, String>,
    /// The absolute directory to start in; `None` takes the image's own.
    pub working_dir: Option<String>,
    /// `user`, `uid` or `uid:gid`; `None` takes the image's own, which is often root.
    pub user: Option<String>,
    /// The host name inside; `None` leaves it to the engine.
    pub hostname: Option<String>,
    /// Labels; must hold [`labels::INSTANCE`].
    pub labels: BTreeMap<String, String>,
    /// Whether standard input is open; otherwise the program reads end of file at once. Default `false`.
    pub stdin: bool,
    /// Host directories and volumes.
    pub mounts: Vec<Mount>,
    /// Filesystems in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// Memory in bytes, at least 6 MiB; `None` is no limit.
    pub memory: Option<u64>,
    /// Memory and swap together in bytes, at least `memory`; `None` is the same as `memory`, that is no swap.
    pub memory_swap: Option<u64>,
    /// CPU in units of 10^-9 of one CPU, at least 10^7; `None` is no limit.
    pub nano_cpus: Option<u64>,
    /// The most processes and threads; `None` is no limit.
    pub pids_limit: Option<u64>,
    /// Limits on each process by itself.
    pub ulimits: Vec<Ulimit>,
    /// The size of `/dev/shm` in bytes; `None` leaves it to the engine, usually 64 MiB.
    pub shm_size: Option<u64>,
    /// How early the kernel's OOM killer picks the program, -1000 to 1000; `None` leaves it to the engine.
    pub oom_score_adj: Option<i16>,
    /// Whether the root filesystem is read-only. Default `true`.
    pub readonly_rootfs: bool,
    /// The network. Default none.
    pub network_mode: NetworkMode,
    /// Capabilities to keep or add, with or without `CAP_`. Default none.
    pub cap_add: Vec<String>,
    /// Capabilities to drop, with or without `CAP_`. Default `ALL`.
    pub cap_drop: Vec<String>,
    /// Whether programs can gain privileges by setuid bits and file capabilities. Default `true`: they cannot.
    pub no_new_privileges: bool,
    /// The seccomp filter. Default the engine's.
    pub seccomp: Seccomp,
    /// How users map to the host's. Default the engine's.
    pub userns: Userns,
    /// Whether an init process stands before the program and reaps orphans. Default `false`.
    pub init: bool,
    /// The OCI runtime, by the name that the engine has for it; `None` takes the engine's default.
    pub oci_runtime: Option<String>,
    /// GPUs; default none.
    pub gpus: Option<Gpus>,
}

impl ContainerSpec {
    /// Creates a closed spec of `image` with a random name, labelled as belonging to `instance`.
    ///
    /// `instance` names the calling program; whatever happens, its containers can be found and removed by it.
    pub fn new(image: ImageReference, instance: impl Into<String>) -> Self {
        let created = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        Self {
            image,
            name: random_name(),
            cmd: Vec::new(),
            entrypoint: None,
            env: BTreeMap::new(),
            working_dir: None,
            user: None,
            hostname: None,
            labels: BTreeMap::from([
                (labels::INSTANCE.to_owned(), instance.into()),
                (labels::CREATED.to_owned(), created.to_string()),
            ]),
            stdin: false,
            mounts: Vec::new(),
            tmpfs: Vec::new(),
            memory: None,
            memory_swap: None,
            nano_cpus: None,
            pids_limit: None,
            ulimits: Vec::new(),
            shm_size: None,
            oom_score_adj: None,
            readonly_rootfs: true,
            network_mode: NetworkMode::None,
            cap_add: Vec::new(),
            cap_drop: vec!["ALL".to_owned()],
            no_new_privileges: true,
            seccomp: Seccomp::Default,
            userns: Userns::Default,
            init: false,
            oci_runtime: None,
            gpus: None,
        }
    }

    /// Sets the name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the program and its arguments.
    #[must_use]
    pub fn with_cmd<I, S>(mut self, cmd: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.cmd = cmd.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what is put before `cmd`.
    #[must_use]
    pub fn with_entrypoint<I, S>(mut self, entrypoint: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.entrypoint = Some(entrypoint.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the directory to start in.
    #[must_use]
    pub fn with_working_dir(mut self, working_dir: impl Into<String>) -> Self {
        self.working_dir = Some(working_dir.into());
        self
    }

    /// Sets the user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the host name inside.
    #[must_use]
    pub fn with_hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Sets whether standard input is open.
    #[must_use]
    pub fn with_stdin(mut self, stdin: bool) -> Self {
        self.stdin = stdin;
        self
    }

    /// Adds a host directory or volume.
    #[must_use]
    pub fn with_mount(mut self, mount: Mount) -> Self {
        self.mounts.push(mount);
        self
    }

    /// Adds a filesystem in memory.
    #[must_use]
    pub fn with_tmpfs(mut self, tmpfs: Tmpfs) -> Self {
        self.tmpfs.push(tmpfs);
        self
    }

    /// Sets the memory limit, bytes.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Sets the limit of memory and swap together, bytes.
    #[must_use]
    pub fn with_memory_swap(mut self, bytes: u64) -> Self {
        self.memory_swap = Some(bytes);
        self
    }

    /// Sets the CPU limit, in units of 10^-9 of one CPU.
    #[must_use]
    pub fn with_nano_cpus(mut self, nano_cpus: u64) -> Self {
        self.nano_cpus = Some(nano_cpus);
        self
    }

    /// Sets the most processes and threads.
    #[must_use]
    pub fn with_pids_limit(mut self, pids_limit: u64) -> Self {
        self.pids_limit = Some(pids_limit);
        self
    }

    /// Adds a limit on each process.
    #[must_use]
    pub fn with_ulimit(mut self, ulimit: Ulimit) -> Self {
        self.ulimits.push(ulimit);
        self
    }

    /// Sets the size of `/dev/shm`, bytes.
    #[must_use]
    pub fn with_shm_size(mut self, bytes: u64) -> Self {
        self.shm_size = Some(bytes);
        self
    }

    /// Sets how early the OOM killer picks the program.
    #[must_use]
    pub fn with_oom_score_adj(mut self, oom_score_adj: i16) -> Self {
        self.oom_score_adj = Some(oom_score_adj);
        self
    }

    /// Sets whether the root filesystem is read-only.
    #[must_use]
    pub fn with_readonly_rootfs(mut self, readonly_rootfs: bool) -> Self {
        self.readonly_rootfs = readonly_rootfs;
        self
    }

    /// Sets the network.
    #[must_use]
    pub fn with_network_mode(mut self, network_mode: NetworkMode) -> Self {
        self.network_mode = network_mode;
        self
    }

    /// Adds a capability to keep.
    #[must_use]
    pub fn with_cap_add(mut self, capability: impl Into<String>) -> Self {
        self.cap_add.push(capability.into());
        self
    }

    /// Sets the capabilities to drop.
    #[must_use]
    pub fn with_cap_drop<I, S>(mut self, capabilities: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        self.cap_drop = capabilities.into_iter().map(Into::into).collect();
        self
    }

    /// Sets whether programs are kept from gaining privileges.
    #[must_use]
    pub fn with_no_new_privileges(mut self, no_new_privileges: bool) -> Self {
        self.no_new_privileges = no_new_privileges;
        self
    }

    /// Sets the seccomp filter.
    #[must_use]
    pub fn with_seccomp(mut self, seccomp: Seccomp) -> Self {
        self.seccomp = seccomp;
        self
    }

    /// Sets how users map to the host's.
    #[must_use]
    pub fn with_userns(mut self, userns: Userns) -> Self {
        self.userns = userns;
        self
    }

    /// Sets whether an init process reaps orphans.
    #[must_use]
    pub fn with_init(mut self, init: bool) -> Self {
        self.init = init;
        self
    }

    /// Sets the OCI runtime.
    #[must_use]
    pub fn with_oci_runtime(mut self, oci_runtime: impl Into<String>) -> Self {
        self.oci_runtime = Some(oci_runtime.into());
        self
    }

    /// Sets the GPUs.
    #[must_use]
    pub fn with_gpus(mut self, gpus: Gpus) -> Self {
        self.gpus = Some(gpus);
        self
    }

    /// Returns the limit of memory and swap together that holds: what was set, else `memory`.
    pub fn effective_memory_swap(&self) -> Option<u64> {
        self.memory_swap.or(self.memory)
    }
}

/// Names are random, not counted, so that two processes of one instance never meet.
fn random_name() -> String {
    let bits = getrandom::u64().unwrap_or_else(|_| {
        // Without a source of randomness, time and process keep names apart, and `create` refuses a taken one.
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .subsec_nanos();
        u64::from(nanos) << 32 | u64::from(std::process::id())
    });
    format!("inline-{bits:016x}")
}

#[cfg(test)]
mod tests;
