//! A container is made exactly as asked, or not at all.

use std::collections::BTreeMap;
use std::time::Duration;

use inline_runtime::{Capability, ErrorKind, Mount, State, Tmpfs, labels};
use tokio::time::{sleep, timeout};

use crate::bench::{Bench, ensure_refused};
use crate::case::{Case, case_table};
use crate::failure::{Outcome, ensure, ensure_eq};
use crate::programs;

pub(crate) const CASES: &[Case] = case_table![
    "create":
    spec_is_applied,
    invalid_spec,
    does_not_run,
    name_taken,
    image_missing,
    oci_runtime[requiring(Capability::OciRuntime)],
    unknown_oci_runtime[requiring(Capability::OciRuntime)],
    failure_leaves_nothing,
    dropped_future_leaves_nothing,
];

async fn spec_is_applied(bench: &Bench) -> Outcome {
    let argument = "a b\"c\\d $HOME 'é' *";
    let value = "x=1 $y\nz";
    let mut cmd = programs::DESCRIBE.cmd(&[argument, ""]);
    let spec = bench
        .spec(cmd.split_off(1))
        .with_entrypoint(cmd)
        .with_user("1234:4321")
        .with_hostname("inline-sandbox")
        .with_working_dir("/tmp")
        .with_env("INLINE_PROBE", value)
        .with_label(labels::OWNER, "local:someone");
    let printed = bench.run(&spec).await?;
    printed.ensure_code(0)?;
    ensure_eq!(
        String::from_utf8_lossy(&printed.stdout),
        format!("1234:4321\ninline-sandbox\n/tmp\n{value}\n{argument}\n\n"),
        "user, host name, directory, variable and arguments"
    );
    let container = bench.runtime.inspect(&spec.name.parse()?).await?;
    ensure_eq!(container.name, spec.name, "the name");
    for (name, value) in &spec.labels {
        ensure_eq!(container.labels.get(name), Some(value), "label `{name}`");
    }
    Ok(())
}

async fn invalid_spec(bench: &Bench) -> Outcome {
    let mut unlabelled = bench.idle_spec();
    unlabelled.labels = BTreeMap::new();
    for (what, spec) in [
        ("a name that is a path", bench.idle_spec().with_name("../../info")),
        (
            "a target that is no path",
            bench.idle_spec().with_tmpfs(Tmpfs::new("tmp", 1 << 20)),
        ),
        (
            "a tmpfs without size",
            bench.idle_spec().with_tmpfs(Tmpfs::new("/tmp", 0)),
        ),
        ("an argument with a NUL", bench.spec(vec!["a\0b".to_owned()])),
        ("no instance label", unlabelled),
    ] {
        let created = bench.runtime.create(&spec).await;
        ensure!(created.is_err(), "took {what}");
        ensure_refused(created, &[ErrorKind::InvalidSpec])?;
    }
    bench.ensure_nothing_left().await
}

async fn does_not_run(bench: &Bench) -> Outcome {
    let id = bench.runtime.create(&bench.idle_spec()).await?;
    sleep(Duration::from_millis(300)).await;
    ensure_eq!(bench.runtime.inspect(&id).await?.state, State::Created, "the state");
    ensure_refused(bench.kill(&id).await, &[ErrorKind::NotRunning])?;
    Ok(())
}

async fn name_taken(bench: &Bench) -> Outcome {
    let spec = bench.idle_spec();
    let holder = bench.start(&spec).await?;
    let second = bench.spec(programs::PRINT.cmd(&["", "", "0"])).with_name(&spec.name);
    ensure_refused(bench.runtime.create(&second).await, &[ErrorKind::AlreadyExists])?;
    let container = bench.runtime.inspect(&holder.id).await?;
    ensure_eq!(container.state, State::Running, "the state of the holder");
    ensure_eq!(bench.list().await?.len(), 1, "the number of containers");
    Ok(())
}

