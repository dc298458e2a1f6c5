//! Turns specs into what the helper is told, or refuses what cannot be kept.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use inline_runtime::{ContainerSpec, Error, ErrorKind, ExecSpec, NetworkMode, Result, Userns};

use crate::config::EmbeddedConfig;
use crate::container::Record;
use crate::create::{check_user, not_mountable};
use crate::host_user::{Block, HostUser};
use crate::image::Rootfs;
use crate::limits::ProcessLimits;
use crate::user::{self, User};
use crate::wire::{Bind, Launch, Program, Restrictions, Tmpfs, Users};

/// The size of `/dev/shm` where a spec says none, as engines have it.
const SHM_BYTES: u64 = 64 << 20;
const HOSTNAME: &str = "sandbox";
const ROOT: &str = "/";
const RESOLVER: &str = "/etc/resolv.conf";
/// Returns everything about a container, whose users on the host are `block` or the one who runs this.
pub(crate) fn launch(
    record: &Record,
    host: HostUser,
    block: Option<&Block>,
    limits: ProcessLimits,
    config: &EmbeddedConfig,
) -> Result<Launch> {
    let spec = &record.spec;
    let users = users(&record.user, host, block);
    let owner = |source: &str| -> Result<Option<(u32, u32)>> {
        if spec.userns != Userns::KeepId || !users.is_privileged() {
            return Ok(None);
        }
        let metadata = fs::metadata(source).map_err(|error| not_mountable(source, error))?;
        Ok(Some((metadata.uid(), metadata.gid())))
    };
    let mut binds = Vec::new();
    for mount in &spec.mounts {
        binds.push(Bind {
            source: PathBuf::from(&mount.source),
            target: mount.target.clone(),
            read_only: mount.read_only,
            owner: owner(&mount.source)?,
        });
    }
    let host_network = spec.network_mode != NetworkMode::None;
    if host_network && record.rootfs.directory().is_some() {
        // An image does not know how names are resolved here.
        binds.push(Bind {
            source: PathBuf::from(RESOLVER),
            target: RESOLVER.to_owned(),
            read_only: true,
            owner: None,
        });
    }
    Ok(Launch {
        users,
        hostname: spec.hostname.clone().unwrap_or_else(|| HOSTNAME.to_owned()),
        host_network,
        root: record.rootfs.to_wire(&config.host_paths),
        readonly_rootfs: spec.readonly_rootfs,
        root_size: config.root_size,
        shm_size: spec.shm_size.unwrap_or(SHM_BYTES),
        tmpfs: spec.tmpfs.iter().map(tmpfs).collect(),
        binds,
        restrictions: Restrictions {
            ulimits: spec.ulimits.clone(),
            limits,
            oom_score_adj: spec.oom_score_adj,
            capabilities: record.capabilities.bits(),
            no_new_privileges: spec.no_new_privileges,
        },
        main: main_program(record),
    })
}

fn users(user: &User, host: HostUser, block: Option<&Block>) -> Users {
    let User { uid, gid, .. } = *user;
    let base = block.map(|block| block.base);
    let outside = match host {
        HostUser::User { uid, gid } => (uid, gid),
        HostUser::Root => (base.unwrap_or_default() + uid, base.unwrap_or_default() + gid),
    };
    Users {
        uid,
        gid,
        host_uid: outside.0,
        host_gid: outside.1,
        base,
    }
}

fn tmpfs(tmpfs: &inline_runtime::Tmpfs) -> Tmpfs {
    Tmpfs {
        target: tmpfs.target.clone(),
        size: tmpfs.size,
        nr_inodes: tmpfs.nr_inodes,
        exec: tmpfs.exec,
    }
}

fn main_program(record: &Record) -> Program {
    let (spec, image) = (&record.spec, record.rootfs.config());
    let working_dir = spec
        .working_dir
        .clone()
        .or(image.working_dir)
        .filter(|path| !path.is_empty());
    program(
        arguments(spec, &record.rootfs),
        environment(record, &record.user, &BTreeMap::new()),
        working_dir.unwrap_or_else(|| ROOT.to_owned()),
        &record.user,
    )
}

/// Returns a further program of a container.
///
/// # Errors
///
/// - [`ErrorKind::InvalidSpec`] if its user is none.
pub(crate) fn exec(record: &Record, spec: &ExecSpec, host: HostUser) -> Result<Program> {
    let user = match &spec.user {
        Some(user) => user::find(Some(user), &record.rootfs)?,
        None => record.user.clone(),
    };
    check_user(&user, host)?;
    let of_container = || main_program(record).working_dir;
    Ok(program(
        spec.cmd.clone(),
        environment(record, &user, &spec.env),
        spec.working_dir.clone().unwrap_or_else(of_container),
        &user,
    ))
}

fn program(arguments: Vec<String>, environment: BTreeMap<String, String>, working_dir: String, user: &User) -> Program {
    Program {
        arguments,
        search_path: environment.get("PATH").cloned().unwrap_or_default(),
        environment: environment
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        working_dir,
        uid: user.uid,
        gid: user.gid,
    }
}

/// What is set later goes before: the user's home, the image, the container, the process.
fn environment(record: &Record, user: &User, further: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let image = record.rootfs.config().env;
    let split =
        |variable: &String| Some(variable.split_once('=')?).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut environment = BTreeMap::from([("HOME".to_owned(), user.home.clone())]);
    environment.extend(image.iter().filter_map(split));
    environment.extend(record.spec.env.clone());
    environment.extend(further.clone());
    environment
}

/// Returns the main program and its arguments.
pub(crate) fn arguments(spec: &ContainerSpec, rootfs: &Rootfs) -> Vec<String> {
    let image = rootfs.config();
    let cmd = match (&spec.entrypoint, spec.cmd.is_empty()) {
        (None, true) => image.cmd,
        _ => spec.cmd.clone(),
    };
    let entrypoint = spec.entrypoint.clone().unwrap_or(image.entrypoint);
    entrypoint.into_iter().chain(cmd).collect()
}

/// Says what to do about a program that is missing where programs are those of this machine.
pub(crate) fn explain(error: Error, rootfs: &Rootfs) -> Error {
    match rootfs {
        Rootfs::Host if error.kind() == ErrorKind::CommandNotFound => error.with_hint(
            "the image `host` has what is installed below `/usr` of this machine: install it there (`apt-get install python3`, \
             say), show where it is by `host_paths`, or take an image that has it",
        ),
        _ => error,
    }
}
