//! The container that a program runs in.

use inline_runtime::{
    Capabilities, Capability, ContainerSpec, ImageReference, LimitMechanism, Mount, Tmpfs, Ulimit, UlimitName, Userns,
    labels,
};

use crate::{Language, Limits, Owner, Result, SandboxError, WORKSPACE_TARGET};

/// What the kernel picks first when the host itself runs out of memory.
const OOM_SCORE_ADJ: i16 = 500;
const OPEN_FILES: u64 = 1024;
/// What V8 reserves of address space and never uses: 0.7 GiB in node 20, and some room.
const NODE_ADDRESS_SPACE: u64 = 1 << 30;

/// Holds what the containers of one owner and language are made from.
#[derive(Clone, Debug)]
pub struct Blueprint<'a> {
    /// The program that the container belongs to, for sweeps.
    pub instance: &'a str,
    /// Whose sandbox it is.
    pub owner: &'a Owner,
    /// The language.
    pub language: &'a Language,
    /// The image: the language's, or the owner's own.
    pub image: &'a ImageReference,
    /// What it may use.
    pub limits: &'a Limits,
    /// The workspace, mounted at [`WORKSPACE_TARGET`].
    pub workspace: Mount,
    /// The user and group ids that programs run as.
    pub user: (u32, u32),
}

/// Says what a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// One program.
    Run,
    /// The cells of a session that starts in this directory of the container.
    Session {
        /// The absolute directory.
        directory: &'a str,
    },
}

impl Blueprint<'_> {
    /// Returns the container's spec on an engine with `capabilities`.
    ///
    /// # Errors
    ///
    /// - [`SandboxError::UnknownLanguage`] for a session in a language that has none.
    pub fn spec(&self, purpose: Purpose<'_>, capabilities: &Capabilities) -> Result<ContainerSpec> {
        let (role, command) = match purpose {
            Purpose::Run => ("run", self.language.run_command()),
            Purpose::Session { directory } => {
                let command = self.language.session_command(directory);
                (
                    "session",
                    command.ok_or_else(|| SandboxError::NoSessions {
                        language: self.language.name.clone(),
                    })?,
                )
            }
        };
        let (limits, (uid, gid)) = (self.limits, self.user);
        let spec = ContainerSpec::new(self.image.clone(), self.instance)
            .with_label(labels::OWNER, self.owner.to_string())
            .with_label(labels::ROLE, role)
            .with_entrypoint::<_, String>([])
            .with_cmd(command)
            .with_stdin(true)
            .with_user(format!("{uid}:{gid}"))
            .with_hostname("sandbox")
            .with_working_dir(WORKSPACE_TARGET)
            .with_mount(self.workspace.clone())
            // What is in the workspace can be executed, so there is nothing to gain from keeping it from here.
            .with_tmpfs(Tmpfs::new("/tmp", limits.tmpfs).with_exec(true))
            .with_shm_size(limits.tmpfs)
            .with_memory(self.memory(capabilities.limit_mechanism()))
            .with_pids_limit(limits.pids_limit)
            .with_ulimit(Ulimit::new(UlimitName::Nofile, OPEN_FILES))
            .with_ulimit(Ulimit::new(UlimitName::Core, 0))
            .with_ulimit(Ulimit::new(UlimitName::Fsize, limits.workspace_bytes))
            .with_ulimit(self.cpu_time())
            .with_oom_score_adj(OOM_SCORE_ADJ);
        let spec = environment()
            .into_iter()
            .fold(spec, |spec, (name, value)| spec.with_env(name, value));
        let spec = match capabilities.limit_mechanism() {
            // A share of a CPU is not among resource limits; the time of each process is.
            LimitMechanism::Rlimit if self.is_node() => {
                let heap = limits.memory >> 20;
                spec.with_env("NODE_OPTIONS", format!("--max-old-space-size={heap}"))
            }
            LimitMechanism::Rlimit => spec,
            _ => spec.with_nano_cpus(limits.nano_cpus),
        };
        if capabilities.has(Capability::UserNamespace) {
            // The workspace belongs to whoever runs the service, and so must the user inside.
            return Ok(spec.with_userns(Userns::KeepId));
        }
        Ok(spec)
    }

    fn is_node(&self) -> bool {
        self.language.name == "node"
    }

    fn memory(&self, mechanism: LimitMechanism) -> u64 {
        match mechanism {
            LimitMechanism::Rlimit if self.is_node() => self.limits.memory.saturating_add(NODE_ADDRESS_SPACE),
            _ => self.limits.memory,
        }
    }

    /// At the soft limit a program is told, by a signal whose name tells us; a second later it is killed.
    fn cpu_time(&self) -> Ulimit {
        let soft = self.limits.cpu_time.as_millis().div_ceil(1000);
        let soft = u64::try_from(soft).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        Ulimit::new(UlimitName::Cpu, soft + 1).with_soft(soft)
    }
}

