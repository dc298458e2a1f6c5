//! The files that the programs of the fake can read, above all those of `/proc`.

use std::fmt::Write;
use std::fs;

use bytes::Bytes;
use inline_fake::FakeProcess;
use inline_runtime::{NetworkMode, UlimitName};

use super::files::{Volume, mount};

pub(super) fn read_file(process: &FakeProcess, volume: &Volume, path: &str) -> Option<Bytes> {
    let spec = process.spec();
    if let Some((_, host_path)) = mount(process, path) {
        return fs::read(host_path).ok().or_else(|| volume.read(path)).map(Into::into);
    }
    let text = match path {
        "/proc/1/status" | "/proc/self/status" => status(process),
        "/proc/self/limits" => limits(process),
        "/proc/self/mountinfo" => mountinfo(process),
        "/proc/self/oom_score_adj" => spec.oom_score_adj.unwrap_or_default().to_string(),
        "/proc/net/dev" if spec.network_mode == NetworkMode::None => "header\n lo: 0\n".to_owned(),
        "/proc/net/dev" => "header\n lo: 0\n eth0: 0\n".to_owned(),
        _ => return process.files().read(path),
    };
    Some(text.into())
}

fn status(process: &FakeProcess) -> String {
    let spec = process.spec();
    let added = spec.cap_add.iter().map(|name| match name.trim_start_matches("CAP_") {
        "CHOWN" => 1_u64,
        "KILL" => 1 << 5,
        _ => 0,
    });
    let dropped = spec.cap_drop.iter().any(|name| name == "ALL");
    let capabilities = added.fold(if dropped { 0 } else { 0xa804_25fb }, |all, one| all | one);
    let (uid, gid) = process.user().split_once(':').unwrap_or_default();
    let mut text = format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\nGroups:\t\n");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{set}:\t{capabilities:016x}");
    }
    text + &format!("NoNewPrivs:\t{}\nSeccomp:\t2\n", u8::from(spec.no_new_privileges))
}

fn limits(process: &FakeProcess) -> String {
    let rows = process.spec().ulimits.iter().map(|ulimit| {
        let row = match ulimit.name {
            UlimitName::Nofile => "Max open files",
            UlimitName::Fsize => "Max file size",
            UlimitName::Core => "Max core file size",
            UlimitName::Stack => "Max stack size",
            _ => "Max cpu time",
        };
        format!("{row}  {}  {}  units\n", ulimit.soft, ulimit.hard)
    });
    rows.collect()
}

/// Each OCI runtime masks in a way of its own.
fn mountinfo(process: &FakeProcess) -> String {
    let masked = match process.spec().oci_runtime.as_deref() {
        Some("crun") => "ro,size=0k",
        _ => "ro",
    };
    let mut text = format!("1 0 0:1 / /proc/acpi ro,relatime - tmpfs tmpfs {masked}\n");
    for tmpfs in &process.spec().tmpfs {
        let noexec = if tmpfs.exec { "" } else { ",noexec" };
        let target = &tmpfs.target;
        let _ = writeln!(text, "2 0 0:2 / {target} rw,nosuid,nodev{noexec} - tmpfs tmpfs rw");
    }
    text
}
