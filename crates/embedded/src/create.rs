//! Makes a container: a record of what is to run, found to be possible.

use std::fs;

use inline_runtime::{ContainerId, ContainerSpec, Error, ErrorKind, NetworkMode, Result};
use rustix::thread::CapabilitySet;

use crate::container::Record;
use crate::engine::{Engine, blocking};
use crate::host_user::{HostUser, IDS};
use crate::image::{self, Rootfs};
use crate::limits::Limits;
use crate::plan;
use crate::seccomp::Filter;
use crate::user::{self, User};

/// The capabilities that can be kept: those that containers of other engines have. They hold in the sandbox's own user
/// namespace alone.
const KEEPABLE: [(&str, CapabilitySet); 14] = [
    ("AUDIT_WRITE", CapabilitySet::AUDIT_WRITE),
    ("CHOWN", CapabilitySet::CHOWN),
    ("DAC_OVERRIDE", CapabilitySet::DAC_OVERRIDE),
    ("FOWNER", CapabilitySet::FOWNER),
    ("FSETID", CapabilitySet::FSETID),
    ("KILL", CapabilitySet::KILL),
    ("MKNOD", CapabilitySet::MKNOD),
    ("NET_BIND_SERVICE", CapabilitySet::NET_BIND_SERVICE),
    ("NET_RAW", CapabilitySet::NET_RAW),
    ("SETFCAP", CapabilitySet::SETFCAP),
    ("SETGID", CapabilitySet::SETGID),
    ("SETPCAP", CapabilitySet::SETPCAP),
    ("SETUID", CapabilitySet::SETUID),
    ("SYS_CHROOT", CapabilitySet::SYS_CHROOT),
];

/// Makes a container, of which nothing runs yet.
pub(crate) async fn create(engine: &Engine, spec: &ContainerSpec) -> Result<ContainerId> {
    spec.validate(&engine.capabilities)?;
    engine.limiter.check(&Limits::of(spec))?;
    let rootfs = if image::is_host(&spec.image) {
        Rootfs::Host
    } else {
        let (images, reference) = (engine.images.clone(), spec.image.clone());
        blocking(move || images.find(&reference)?.ok_or_else(|| image::not_found(&reference))).await?
    };
    let record = record(engine, spec.clone(), rootfs)?;
    let id = record.id.clone();
    engine.containers.insert(record)?;
    Ok(id)
}

/// Makes the record of a container, if all of its spec can be kept.
pub(crate) fn record(engine: &Engine, spec: ContainerSpec, rootfs: Rootfs) -> Result<Record> {
    if spec.network_mode != NetworkMode::None && !engine.config.host_network {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "there is no network but the one of this machine",
        )
        .with_hint(
            "set `host_network` to let programs use that, with all that listens on it, or take another driver",
        ));
    }
    let of_image = rootfs.config().user.filter(|user| !user.is_empty());
    let user = user::find(spec.user.as_deref().or(of_image.as_deref()), &rootfs)?;
    check_user(&user, engine.host)?;
    let capabilities = kept_capabilities(&spec)?;
    for mount in &spec.mounts {
        fs::metadata(&mount.source).map_err(|error| not_mountable(&mount.source, error))?;
    }
    if plan::arguments(&spec, &rootfs).is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidSpec,
            "`cmd` is empty, and the image has none of its own",
        ));
    }
    // What cannot be obeyed of a profile is told now, and not when the container is started.
    Filter::of(&spec.seccomp)?;
    Ok(Record::new(new_id()?, spec, rootfs, user, capabilities))
}

/// Creates the error for something that is to be mounted and cannot be found.
pub(crate) fn not_mountable(source: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::InvalidSpec, format!("`{source}` cannot be mounted")).with_source(error)
}

/// Checks that a user can be had.
///
/// # Errors
///
/// - [`ErrorKind::InvalidSpec`] if there are not so many.
pub(crate) fn check_user(user: &User, host: HostUser) -> Result<()> {
    // The last one is the helper's.
    let is_there = |id: u32| id < IDS - 1;
    if host == HostUser::Root && !(is_there(user.uid) && is_there(user.gid)) {
        let (User { uid, gid, .. }, most) = (user, IDS - 2);
        return Err(Error::new(
            ErrorKind::InvalidSpec,
            format!("`user` is {uid}:{gid}, but the highest number here is {most}"),
        ));
    }
    Ok(())
}

/// Nothing is kept that was not asked for, whether or not it was dropped.
fn kept_capabilities(spec: &ContainerSpec) -> Result<CapabilitySet> {
    let mut kept = CapabilitySet::empty();
    for name in &spec.cap_add {
        let upper = name.to_ascii_uppercase();
        let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
        let known = KEEPABLE.iter().find(|(known, _)| *known == short);
        let (_, capability) = known.ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!("capability `{}` cannot be kept", name.escape_debug()),
            )
            .with_hint(
                "programs here keep no more than what containers usually have, and that in their own user namespace alone",
            )
        })?;
        kept |= *capability;
    }
    Ok(kept)
}

/// Ids are random, so that no two processes' containers are the same to control groups.
fn new_id() -> Result<ContainerId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the system gives no random numbers").with_source(std::io::Error::from(error))
    })?;
    format!("{:032x}", u128::from_ne_bytes(bytes)).parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ContainerSpec {
        ContainerSpec::new("host".parse().unwrap(), "test")
    }

    #[test]
    fn no_capability_is_kept_unasked() {
        let open = spec().with_cap_drop::<_, String>([]);
        assert_eq!(kept_capabilities(&open).unwrap(), CapabilitySet::empty());
    }

    #[test]
    fn capabilities_that_reach_beyond_a_sandbox_are_refused() {
        let kept = kept_capabilities(&spec().with_cap_add("cap_chown").with_cap_add("KILL")).unwrap();
        assert_eq!(kept, CapabilitySet::CHOWN | CapabilitySet::KILL);
        for name in ["SYS_ADMIN", "CAP_NET_ADMIN", "ALL", "NO_SUCH"] {
            let error = kept_capabilities(&spec().with_cap_add(name)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
        }
    }

    #[test]
    fn root_has_only_so_many_users_to_give() {
        let user = |uid| User {
            uid,
            gid: 0,
            home: String::new(),
        };
        assert!(check_user(&user(IDS - 2), HostUser::Root).is_ok());
        assert!(check_user(&user(IDS - 1), HostUser::Root).is_err());
        assert!(check_user(&user(u32::MAX - 1), HostUser::User { uid: 1, gid: 1 }).is_ok());
    }
}