/// Returns the spec of a further container like that of `spec`.
pub(crate) fn renewed(spec: &ContainerSpec) -> ContainerSpec {
    let new = ContainerSpec::new(spec.image.clone(), "");
    let mut spec = spec.clone().with_name(new.name);
    spec.labels.extend(
        new.labels
            .get_key_value(labels::CREATED)
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    spec
}

fn environment() -> [(&'static str, &'static str); 6] {
    [
        ("HOME", WORKSPACE_TARGET),
        ("LANG", "C.UTF-8"),
        ("PYTHONPATH", "/workspace/.site-packages"),
        ("NODE_PATH", "/workspace/node_modules"),
        // What was printed before a run is stopped must not be lost in a buffer.
        ("PYTHONUNBUFFERED", "1"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ]
}

#[cfg(test)]
mod tests {
    use inline_runtime::{NetworkMode, Support};

    use super::*;
    use crate::SandboxConfig;

    fn spec(language: &str, capabilities: &Capabilities) -> ContainerSpec {
        let languages = SandboxConfig::default().languages().unwrap();
        let (owner, limits) = ("local:alice".parse().unwrap(), Limits::default());
        let language = &languages[language];
        let blueprint = Blueprint {
            instance: "test",
            owner: &owner,
            language,
            image: &language.image,
            limits: &limits,
            workspace: Mount::bind("/srv/alice", WORKSPACE_TARGET),
            user: (1000, 1000),
        };
        blueprint.spec(Purpose::Run, capabilities).unwrap()
    }

    fn everything() -> Capabilities {
        Capability::ALL
            .into_iter()
            .fold(Capabilities::none(""), |table, one| table.with(one, Support::Present))
    }

    #[test]
    fn a_run_is_closed_and_limited() {
        let spec = spec("python", &everything());
        spec.validate(&everything()).unwrap();
        assert!(spec.readonly_rootfs && spec.no_new_privileges && spec.stdin);
        assert_eq!(
            (spec.network_mode, spec.cap_drop),
            (NetworkMode::None, vec!["ALL".to_owned()])
        );
        assert_eq!(
            (spec.memory, spec.nano_cpus, spec.pids_limit),
            (Some(256 << 20), Some(1_000_000_000), Some(64))
        );
        assert_eq!((spec.user.as_deref(), spec.userns), (Some("1000:1000"), Userns::KeepId));
        let cpu = spec
            .ulimits
            .iter()
            .find(|ulimit| ulimit.name == UlimitName::Cpu)
            .unwrap();
        assert_eq!((cpu.soft, cpu.hard), (120, 121));
    }

    #[test]
    fn resource_limits_take_the_place_of_control_groups() {
        let absent = Support::absent("not a resource limit");
        let capabilities = everything()
            .with(Capability::NanoCpus, absent.clone())
            .with(Capability::UserNamespace, absent)
            .with_limit_mechanism(LimitMechanism::Rlimit);
        spec("python", &capabilities).validate(&capabilities).unwrap();
        let node = spec("node", &capabilities);
        assert_eq!(
            (node.memory, node.nano_cpus, node.userns),
            (Some((1 << 30) + (256 << 20)), None, Userns::Default)
        );
        assert_eq!(node.env["NODE_OPTIONS"], "--max-old-space-size=256");
    }
}
