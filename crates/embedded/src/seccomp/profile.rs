//! Reads a caller's profile, in the JSON of Docker and of the OCI runtime specification, and compiles it.
//!
//! What an engine would do otherwise than asked is refused here: actions that need another process, flags of the load, and
//! rules that deny a call that does not exist. Rules that allow such a call are passed over, since profiles name calls of
//! every architecture.

use std::collections::BTreeMap;
use std::fmt;

use inline_runtime::{Error, ErrorKind, Result};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule, TargetArch,
};
use serde::Deserialize;

use super::program::{Rules, assemble, errno, uncompilable};
use super::syscalls::number;

/// Longer profiles are refused; Docker's own has 20 KB.
const MAX_PROFILE_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Profile {
    default_action: String,
    default_errno_ret: Option<u32>,
    /// The name of the number besides, as Podman writes it.
    default_errno: Option<String>,
    #[serde(default)]
    syscalls: Vec<Entry>,
    /// The native architecture is the only one that gets through, whatever is listed.
    #[serde(default, rename = "architectures")]
    _architectures: Vec<String>,
    #[serde(default, rename = "archMap")]
    _arch_map: Option<serde_json::Value>,
    #[serde(default)]
    flags: Vec<String>,
    listener_path: Option<String>,
    listener_metadata: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    names: Vec<String>,
    name: Option<String>,
    action: String,
    errno_ret: Option<u32>,
    errno: Option<String>,
    args: Option<Vec<ArgumentTest>>,
    #[serde(default, rename = "comment")]
    _comment: Option<String>,
    includes: Option<Condition>,
    excludes: Option<Condition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ArgumentTest {
    index: u8,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: String,
}

/// When an entry holds. Programs have no capabilities worth a further call, so entries for those that do never hold.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Condition {
    arches: Vec<String>,
    caps: Vec<String>,
    min_kernel: Option<String>,
}

/// Compiles a profile.
pub(super) fn compile(architecture: TargetArch, json: &str) -> Result<BpfProgram> {
    if json.len() > MAX_PROFILE_BYTES {
        return Err(invalid(format_args!(
            "it has {} bytes; the most is {MAX_PROFILE_BYTES}",
            json.len()
        )));
    }
    let profile: Profile = serde_json::from_str(json).map_err(invalid)?;
    if let Some(flag) = profile.flags.first() {
        return Err(invalid(format_args!("the flag `{flag}` is not supported")));
    }
    if profile.listener_path.is_some() || profile.listener_metadata.is_some() {
        return Err(invalid("a listener is not supported"));
    }
    let default = action(
        &profile.default_action,
        profile.default_errno_ret,
        profile.default_errno.as_deref(),
    )?;
    let mut parts: BTreeMap<u32, (SeccompAction, Rules)> = BTreeMap::new();
    for entry in &profile.syscalls {
        let action = action(&entry.action, entry.errno_ret, entry.errno.as_deref())?;
        if !entry.holds(architecture)? {
            continue;
        }
        let alternatives = entry.alternatives()?;
        let rules = &mut parts
            .entry(strictness(&action))
            .or_insert((action.clone(), Rules::new()))
            .1;
        for name in entry.names.iter().chain(&entry.name) {
            match number(architecture, name) {
                Some(number) => add(rules, number, &alternatives),
                None if is_allowed(&action) || !is_allowed(&default) => {}
                None => {
                    return Err(invalid(format_args!(
                        "`{name}`, which it denies, is no system call here"
                    )));
                }
            }
        }
    }
    let parts: Vec<_> = parts.into_values().collect();
    assemble(architecture, &parts, &default)
}

/// A rule without conditions matches always, and with it the conditions of others mean nothing.
fn add(rules: &mut Rules, number: i64, alternatives: &[SeccompRule]) {
    let is_new = !rules.contains_key(&number);
    let chain = rules.entry(number).or_default();
    if alternatives.is_empty() {
        chain.clear();
    } else if is_new || !chain.is_empty() {
        chain.extend_from_slice(alternatives);
    }
}

impl Entry {
    fn holds(&self, architecture: TargetArch) -> Result<bool> {
        let name = match architecture {
            TargetArch::x86_64 => ["amd64", "x86_64"],
            TargetArch::aarch64 => ["arm64", "aarch64"],
            TargetArch::riscv64 => ["riscv64", "riscv64"],
        };
        let is_here = |arches: &[String]| arches.iter().any(|arch| name.contains(&arch.as_str()));
        if let Some(Condition {
            arches,
            caps,
            min_kernel,
        }) = &self.includes
        {
            if let Some(version) = min_kernel
                && !is_at_most(version, OLDEST_KERNEL)
            {
                return Err(invalid(format_args!("the `minKernel` `{version}` is newer than 5.4")));
            }
            if !caps.is_empty() || !(arches.is_empty() || is_here(arches)) {
                return Ok(false);
            }
        }
        match &self.excludes {
            Some(Condition {
                min_kernel: Some(_), ..
            }) => Err(invalid("`excludes` knows no `minKernel`")),
            Some(Condition { arches, .. }) => Ok(!is_here(arches)),
            None => Ok(true),
        }
    }

