//! Puts a filter together: a search by number, then the tests of the few calls whose arguments matter.
//!
//! The kernel runs a filter for every number when it is loaded, to learn which calls need no filter at all; so a program
//! that compares one number after the other costs more to load than the process it is loaded into costs to start. This one
//! halves the numbers until one outcome is left. `seccompiler` compiles the tests.

use std::collections::BTreeMap;

use inline_runtime::{Error, ErrorKind, Result};
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch, sock_filter};

use super::syscalls;

/// Alternatives for one call: one of the rules must match, all conditions of it. An empty list matches always.
pub(super) type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The most instructions that the kernel takes.
pub(super) const MAX_INSTRUCTIONS: usize = 4096;

/// Where the number of the call lies in what a filter sees.
const NUMBER_OFFSET: u32 = 0;
/// Set in the numbers of the 32-bit calls on x86-64; no number of its own has it.
const X32_BIT: u32 = 0x4000_0000;

/// Codes of instructions: `BPF_LD | BPF_W | BPF_ABS`, `BPF_JMP | BPF_JA`, `BPF_JMP | BPF_JGE | BPF_K`, `BPF_RET | BPF_K`.
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    /// Rules, the first that matches decides, with what is returned.
    rules: Vec<(SeccompRule, u32)>,
    /// What is returned where none does.
    otherwise: u32,
}

/// The outcome of all calls from a number up to the next run's.
struct Run {
    first: u32,
    outcome: Outcome,
}

/// Puts together what is done with calls by `parts`, the first that matches, and otherwise `default`.
///
/// A call for another architecture kills the process. Numbers of the x32 interface fail with `EPERM`, whatever the parts
/// say: they name calls of the native one. Numbers that are newer than every name here fail with `ENOSYS`.
pub(super) fn assemble(
    architecture: TargetArch,
    parts: &[(SeccompAction, Rules)],
    default: &SeccompAction,
) -> Result<BpfProgram> {
    let mut program = architecture_check(architecture)?;
    program.push(instruction(LOAD, NUMBER_OFFSET));
    search(&runs(architecture, parts, u32::from(default.clone())), &mut program)?;
    // Compiled rules have a jump behind themselves, never taken, for which there must be a place.
    program.push(instruction(RETURN, libc::SECCOMP_RET_KILL_PROCESS));
    if program.len() > MAX_INSTRUCTIONS {
        return Err(too_large(program.len()));
    }
    Ok(program)
}

/// Joins neighbours that come to the same.
fn runs(architecture: TargetArch, parts: &[(SeccompAction, Rules)], default: u32) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut push = |first: u32, outcome: Outcome| {
        if runs.last().is_none_or(|last| last.outcome != outcome) {
            runs.push(Run { first, outcome });
        }
    };
    let returns = |otherwise| Outcome {
        rules: Vec::new(),
        otherwise,
    };
    let end = u32::try_from(syscalls::highest(architecture) + 1).unwrap_or(X32_BIT);
    for number in 0..end {
        push(number, outcome(number, parts, default));
    }
    push(end, returns(libc::SECCOMP_RET_ERRNO | errno(libc::ENOSYS)));
    if architecture == TargetArch::x86_64 {
        push(X32_BIT, returns(libc::SECCOMP_RET_ERRNO | errno(libc::EPERM)));
    }
    runs
}

fn outcome(number: u32, parts: &[(SeccompAction, Rules)], default: u32) -> Outcome {
    let mut outcome = Outcome {
        rules: Vec::new(),
        otherwise: default,
    };
    for (action, rules) in parts {
        let action = u32::from(action.clone());
        match rules.get(&i64::from(number)) {
            None => {}
            Some(chain) if chain.is_empty() => {
                outcome.otherwise = action;
                break;
            }
            Some(chain) => outcome.rules.extend(chain.iter().map(|rule| (rule.clone(), action))),
        }
    }
    outcome
}

/// Appends the search through runs: the number decides for one half, until one run is left.
fn search(runs: &[Run], program: &mut BpfProgram) -> Result<()> {
    let (lower, upper) = match runs {
        [] => return Ok(()),
        [run] => {
            append(&run.outcome, program);
            return Ok(());
        }
        _ => runs.split_at(runs.len() / 2),
    };
    let mut lower_part = BpfProgram::new();
    search(lower, &mut lower_part)?;
    let length = u32::try_from(lower_part.len()).map_err(|_| too_large(lower_part.len()))?;
    let boundary = upper.first().map_or(0, |run| run.first);
    // A conditional jump reaches 255 instructions; further it takes one that is not.
    let (past_lower, far) = u8::try_from(length).map_or((0, true), |near| (near, false));
    program.push(sock_filter {
        code: JUMP_IF_AT_LEAST,
        jt: past_lower,
        jf: u8::from(far),
        k: boundary,
    });
    if far {
        program.push(instruction(JUMP, length));
    }
    program.append(&mut lower_part);
    search(upper, program)
}

/// Appends what becomes of a call whose number is known.
fn append(outcome: &Outcome, program: &mut BpfProgram) {
    for (rule, action) in &outcome.rules {
        // A rule that does not match goes on behind the instruction that follows it.
        program.append(&mut BpfProgram::from(rule.clone()));
        program.push(instruction(RETURN, *action));
    }
    program.push(instruction(RETURN, outcome.otherwise));
}

/// A filter without rules is the check and its default, which is cut off.
fn architecture_check(architecture: TargetArch) -> Result<BpfProgram> {
    let filter = SeccompFilter::new(Rules::new(), SeccompAction::Trap, SeccompAction::Allow, architecture);
    let mut check = filter.and_then(BpfProgram::try_from).map_err(uncompilable)?;
    check.pop();
    Ok(check)
}

fn instruction(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// Returns an error number as filters hold it.
pub(super) fn errno(number: i32) -> u32 {
    number.unsigned_abs() & libc::SECCOMP_RET_DATA
}

/// Says that what a profile or list asks for has no filter.
pub(super) fn uncompilable(error: BackendError) -> Error {
    Error::new(ErrorKind::InvalidSpec, "the seccomp filter cannot be compiled").with_source(error)
}

fn too_large(instructions: usize) -> Error {
    Error::new(
        ErrorKind::InvalidSpec,
        format!("the seccomp filter has {instructions} instructions; the kernel takes {MAX_INSTRUCTIONS}"),
    )
}
