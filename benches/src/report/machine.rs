//! The machine that the figures are of.

use std::fs;
use std::process::Command;

use inline::{CgroupVersion, Info};

/// What the speed depends on, besides us.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) facts: Vec<(&'static str, String)>,
}

impl Machine {
    /// Describes this machine as it is now, before anything is measured.
    pub(super) fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
            values.next().map_or_else(
                || "unknown".to_owned(),
                |value| {
                    value
                        .trim_start_matches([' ', '\t', ':', '='])
                        .trim()
                        .trim_matches('"')
                        .to_owned()
                },
            )
        };
        // What a distribution or a provider adds to the version tells nothing of its speed.
        let kernel = read("/proc/sys/kernel/osrelease");
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let memory: u64 = field(&read("/proc/meminfo"), "MemTotal")
            .trim_end_matches(" kB")
            .parse()
            .unwrap_or(0);
        Self {
            facts: vec![
                (
                    "processor",
                    format!("{}, {cores} cores", field(&read("/proc/cpuinfo"), "model name")),
                ),
                ("memory", format!("{} MiB", memory / 1024)),
                (
                    "system",
                    format!(
                        "{}, Linux {}",
                        field(&read("/etc/os-release"), "PRETTY_NAME"),
                        kernel.split('-').next().unwrap_or_default().trim()
                    ),
                ),
                ("python3", version_of_python()),
                (
                    "load before",
                    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
                ),
                ("inline", env!("CARGO_PKG_VERSION").to_owned()),
            ],
        }
    }

    /// Adds an engine by its versions; where it listens is nobody's business.
    pub(super) fn add_engine(&mut self, info: &Info) {
        let mut parts = vec![info.version.clone()];
        parts.extend(info.default_oci_runtime.clone());
        parts.extend(info.rootless.then(|| "rootless".to_owned()));
        parts.push(match info.cgroup_version {
            CgroupVersion::V1 => "control groups v1".to_owned(),
            CgroupVersion::V2 => "control groups v2".to_owned(),
            _ => "control groups unknown".to_owned(),
        });
        self.facts.push((info.driver, parts.join(", ")));
    }
}

fn version_of_python() -> String {
    let output = Command::new("python3").arg("--version").output();
    output.map_or_else(
        |_| "none".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
