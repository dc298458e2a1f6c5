//! What a program in a sandbox tries, and must not reach.
//!
//! The tries are in `probes/probe.py`. They are made with everything in reach that a careless launcher passes on: a
//! terminal, a descriptor and a variable of the caller, listeners on the host's loopback and in its abstract namespace.
//! They are made on the machine itself and on root filesystems, of which those that lack a directory to mount something on
//! are put together in another way.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panic, as tests do")]

#[path = "probes/root.rs"]
mod root;

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use inline_embedded::{EmbeddedConfig, EmbeddedRuntime};
use inline_runtime::{
    Capability, ContainerRuntime, ContainerRuntimeExt, ContainerSpec, ExecSpec, Mount, Tmpfs, Userns,
};
use rustix::fs::{Mode, OFlags};

const PROBES: &str = include_str!("probes/probe.py");
/// What is known to be open, each with its reason in `SECURITY.md`.
const EXCEPTIONS: [&str; 1] = ["mount_sources"];
/// The program ran to its end if it made so many tries.
const TRIES: usize = 66;
/// Tries that harm nothing, and that get through where there is no sandbox. They show that a try can tell.
const CONTROLS: [&str; 13] = [
    "etc_passwd_of_the_host",
    "file_of_the_caller",
    "temporary_files_of_the_host",
    "system_directories",
    "loopback_of_the_host",
    "abstract_socket",
    "processes_of_the_host",
    "signal_to_the_host",
    "secrets_of_processes",
    "environment",
    "inherited_descriptors",
    "terminal",
    "sys_filesystem",
];
/// The images that the tries are made on; with none of their own directories the machine itself.
const IMAGES: [(&str, Option<&[&str]>); 3] = [
    ("host", None),
    ("complete", Some(&["/dev", "/proc", "/tmp", "/workspace"])),
    ("bare", Some(&[])),
];
const SECRET: &str = "INLINE_PROBE_SECRET";
/// A terminal of its own around a command, as a person's shell has it.
const IN_A_TERMINAL: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// Runs itself again in a scene with everything in reach.
#[test]
fn nothing_is_reached_but_what_security_md_says() {
    let directory = tempfile::tempdir().unwrap();
    let secret = format!(
        "{:032x}",
        u128::from(getrandom::u64().unwrap()) << 64 | u128::from(getrandom::u64().unwrap())
    );
    let file = directory.path().join("secret");
    std::fs::write(&file, &secret).unwrap();
    // Without `CLOEXEC` it goes to everything that is started from here on.
    let inherited = rustix::fs::open(&file, OFlags::RDONLY, Mode::empty()).unwrap();
    let scene = Command::new("python3")
        .args(["-c", IN_A_TERMINAL])
        .arg(std::env::current_exe().unwrap())
        .args(["scene", "--exact", "--ignored", "--nocapture"])
        .env(SECRET, &secret)
        .env("INLINE_PROBE_DIRECTORY", directory.path())
        .output()
        .unwrap();
    drop(inherited);
    let printed = String::from_utf8_lossy(&scene.stdout);
    assert!(
        scene.status.success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&scene.stderr)
    );
    assert!(printed.contains("1 passed"), "{printed}");
}

#[tokio::test]
#[ignore = "run by the test above, which sets the scene"]
async fn scene() {
    let variable = |name: &str| std::env::var(name).expect("the scene is set");
    let (secret, directory) = (variable(SECRET), variable("INLINE_PROBE_DIRECTORY"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("inline-probe-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract: OwnedFd = UnixListener::bind_addr(&address).unwrap().into();
    assert!(File::open("/dev/tty").is_ok(), "the scene has no terminal");

    let arguments = [
        port.local_addr().unwrap().port().to_string(),
        name,
        std::process::id().to_string(),
        secret,
        format!("{directory}/secret"),
        if rustix::process::geteuid().is_root() {
            "root"
        } else {
            "user"
        }
        .to_owned(),
    ];
    let outside = run_outside(&arguments);
    assert_eq!(open(&outside, CONTROLS.len()), BTreeSet::from(CONTROLS), "{outside}");
    for (image, mount_points) in IMAGES {
        let inside = run(&arguments, Path::new(&directory), image, mount_points).await;
        assert_eq!(open(&inside, TRIES), BTreeSet::from(EXCEPTIONS), "{image}: {inside}");
    }
}

/// Returns the tries that got through, of so many.
fn open(printed: &str, count: usize) -> BTreeSet<&str> {
    let tries: Vec<_> = printed.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(tries.len(), count, "{printed}");
    let open = tries.into_iter().filter(|(_, end)| !end.starts_with("blocked "));
    open.map(|(name, _)| name).collect()
}

/// Makes the harmless tries as a program of the caller's.
fn run_outside(arguments: &[String]) -> String {
    let output = Command::new("python3")
        .args(["-I", "-c", PROBES])
        .args(arguments)
        .arg(CONTROLS.join(","))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the tries beside an idle main program, with a workspace, as the service runs programs.
async fn run(arguments: &[String], directory: &Path, image: &str, mount_points: Option<&[&str]>) -> String {
    let workspace = directory.join(format!("workspace-{image}"));
    std::fs::create_dir(&workspace).unwrap();
    let mut config = EmbeddedConfig::default();
    if let Some(mount_points) = mount_points {
        let root = directory.join(image);
        std::fs::create_dir(&root).unwrap();
        root::make(&root, mount_points);
        config = config.with_image(image, root);
    }
    let runtime = EmbeddedRuntime::connect(&config).await.unwrap();
    let runtime: Arc<dyn ContainerRuntime> = Arc::new(runtime);
    let mut spec = ContainerSpec::new(image.parse().unwrap(), "probes")
        .with_cmd(["sleep", "1000"])
        .with_user("1000:1000")
        .with_mount(Mount::bind(workspace.to_str().unwrap(), "/workspace"))
        .with_tmpfs(Tmpfs::new("/tmp", 16 << 20));
    if runtime.capabilities().has(Capability::UserNamespace) {
        spec = spec.with_userns(Userns::KeepId);
    }
    let id = runtime.create(&spec).await.unwrap();
    let _main = runtime.start(&id).await.unwrap();
    let cmd = ["/usr/bin/python3", "-I", "-c", PROBES]
        .into_iter()
        .map(str::to_owned)
        .chain(arguments.iter().cloned());
    let output = runtime.exec_output(&id, &ExecSpec::new(cmd), 1 << 20).await.unwrap();
    runtime.remove(&id).await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.is_success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}
