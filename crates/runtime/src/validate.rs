//! Checks a spec against itself and against what a driver can enforce. Pure: no engine is asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Capabilities, Capability, ContainerSpec, Error, ErrorKind, Gpus, LimitMechanism, MountKind, NetworkMode, Result,
    Seccomp, Userns, labels,
};

/// Engines take no less memory than this for a container.
const MIN_MEMORY: u64 = 6 << 20;
/// A hundredth of a CPU, the least that the kernel's scheduler keeps apart.
const MIN_NANO_CPUS: u64 = 10_000_000;
const MAX_NAME_BYTES: usize = 128;

impl ContainerSpec {
    /// Checks the spec against itself and against `capabilities`; every driver calls this first.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidSpec`] if the spec contradicts itself or holds a value that no engine takes.
    /// - [`ErrorKind::Unsupported`] if it asks for a capability that is absent, with the reason.
    ///
    /// # Example: an absent capability refuses the spec
    ///
    /// ```
    /// use inline_runtime::{Capabilities, Capability, ContainerSpec, ErrorKind, Support};
    ///
    /// let capabilities = Capabilities::none("not checked")
    ///     .with(Capability::NetworkNone, Support::Present)
    ///     .with(Capability::ReadonlyRootfs, Support::Present)
    ///     .with(Capability::Memory, Support::absent("cgroup controller `memory` is not delegated"));
    /// let spec = ContainerSpec::new("alpine".parse()?, "my-app");
    /// assert!(spec.validate(&capabilities).is_ok());
    /// let refused = spec.with_memory(64 << 20).validate(&capabilities).unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Unsupported);
    /// # Ok::<(), inline_runtime::Error>(())
    /// ```
    pub fn validate(&self, capabilities: &Capabilities) -> Result<()> {
        self.validate_identity()?;
        self.validate_process()?;
        self.validate_limits()?;
        self.validate_files()?;
        self.validate_privileges()?;
        self.wanted()
            .try_for_each(|capability| capabilities.require(capability))?;
        if self.memory_swap.is_some() && capabilities.limit_mechanism() == LimitMechanism::Rlimit {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "`memory_swap` cannot be bound by resource limits",
            )
            .with_hint("leave it out: address space is limited whether it is swapped or not"));
        }
        Ok(())
    }

    /// Lists the capabilities that the spec asks for.
    fn wanted(&self) -> impl Iterator<Item = Capability> {
        let has_mount = |kind| self.mounts.iter().any(|mount| mount.kind == kind);
        [
            (Capability::Memory, self.memory.is_some() || self.memory_swap.is_some()),
            (Capability::NanoCpus, self.nano_cpus.is_some()),
            (Capability::PidsLimit, self.pids_limit.is_some()),
            (Capability::Ulimits, !self.ulimits.is_empty()),
            (Capability::NetworkNone, self.network_mode == NetworkMode::None),
            (Capability::ReadonlyRootfs, self.readonly_rootfs),
            (Capability::BindMounts, has_mount(MountKind::Bind)),
            (Capability::Volumes, has_mount(MountKind::Volume)),
            (
                Capability::TmpfsInodes,
                self.tmpfs.iter().any(|tmpfs| tmpfs.nr_inodes.is_some()),
            ),
            (Capability::Seccomp, self.seccomp != Seccomp::Default),
            (Capability::UserNamespace, self.userns != Userns::Default),
            (Capability::OciRuntime, self.oci_runtime.is_some()),
            (Capability::Gpus, self.gpus.is_some()),
            (Capability::Init, self.init),
        ]
        .into_iter()
        .filter_map(|(capability, is_wanted)| is_wanted.then_some(capability))
    }

    fn validate_identity(&self) -> Result<()> {
        name(&self.name)?;
        for (key, value) in &self.labels {
            if key.is_empty() {
                return Err(invalid("a label has no name"));
            }
            no_nul("labels", key)?;
            no_nul("labels", value)?;
        }
        if self.labels.get(labels::INSTANCE).is_none_or(String::is_empty) {
            return Err(invalid(format!("label `{}` is missing or empty", labels::INSTANCE))
                .with_hint("it names the program that the container belongs to, so that it can be found and removed"));
        }
        self.hostname.as_deref().map_or(Ok(()), hostname)
    }

    fn validate_process(&self) -> Result<()> {
        let arguments = self.cmd.iter().chain(self.entrypoint.iter().flatten());
        arguments.into_iter().try_for_each(|argument| no_nul("cmd", argument))?;
        if self.cmd.first().is_some_and(String::is_empty) {
            return Err(invalid("`cmd` starts with an empty word"));
        }
        env(&self.env)?;
        self.working_dir
            .as_deref()
            .map_or(Ok(()), |path| absolute_path("working_dir", path))?;
        self.user.as_deref().map_or(Ok(()), user)
    }

    fn validate_limits(&self) -> Result<()> {
        at_least("memory", self.memory, MIN_MEMORY, "bytes")?;
        at_least("nano_cpus", self.nano_cpus, MIN_NANO_CPUS, "billionths of a CPU")?;
        at_least("pids_limit", self.pids_limit, 1, "processes")?;
        at_least("shm_size", self.shm_size, 1, "bytes")?;
        // Engines take signed numbers; a larger one would become negative, which means "no limit" to them.
        for (field, value) in [
            ("memory", self.memory),
            ("memory_swap", self.memory_swap),
            ("nano_cpus", self.nano_cpus),
            ("pids_limit", self.pids_limit),
            ("shm_size", self.shm_size),
        ] {
            fits_engine(field, value)?;
        }
        if let Some(swap) = self.memory_swap {
            match self.memory {
                None => return Err(invalid("`memory_swap` is set without `memory`")),
                Some(memory) if swap < memory => {
                    return Err(invalid(format!(
                        "`memory_swap` is {swap} bytes, less than `memory` of {memory} bytes"
                    ))
                    .with_hint("it counts memory and swap together"));
                }
                Some(_) => {}
            }
        }
        if let Some(score) = self.oom_score_adj.filter(|score| !(-1000..=1000).contains(score)) {
            return Err(invalid(format!(
                "`oom_score_adj` is {score}, not between -1000 and 1000"
            )));
        }
        let mut names = BTreeSet::new();
        for ulimit in &self.ulimits {
            fits_engine("ulimits", Some(ulimit.hard))?;
            if ulimit.soft > ulimit.hard {
                let (name, soft, hard) = (ulimit.name, ulimit.soft, ulimit.hard);
                return Err(invalid(format!(
                    "ulimit `{name}` has a soft limit of {soft} above its hard limit of {hard}"
                )));
            }
            if !names.insert(ulimit.name.name()) {
                return Err(invalid(format!("ulimit `{}` is set twice", ulimit.name)));
            }
        }
        Ok(())
    }

    fn validate_files(&self) -> Result<()> {
        for mount in &self.mounts {
            match mount.kind {
                MountKind::Bind => absolute_path("mounts.source", &mount.source)?,
                MountKind::Volume => name(&mount.source)?,
            }
        }
        for tmpfs in &self.tmpfs {
            at_least("tmpfs.size", Some(tmpfs.size), 4096, "bytes")?;
            at_least("tmpfs.nr_inodes", tmpfs.nr_inodes, 2, "files")?;
            fits_engine("tmpfs.size", Some(tmpfs.size))?;
        }
        let mut targets = BTreeSet::new();
        let mount_targets = self.mounts.iter().map(|mount| &mount.target);
        for target in mount_targets.chain(self.tmpfs.iter().map(|tmpfs| &tmpfs.target)) {
            absolute_path("target", target)?;
            if target.trim_end_matches('/').is_empty() {
                return Err(invalid("nothing can be mounted on `/`"));
            }
            if !targets.insert(target.trim_end_matches('/')) {
                return Err(invalid(format!("two things are mounted on `{target}`")));
            }
        }
        Ok(())
    }

    fn validate_privileges(&self) -> Result<()> {
        for capability in self.cap_add.iter().chain(&self.cap_drop) {
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if capability.is_empty() || !capability.bytes().all(is_word) {
                return Err(invalid(format!(
                    "`{}` is not the name of a capability",
                    capability.escape_debug()
                )));
            }
        }
        if let Seccomp::Profile(profile) = &self.seccomp
            && !serde_json::from_str::<serde_json::Value>(profile).is_ok_and(|value| value.is_object())
        {
            return Err(invalid("the seccomp profile is not a JSON object")
                .with_hint("give the text of the profile, not its path"));
        }
        if self.userns == Userns::KeepId && self.numeric_user().is_none() {
            return Err(invalid("`userns` keep-id needs `user` as `uid:gid`"));
        }
        match &self.gpus {
            Some(Gpus::Count(0)) => Err(invalid("`gpus` asks for none")),
            Some(Gpus::DeviceIds(ids)) if ids.is_empty() => Err(invalid("`gpus` names no device")),
            _ => Ok(()),
        }
    }

    /// Returns `user` as numbers, if it was given as `uid:gid`.
    pub fn numeric_user(&self) -> Option<(u32, u32)> {
        let (uid, gid) = self.user.as_deref()?.split_once(':')?;
        Some((uid.parse().ok()?, gid.parse().ok()?))
    }
}

