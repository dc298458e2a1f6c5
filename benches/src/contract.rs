//! The contract alone, without the service on top of it.

pub(crate) mod cold_run;
pub(crate) mod exec;
pub(crate) mod parallel;

use inline::ContainerSpec;

use crate::bench::Bench;

/// What every run prints.
const EXPECTED: &str = "hello\n";
pub(crate) const CMD: [&str; 2] = ["echo", "hello"];
const MAX_OUTPUT_BYTES: usize = 1024;

/// Returns the closed spec of the program that every run runs.
pub(crate) fn spec(bench: &Bench) -> ContainerSpec {
    ContainerSpec::new(bench.image.clone(), &bench.instance)
        .with_cmd(CMD)
        .with_user("65534:65534")
}
