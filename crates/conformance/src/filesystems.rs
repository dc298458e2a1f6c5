//! What a container sees of filesystems, and who can write where.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use inline_runtime::{Mount, Tmpfs, Userns};

use crate::bench::{Bench, random_token};
use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::programs;
use crate::subject::Fixture;

/// The owner of a writable root can write there: only that it is read-only stops them.
pub(crate) async fn readonly_rootfs(bench: &Bench) -> Outcome {
    for (read_only, writes) in [(true, false), (false, true)] {
        let spec = bench.idle_spec().with_user("0:0").with_readonly_rootfs(read_only);
        let idle = bench.start(&spec).await?;
        // Engines put files of their own into `/etc`, so that every image has it.
        let cmd = programs::WRITE_FILE.cmd(&["/etc/probe", "1"]);
        let written = bench.exec_to_end(&idle.id, cmd).await?;
        ensure_eq!(
            written.status.is_success(),
            writes,
            "whether `/etc` can be written where `readonly_rootfs` is {read_only}"
        );
    }
    // Nothing else is writable that nobody asked for: engines that add places of their own open holes in the limits.
    let idle = bench.idle().await?;
    for path in ["/tmp/probe", "/run/probe", "/var/tmp/probe"] {
        let written = bench
            .exec_to_end(&idle.id, programs::WRITE_FILE.cmd(&[path, "1"]))
            .await?;
        ensure!(!written.status.is_success(), "`{path}` can be written unasked");
    }
    Ok(())
}

pub(crate) async fn tmpfs_noexec(bench: &Bench) -> Outcome {
    for (exec, expected) in [(false, ""), (true, "ran")] {
        let spec = bench
            .spec(programs::EXECUTE.cmd(&["/files"]))
            .with_tmpfs(Tmpfs::new("/files", 1 << 20).with_exec(exec));
        let printed = bench.run(&spec).await?;
        ensure_eq!(
            printed.text()?,
            expected,
            "the output of a program on a tmpfs with exec {exec}"
        );
    }
    Ok(())
}

pub(crate) async fn tmpfs_options(bench: &Bench) -> Outcome {
    let spec = bench
        .spec(programs::READ_FILES.cmd(&["/proc/self/mountinfo"]))
        .with_tmpfs(Tmpfs::new("/files", 1 << 20));
    let printed = bench.run(&spec).await?;
    let text = printed.text()?;
    let options = text
        .lines()
        .find(|line| line.split(' ').nth(4) == Some("/files"))
        .and_then(|line| line.split(' ').nth(5))
        .ok_or_else(|| Failure::new(format_args!("no `/files` in {text}")))?;
    for option in ["nosuid", "nodev", "noexec"] {
        ensure!(
            options.split(',').any(|set| set == option),
            "no `{option}` in {options}"
        );
    }
    Ok(())
}

pub(crate) async fn bind_mount(bench: &Bench) -> Outcome {
    let directory = HostDirectory::new(bench, 0o777)?;
    fs::write(directory.0.join("given"), "from the host")?;
    let spec = bench.idle_spec().with_mount(Mount::bind(directory.text()?, "/mnt"));
    let idle = bench.start(&spec).await?;
    let read = bench
        .exec_to_end(&idle.id, programs::READ_FILES.cmd(&["/mnt/given"]))
        .await?;
    ensure_eq!(read.text()?, "from the host", "the file of the host");
    let cmd = programs::WRITE_FILE.cmd(&["/mnt/made", "1"]);
    bench.exec_to_end(&idle.id, cmd).await?.ensure_code(0)?;
    let made = fs::metadata(directory.0.join("made"))?;
    ensure_eq!(made.len(), 1 << 16, "the size of the file that the container made");
    Ok(())
}

pub(crate) async fn bind_mount_read_only(bench: &Bench) -> Outcome {
    let directory = HostDirectory::new(bench, 0o777)?;
    let mount = Mount::bind(directory.text()?, "/mnt").with_read_only(true);
    let idle = bench.start(&bench.idle_spec().with_mount(mount)).await?;
    let cmd = programs::WRITE_FILE.cmd(&["/mnt/made", "1"]);
    let written = bench.exec_to_end(&idle.id, cmd).await?;
    ensure!(
        !written.status.is_success() && !directory.0.join("made").exists(),
        "a read-only mount was written to"
    );
    Ok(())
}

/// What one container writes to a volume the next one reads, and cannot change where it is mounted read-only.
pub(crate) async fn volume(bench: &Bench) -> Outcome {
    let Fixture::Present(name) = &bench.fixtures().volume else {
        return Err(Failure::new("no volume"));
    };
    let path = format!("/volume/{}", random_token());
    let spec = |cmd, read_only| {
        let mount = Mount::volume(name, "/volume").with_read_only(read_only);
        bench.spec(cmd).with_user("0:0").with_mount(mount)
    };
    let write = programs::WRITE_FILE.cmd(&[path.as_str(), "1"]);
    bench.run(&spec(write.clone(), false)).await?.ensure_code(0)?;
    let read = bench.run(&spec(programs::READ_FILES.cmd(&[&path]), true)).await?;
    ensure_eq!(read.stdout.len(), 1 << 16, "the bytes that the next container reads");
    let written = bench.run(&spec(write, true)).await?;
    ensure!(!written.status.is_success(), "a read-only volume was written to");
    Ok(())
}

/// A private directory of the calling user's is the container user's own, and what that makes is the caller's.
pub(crate) async fn keep_id(bench: &Bench) -> Outcome {
    let directory = HostDirectory::new(bench, 0o700)?;
    let spec = bench
        .spec(programs::WRITE_FILE.cmd(&["/mnt/made", "1"]))
        .with_userns(Userns::KeepId)
        .with_mount(Mount::bind(directory.text()?, "/mnt"));
    bench.run(&spec).await?.ensure_code(0)?;
    let (ours, made) = (fs::metadata(&directory.0)?, fs::metadata(directory.0.join("made"))?);
    ensure_eq!(
        (made.uid(), made.gid()),
        (ours.uid(), ours.gid()),
        "the owner of the file"
    );
    Ok(())
}

/// A directory of the engine's host, removed in the end.
struct HostDirectory(PathBuf);

impl HostDirectory {
    fn new(bench: &Bench, mode: u32) -> Outcome<Self> {
        let Fixture::Present(parent) = &bench.fixtures().host_directory else {
            return Err(Failure::new("no host directory"));
        };
        let path = parent.join(format!("inline-conformance-{}", random_token()));
        fs::create_dir(&path)?;
        let directory = Self(path);
        fs::set_permissions(&directory.0, fs::Permissions::from_mode(mode))?;
        Ok(directory)
    }

    fn text(&self) -> Outcome<&str> {
        let text = Path::new(&self.0).to_str();
        text.ok_or_else(|| Failure::new("the host directory is not UTF-8"))
    }
}

impl Drop for HostDirectory {
    fn drop(&mut self) {
        // What cannot be removed is litter in a directory for temporary files.
        drop(fs::remove_dir_all(&self.0));
    }
}