async fn image_missing(bench: &Bench) -> Outcome {
    let mut spec = bench.idle_spec();
    spec.image = "registry.invalid/inline/no-such-image:none".parse()?;
    ensure_refused(bench.runtime.create(&spec).await, &[ErrorKind::ImageNotFound])?;
    // A driver that pulled a tag which the registry has would succeed; none has this one.
    ensure_eq!(bench.runtime.image(&spec.image).await?, None, "the image afterwards");
    bench.ensure_nothing_left().await
}

/// Each OCI runtime mounts what it masks in a way of its own, by which programs can tell which one they run under.
async fn oci_runtime(bench: &Bench) -> Outcome {
    let info = bench.runtime.info().await?;
    ensure!(!info.oci_runtimes.is_empty(), "the engine names no OCI runtime");
    let mut traces = BTreeMap::new();
    let asked = info.oci_runtimes.iter().map(Some).chain([None]);
    for name in asked {
        let mut spec = bench.spec(programs::READ_FILES.cmd(&["/proc/self/mountinfo"]));
        spec.oci_runtime = name.cloned();
        let is_default = name.is_none() || name == info.default_oci_runtime.as_ref();
        match bench.run(&spec).await {
            Ok(printed) => {
                printed.ensure_code(0)?;
                traces.insert(name.cloned(), mount_options(printed.text()?));
            }
            // Engines name runtimes that do not work on their host; what fails is not run by another one.
            Err(failure) if failure.is_of_driver() && !is_default => {}
            Err(failure) => return Err(failure),
        }
    }
    let trace = |name: &str| traces.get(&Some(name.to_owned()));
    if let Some(default) = &info.default_oci_runtime {
        ensure_eq!(
            trace(default),
            traces.get(&None),
            "the traces of `{default}`, the default"
        );
    }
    if let (Some(runc), Some(crun)) = (trace("runc"), trace("crun")) {
        ensure!(runc != crun, "`runc` and `crun` leave the same traces: {runc:?}");
    }
    Ok(())
}

async fn unknown_oci_runtime(bench: &Bench) -> Outcome {
    let spec = bench.idle_spec().with_oci_runtime("no-such-runtime");
    ensure_refused(
        bench.runtime.create(&spec).await,
        &[ErrorKind::InvalidSpec, ErrorKind::Unsupported],
    )?;
    bench.ensure_nothing_left().await
}

async fn failure_leaves_nothing(bench: &Bench) -> Outcome {
    let mut no_image = bench.idle_spec();
    no_image.image = "registry.invalid/inline/no-such-image:none".parse()?;
    let no_source = bench
        .idle_spec()
        .with_mount(Mount::bind("/nonexistent/inline-conformance", "/mnt"));
    for (what, spec) in [
        ("a missing image", no_image),
        ("a missing source of a mount", no_source),
    ] {
        ensure!(bench.runtime.create(&spec).await.is_err(), "took {what}");
        bench.ensure_nothing_left().await?;
    }
    Ok(())
}

async fn dropped_future_leaves_nothing(bench: &Bench) -> Outcome {
    for millis in [0, 1, 3, 10, 30, 100] {
        let spec = bench.idle_spec();
        let created = timeout(Duration::from_millis(millis), bench.runtime.create(&spec)).await;
        if let Ok(created) = created {
            bench.runtime.remove(&created?).await?;
        }
    }
    bench.until_nothing_left().await?;
    // The engine may still be at work on what nobody waits for.
    sleep(bench.seconds(1)).await;
    bench.ensure_nothing_left().await
}

/// Returns the file systems and options of the mounts below `/proc`, without what differs from one container to the next.
fn mount_options(mountinfo: &str) -> Vec<String> {
    let mut mounts: Vec<_> = mountinfo
        .lines()
        .filter_map(|line| {
            let (mount, filesystem) = line.split_once(" - ")?;
            let target = mount.split(' ').nth(4)?;
            let (kind, options) = filesystem.split_once(' ')?;
            target
                .starts_with("/proc/")
                .then(|| format!("{target} {kind} {options}"))
        })
        .collect();
    mounts.sort();
    mounts
}
