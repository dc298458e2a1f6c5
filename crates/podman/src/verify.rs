//! Whether the service made what it was asked to make.
//!
//! The service ignores what it does not understand, and some of what it does: 4.3 takes any OCI runtime and uses its own.

use std::collections::BTreeSet;

use inline_runtime::{ContainerSpec, Error, ErrorKind, NetworkMode, Result, Userns};

use crate::answer::Inspection;

const ALL: &str = "ALL";

/// Checks a container that was just made against its spec.
///
/// # Errors
///
/// - [`ErrorKind::Unsupported`] with the first thing that is not as asked.
pub(crate) fn verify(spec: &ContainerSpec, made: &Inspection) -> Result<()> {
    oci_runtime(spec, made)?;
    let host = &made.host_config;
    let nobody_maps = |uid: u32| !host.id_mappings.uid_map.contains(&format!("{uid}:0:1"));
    let kept_uid = match spec.userns {
        Userns::KeepId => spec.numeric_user().map(|(uid, _)| uid),
        _ => None,
    };
    for (is_wrong, what) in [
        (
            spec.no_new_privileges && !host.security_opt.iter().any(|option| option == "no-new-privileges"),
            "no_new_privileges",
        ),
        (
            host.security_opt.iter().any(|option| option == "seccomp=unconfined"),
            "seccomp",
        ),
        (spec.readonly_rootfs && !host.readonly_rootfs, "readonly_rootfs"),
        (
            spec.network_mode == NetworkMode::None && host.network_mode != "none",
            "network_mode",
        ),
        (host.log_config.driver != "none", "log_config"),
        (spec.stdin != made.config.open_stdin, "stdin"),
        (kept_uid.is_some_and(nobody_maps), "userns"),
    ] {
        if is_wrong {
            return Err(not_applied(what));
        }
    }
    capabilities(spec, made)
}

fn oci_runtime(spec: &ContainerSpec, made: &Inspection) -> Result<()> {
    match &spec.oci_runtime {
        Some(asked) if *asked != made.oci_runtime => {
            let used = &made.oci_runtime;
            Err(Error::new(
                ErrorKind::Unsupported,
                format!("the service uses the OCI runtime `{used}` where `{asked}` was asked for"),
            )
            // https://github.com/containers/podman/issues/28429
            .with_hint(format!(
                "Podman before the fix of its issue 28429 ignores the choice: give the service this one, by \
                 `runtime = \"{asked}\"` under `[engine]` in `containers.conf`"
            )))
        }
        _ => Ok(()),
    }
}

/// The bounding set is what programs can ever have, whichever user they run as.
fn capabilities(spec: &ContainerSpec, made: &Inspection) -> Result<()> {
    let bounding: BTreeSet<String> = made.bounding_caps.iter().map(|name| full_name(name)).collect();
    let added: BTreeSet<String> = spec.cap_add.iter().map(|name| full_name(name)).collect();
    let dropped: BTreeSet<String> = spec.cap_drop.iter().map(|name| full_name(name)).collect();
    if added.contains(ALL) {
        return Ok(());
    }
    let has_too_many = if dropped.contains(ALL) {
        !bounding.is_subset(&added)
    } else {
        dropped
            .iter()
            .any(|name| bounding.contains(name) && !added.contains(name))
    };
    if has_too_many {
        Err(not_applied("cap_drop"))
    } else if !added.is_subset(&bounding) {
        Err(not_applied("cap_add"))
    } else {
        Ok(())
    }
}

fn full_name(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    if name == ALL || name.starts_with("CAP_") {
        name
    } else {
        format!("CAP_{name}")
    }
}

fn not_applied(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the service made the container without the `{what}` that was asked for"),
    )
}

#[cfg(test)]
mod tests {
    use inline_runtime::ContainerSpec;
    use serde_json::{Value, json};

    use super::*;

    fn spec() -> ContainerSpec {
        ContainerSpec::new("alpine".parse().unwrap(), "test")
    }

    fn closed() -> Value {
        json!({
            "Id": "4f2a", "Name": "it", "OCIRuntime": "crun", "BoundingCaps": null,
            "State": {"Status": "created"},
            "Config": {"OpenStdin": false},
            "HostConfig": {
                "ReadonlyRootfs": true, "NetworkMode": "none", "SecurityOpt": ["no-new-privileges"],
                "LogConfig": {"Type": "none"}, "IDMappings": {"UidMap": ["0:1:65534", "65534:0:1"]},
            },
        })
    }

    fn check(spec: &ContainerSpec, made: Value) -> Result<()> {
        verify(spec, &serde_json::from_value(made).unwrap())
    }

    #[test]
    fn what_is_as_asked_passes() {
        check(&spec(), closed()).unwrap();
        let kept = spec().with_user("65534:65534").with_userns(Userns::KeepId);
        check(&kept.with_oci_runtime("crun"), closed()).unwrap();
    }

    #[test]
    fn each_thing_that_was_ignored_is_found() {
        for (pointer, value) in [
            ("/HostConfig/SecurityOpt", json!([])),
            (
                "/HostConfig/SecurityOpt",
                json!(["no-new-privileges", "seccomp=unconfined"]),
            ),
            ("/HostConfig/ReadonlyRootfs", json!(false)),
            ("/HostConfig/NetworkMode", json!("slirp4netns")),
            ("/HostConfig/LogConfig/Type", json!("k8s-file")),
            ("/Config/OpenStdin", json!(true)),
            ("/BoundingCaps", json!(["CAP_CHOWN"])),
        ] {
            let mut made = closed();
            *made.pointer_mut(pointer).unwrap() = value;
            let error = check(&spec(), made).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{pointer}");
        }
        let kept = spec().with_user("1000:1000").with_userns(Userns::KeepId);
        assert!(check(&kept, closed()).is_err());
    }

    #[test]
    fn another_oci_runtime_is_never_taken() {
        let error = check(&spec().with_oci_runtime("runsc"), closed()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.hint().unwrap().contains("runtime = \"runsc\""), "{error}");
    }

    #[test]
    fn capabilities_are_compared_by_their_full_names() {
        let mut made = closed();
        made["BoundingCaps"] = json!(["CAP_CHOWN", "CAP_KILL"]);
        check(&spec().with_cap_add("chown").with_cap_add("CAP_KILL"), made.clone()).unwrap();
        assert!(check(&spec().with_cap_add("chown"), made.clone()).is_err());
        assert!(
            check(
                &spec().with_cap_add("setuid").with_cap_add("kill").with_cap_add("chown"),
                made.clone()
            )
            .is_err()
        );
        check(&spec().with_cap_drop(["setuid"]), made.clone()).unwrap();
        assert!(check(&spec().with_cap_drop(["kill"]), made).is_err());
    }
}
