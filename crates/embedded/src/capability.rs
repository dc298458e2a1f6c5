//! What binds on this machine. That a sandbox can be made at all is proven by one before this is asked.

use inline_runtime::{Capabilities, Capability, Support};

use crate::limits::Limiter;
use crate::store;

const NO_VOLUMES: &str = "there is no engine that keeps volumes; mount a directory";
const NO_OCI_RUNTIME: &str = "sandboxes are made without an OCI runtime";
const NO_GPUS: &str = "no device of the host but `null`, `zero`, `full` and `random` is shown; use Docker or Podman";
const NO_INIT: &str = "the program is the first process itself; start it by an init of the image";

/// Returns what binds.
pub(crate) fn table(limiter: &Limiter) -> Capabilities {
    let table = Capabilities::none("not known here")
        .with(Capability::Pull, store::pull_support())
        .with(Capability::Ulimits, Support::Present)
        .with(Capability::NetworkNone, Support::Present)
        .with(Capability::ReadonlyRootfs, Support::Present)
        .with(Capability::BindMounts, Support::Present)
        .with(Capability::Volumes, Support::absent(NO_VOLUMES))
        .with(Capability::TmpfsInodes, Support::Present)
        .with(Capability::Seccomp, Support::Present)
        .with(Capability::UserNamespace, Support::Present)
        .with(Capability::OciRuntime, Support::absent(NO_OCI_RUNTIME))
        .with(Capability::Gpus, Support::absent(NO_GPUS))
        .with(Capability::Init, Support::absent(NO_INIT));
    limiter.fill(table)
}
