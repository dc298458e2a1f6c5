//! Compiles the filter that is ours.

use inline_runtime::Result;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule, TargetArch,
};

use super::allowed::{Argument, COMMON, CONDITIONAL, Test, UNKNOWN};
use super::program::{Rules, assemble, errno, uncompilable};
use super::syscalls::number;

/// Compiles the allow list for an architecture. Names that it has not are of others.
pub(super) fn compile(architecture: TargetArch) -> Result<BpfProgram> {
    let numbers = |names: &[&'static str]| -> Vec<i64> {
        names
            .iter()
            .flat_map(|names| names.split_ascii_whitespace())
            .filter_map(|name| number(architecture, name))
            .collect()
    };
    let unknown: Rules = numbers(UNKNOWN)
        .into_iter()
        .map(|number| (number, Vec::new()))
        .collect();
    let mut allowed: Rules = numbers(COMMON).into_iter().map(|number| (number, Vec::new())).collect();
    for (name, arguments) in CONDITIONAL {
        if let Some(number) = number(architecture, name) {
            let conditions: Result<_> = arguments.iter().map(condition).collect();
            let rule = SeccompRule::new(conditions?).map_err(uncompilable)?;
            allowed.entry(number).or_default().push(rule);
        }
    }
    assemble(
        architecture,
        &[
            (SeccompAction::Errno(errno(libc::ENOSYS)), unknown),
            (SeccompAction::Allow, allowed),
        ],
        &SeccompAction::Errno(errno(libc::EPERM)),
    )
}

fn condition(argument: &Argument) -> Result<SeccompCondition> {
    let (operator, value) = match argument.test {
        Test::Is(value) => (SeccompCmpOp::Eq, value),
        Test::IsNot(value) => (SeccompCmpOp::Ne, value),
        Test::Bits { mask, value } => (SeccompCmpOp::MaskedEq(u64::from(mask)), value),
    };
    SeccompCondition::new(argument.index, SeccompCmpArgLen::Dword, operator, u64::from(value)).map_err(uncompilable)
}
