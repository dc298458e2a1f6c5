//! Sandboxes of the machine itself, made by a program that is a test: what the contract does not say of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panic, as tests do")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;

use inline_embedded::{EmbeddedConfig, EmbeddedRuntime, LimitPolicy};
use inline_runtime::{
    ContainerRuntime, ContainerRuntimeExt, ContainerSpec, ErrorKind, ExecSpec, ListFilter, Mount, NetworkMode, Output,
    Tmpfs, Userns,
};

async fn connect(config: &EmbeddedConfig) -> Arc<dyn ContainerRuntime> {
    let runtime = EmbeddedRuntime::connect(config).await;
    Arc::new(runtime.unwrap_or_else(|error| panic!("{error}\n{error:?}")))
}

fn spec(script: &str) -> ContainerSpec {
    ContainerSpec::new("host".parse().unwrap(), "test").with_cmd(["sh", "-c", script])
}

async fn run(spec: &ContainerSpec) -> Output {
    let runtime = connect(&EmbeddedConfig::default()).await;
    runtime.run(spec, 1 << 20).await.unwrap()
}

fn text(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap().trim_end()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_from_many_threads() {
    let runtime = connect(&EmbeddedConfig::default()).await;
    let runs = (0..12).map(|number| {
        let runtime = Arc::clone(&runtime);
        tokio::spawn(async move {
            let output = runtime.run(&spec(&format!("echo {number}")), 1 << 10).await.unwrap();
            assert_eq!(text(&output), number.to_string());
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.unwrap();
    }
    assert_eq!(runtime.list(&ListFilter::default()).await.unwrap(), []);
}

/// A thread that made a sandbox may end; the sandbox does not end with it.
#[test]
fn a_sandbox_outlives_the_thread_that_made_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (driver, id) = std::thread::scope(|scope| {
        let made = scope.spawn(|| {
            runtime.block_on(async {
                let driver = connect(&EmbeddedConfig::default()).await;
                let id = driver.create(&spec("exec sleep 1000")).await.unwrap();
                driver.start(&id).await.unwrap();
                (driver, id)
            })
        });
        made.join().unwrap()
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    runtime.block_on(async {
        let output = driver
            .exec_output(&id, &ExecSpec::new(["echo", "here"]), 100)
            .await
            .unwrap();
        assert_eq!(text(&output), "here");
        driver.remove(&id).await.unwrap();
    });
}

#[tokio::test]
async fn nothing_of_the_caller_is_inherited() {
    let output = run(&spec("cat /proc/keys; env | cut -d= -f1 | sort; ls /proc/self/fd")).await;
    // The last descriptor is the directory that `ls` itself reads.
    assert_eq!(text(&output), "HOME\nLANG\nPATH\nPWD\n0\n1\n2\n3");
}

#[tokio::test]
async fn no_program_is_root_of_the_host() {
    let output = run(
        &spec("id -u; while read -r inside outside count; do echo $outside; done </proc/self/uid_map").with_user("0:0"),
    )
    .await;
    // Seen from inside, the map tells of the parent namespace, which is the host's.
    let outside: Vec<_> = text(&output).lines().skip(1).collect();
    assert!(!outside.is_empty() && !outside.contains(&"0"), "{outside:?}");
}

#[tokio::test]
async fn a_workspace_keeps_its_owner() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let mount = Mount::bind(directory.path().to_str().unwrap(), "/workspace");
    let script = "echo text >/workspace/made; chmod 4755 /workspace/made; stat -c %u /workspace/made";
    let spec = spec(script)
        .with_user("1000:1000")
        .with_userns(Userns::KeepId)
        .with_mount(mount);
    assert_eq!(text(&run(&spec).await), "1000");
    let (ours, made) = (
        fs::metadata(directory.path()).unwrap(),
        fs::metadata(directory.path().join("made")).unwrap(),
    );
    assert_eq!((made.uid(), made.gid()), (ours.uid(), ours.gid()));
    // What is root's on disk must not be made a program that everyone runs as root.
    assert_eq!(made.mode() & 0o6000, 0);
}

/// A link in the root filesystem does not lead a mount out of it.
#[tokio::test]
async fn a_target_that_is_a_link_stays_in_the_root() {
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("escape")).unwrap();
    let config = EmbeddedConfig::default().with_image("linked", root.path());
    let runtime = connect(&config).await;
    let mut spec = spec("true").with_tmpfs(Tmpfs::new("/escape/deep", 1 << 20));
    spec.image = "linked".parse().unwrap();
    let error = runtime.run(&spec, 1 << 10).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::CommandNotFound | ErrorKind::InvalidSpec),
        "{error}"
    );
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_missing_language_comes_with_a_cure() {
    let runtime = connect(&EmbeddedConfig::default()).await;
    let missing = ContainerSpec::new("host".parse().unwrap(), "test").with_cmd(["no-such-language"]);
    let error = runtime.run(&missing, 1 << 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CommandNotFound);
    assert!(error.hint().unwrap().contains("host_paths"), "{error}");
}

#[tokio::test]
async fn a_network_is_refused_unless_the_operator_allows_it() {
    let asks = spec("cat /proc/net/dev").with_network_mode(NetworkMode::Default);
    let runtime = connect(&EmbeddedConfig::default()).await;
    assert_eq!(runtime.create(&asks).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let devices = |text: &str| text.lines().filter(|line| line.contains(':')).count();
    let runtime = connect(&EmbeddedConfig::default().with_host_network(true)).await;
    let output = runtime.run(&asks, 1 << 20).await.unwrap();
    let host = fs::read_to_string("/proc/net/dev").unwrap();
    assert_eq!(devices(text(&output)), devices(&host));
}

#[tokio::test]
async fn limits_bind_or_are_refused() {
    let limited = spec("true").with_memory(64 << 20);
    for policy in [LimitPolicy::Cgroup, LimitPolicy::Rlimit] {
        let runtime = connect(&EmbeddedConfig::default().with_limits(policy)).await;
        let has = runtime.capabilities().has(inline_runtime::Capability::Memory);
        match runtime.run(&limited, 1 << 10).await {
            Ok(output) => assert!(has && output.status.is_success()),
            Err(error) => assert!(!has && error.kind() == ErrorKind::Unsupported, "{error}"),
        }
    }
}
