//! `inline files` and `inline sandboxes`.

use std::fs::{self, File};

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;

pub(crate) fn files_are_kept_for_an_owner_and_for_nobody_else(bench: &Bench) -> Result<(), Failed> {
    let files = |arguments: &[&str]| bench.printed(&[&["files", "--owner", "alice"], arguments].concat());
    let missing = bench.run(&["files", "--owner", "alice", "list"])?;
    ensure(missing.status.code() == Some(1) && missing.stdout.is_empty(), || {
        format!("{missing:?}")
    })?;
    files(&["mkdir", "data"])?;
    let written = bench.run_with(&["files", "--owner", "alice", "write", "data/in.txt"], b"x\n")?;
    ensure(written.status.success(), || format!("{written:?}"))?;
    fs::write(bench.directory.path().join("more.txt"), "y\n")?;
    files(&["write", "--append", "data/in.txt", "more.txt"])?;
    let run = [
        "run",
        "--owner",
        "local:alice",
        "--language",
        "bash",
        "-c",
        "cat data/in.txt; echo z > data/out.txt",
    ];
    let printed = bench.printed(&run)?;
    ensure(printed == "x\ny\n", || printed)?;
    let read = files(&["read", "data/out.txt"])?;
    ensure(read == "z\n", || read)?;

    files(&["mv", "data/out.txt", "kept.txt"])?;
    files(&["rm", "--recursive", "data"])?;
    let listed = files(&["list"])?;
    ensure(
        listed.split_whitespace().collect::<Vec<_>>() == ["file", "2", "kept.txt"],
        || listed,
    )?;
    let one_shot = bench.printed(&["run", "--language", "bash", "-c", "ls -A"])?;
    ensure(one_shot.is_empty(), || one_shot)?;
    for out in ["../../etc/passwd", "/etc/passwd"] {
        let output = bench.run(&["files", "--owner", "alice", "read", out])?;
        ensure(output.status.code() == Some(1) && output.stdout.is_empty(), || {
            format!("{output:?}")
        })?;
    }

    let listed = bench.printed(&["sandboxes"])?;
    ensure(
        listed.starts_with("local:alice ") && listed.lines().count() == 1,
        || listed,
    )?;
    let deleted = bench.run(&["sandboxes", "delete", "alice"])?;
    ensure(deleted.status.success(), || format!("{deleted:?}"))?;
    let listed = bench.printed(&["sandboxes", "list"])?;
    ensure(listed.is_empty(), || listed)?;
    let deleted = bench.run(&["sandboxes", "delete", "alice"])?;
    ensure(deleted.status.code() == Some(1), || format!("{deleted:?}"))
}

pub(crate) fn a_directory_is_exported_whole(bench: &Bench) -> Result<(), Failed> {
    let make = "mkdir a; echo x > a/b.txt; ln -s /etc/passwd link";
    bench.printed(&["run", "--owner", "alice", "--language", "bash", "-c", make])?;
    let output = bench.run(&["files", "--owner", "alice", "export", "--output", "all.zip"])?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.success() && told.contains("link"), || {
        format!("{output:?}")
    })?;
    let zip = zip::ZipArchive::new(File::open(bench.directory.path().join("all.zip"))?)?;
    let mut names = zip.file_names().collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    ensure(names == ["a/", "a/b.txt"], || format!("{names:?}"))?;
    let piped = bench.run(&["files", "--owner", "alice", "export"])?;
    ensure(piped.stdout.starts_with(b"PK"), || format!("{:?}", piped.status))?;
    let failed = bench.run(&["files", "--owner", "alice", "export", "missing", "--output", "none.zip"])?;
    let left = fs::read_dir(bench.directory.path())?
        .filter_map(Result::ok)
        .map(|entry| entry.file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("none")).collect();
    ensure(failed.status.code() == Some(1) && left.is_empty(), || {
        format!("{failed:?} {left:?}")
    })
}