/// Names go into the paths of requests, so they hold nothing that a URL could read as more than a name.
pub(crate) fn name(name: &str) -> Result<()> {
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if starts_well && name.len() <= MAX_NAME_BYTES && name.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(invalid(format!("`{}` is not a name", name.escape_debug()))
        .with_hint("use up to 128 letters, digits, `_`, `.` and `-`, starting with a letter or digit"))
}

pub(crate) fn env(env: &BTreeMap<String, String>) -> Result<()> {
    for (name, value) in env {
        if name.is_empty() || name.contains('=') {
            return Err(invalid(format!(
                "`{}` is not the name of a variable",
                name.escape_debug()
            )));
        }
        no_nul("env", name)?;
        no_nul("env", value)?;
    }
    Ok(())
}

pub(crate) fn user(user: &str) -> Result<()> {
    let is_word = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    };
    let (name, group) = user
        .split_once(':')
        .map_or((user, None), |(name, group)| (name, Some(group)));
    if is_word(name) && group.is_none_or(is_word) {
        return Ok(());
    }
    Err(invalid(format!("`{}` is not a user", user.escape_debug())).with_hint("write `user`, `uid` or `uid:gid`"))
}

pub(crate) fn absolute_path(field: &str, path: &str) -> Result<()> {
    no_nul(field, path)?;
    if path.starts_with('/') && !path.split('/').any(|part| part == "..") {
        return Ok(());
    }
    Err(invalid(format!(
        "`{field}` is `{}`, not an absolute path without `..`",
        path.escape_debug()
    )))
}

pub(crate) fn no_nul(field: &str, text: &str) -> Result<()> {
    if text.contains('\0') {
        Err(invalid(format!("`{field}` holds a NUL byte")))
    } else {
        Ok(())
    }
}

fn hostname(hostname: &str) -> Result<()> {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if hostname.len() <= 63 && hostname.split('.').all(is_label) {
        return Ok(());
    }
    Err(invalid(format!(
        "`{}` is not a host name of at most 63 bytes",
        hostname.escape_debug()
    )))
}

fn at_least(field: &str, value: Option<u64>, least: u64, unit: &str) -> Result<()> {
    match value {
        Some(value) if value < least => Err(invalid(format!(
            "`{field}` is {value}, less than the {least} {unit} that it must be"
        ))),
        _ => Ok(()),
    }
}

fn fits_engine(field: &str, value: Option<u64>) -> Result<()> {
    match value {
        Some(value) if i64::try_from(value).is_err() => {
            Err(invalid(format!("`{field}` is {value}, more than any engine can count")))
        }
        _ => Ok(()),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSpec, message)
}

#[cfg(test)]
mod tests;