    /// All tests of an entry must hold, but those of the same argument are alternatives.
    fn alternatives(&self) -> Result<Vec<SeccompRule>> {
        let tests = self.args.as_deref().unwrap_or_default();
        let mut conditions = Vec::with_capacity(tests.len());
        for test in tests {
            conditions.push((test.index, test.condition()?));
        }
        let repeats = tests
            .iter()
            .enumerate()
            .any(|(position, test)| tests[..position].iter().any(|other| other.index == test.index));
        if repeats {
            conditions
                .into_iter()
                .map(|(_, condition)| SeccompRule::new(vec![condition]).map_err(uncompilable))
                .collect()
        } else if conditions.is_empty() {
            Ok(Vec::new())
        } else {
            let all = conditions.into_iter().map(|(_, condition)| condition).collect();
            Ok(vec![SeccompRule::new(all).map_err(uncompilable)?])
        }
    }
}

impl ArgumentTest {
    fn condition(&self) -> Result<SeccompCondition> {
        let (operator, value) = match self.op.as_str() {
            "SCMP_CMP_NE" => (SeccompCmpOp::Ne, self.value),
            "SCMP_CMP_LT" => (SeccompCmpOp::Lt, self.value),
            "SCMP_CMP_LE" => (SeccompCmpOp::Le, self.value),
            "SCMP_CMP_EQ" => (SeccompCmpOp::Eq, self.value),
            "SCMP_CMP_GE" => (SeccompCmpOp::Ge, self.value),
            "SCMP_CMP_GT" => (SeccompCmpOp::Gt, self.value),
            "SCMP_CMP_MASKED_EQ" => (SeccompCmpOp::MaskedEq(self.value), self.value_two),
            other => return Err(invalid(format_args!("`{other}` is no comparison"))),
        };
        SeccompCondition::new(self.index, SeccompCmpArgLen::Qword, operator, value).map_err(uncompilable)
    }
}

/// What this driver needs for its mounts is newer.
const OLDEST_KERNEL: (u32, u32) = (5, 4);

fn is_at_most(version: &str, most: (u32, u32)) -> bool {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    matches!((major.parse(), minor.parse()), (Ok(major), Ok(minor)) if (major, minor) <= most)
}

fn action(name: &str, errno_ret: Option<u32>, errno_name: Option<&str>) -> Result<SeccompAction> {
    if let (None, Some(name)) = (errno_ret, errno_name) {
        return Err(invalid(format_args!("the error `{name}` has no number beside it")));
    }
    let number = errno_ret.unwrap_or(errno(libc::EPERM));
    if number > MAX_ERRNO {
        return Err(invalid(format_args!("{number} is no error number")));
    }
    Ok(match name {
        "SCMP_ACT_ALLOW" => SeccompAction::Allow,
        "SCMP_ACT_LOG" => SeccompAction::Log,
        "SCMP_ACT_ERRNO" => SeccompAction::Errno(number),
        "SCMP_ACT_TRAP" => SeccompAction::Trap,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => SeccompAction::KillThread,
        "SCMP_ACT_KILL_PROCESS" => SeccompAction::KillProcess,
        other => return Err(invalid(format_args!("the action `{other}` is not supported"))),
    })
}

/// The highest number that the kernel takes for an error.
const MAX_ERRNO: u32 = 4095;

fn is_allowed(action: &SeccompAction) -> bool {
    matches!(action, SeccompAction::Allow | SeccompAction::Log)
}

/// Orders actions, the strictest first, as the kernel does where several filters are loaded.
fn strictness(action: &SeccompAction) -> u32 {
    match action {
        SeccompAction::KillProcess => 0,
        SeccompAction::KillThread => 1,
        SeccompAction::Trap => 2,
        SeccompAction::Errno(number) => 3 + number,
        SeccompAction::Trace(_) => 3 + MAX_ERRNO + 1,
        SeccompAction::Log => 3 + MAX_ERRNO + 2,
        SeccompAction::Allow => 3 + MAX_ERRNO + 3,
    }
}

fn invalid(why: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::InvalidSpec,
        format!("the seccomp profile is not usable: {why}"),
    )
    .with_hint("write it in the format of Docker: https://docs.docker.com/engine/security/seccomp/")
}
