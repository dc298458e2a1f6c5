//! The contract's documentation and the cases that prove it name the same promises.

use std::collections::BTreeSet;

use inline_conformance::cases;

const CONTRACT: &str = include_str!("../crates/runtime/src/runtime.rs");

/// Returns what stands between backticks and is the name of a case, or of all in an area: `limits::*`.
fn promised() -> BTreeSet<&'static str> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_name = |text: &&str| {
        text.split_once("::")
            .is_some_and(|(area, case)| is_word(area) && (is_word(case) || case == "*"))
    };
    let documentation = CONTRACT.lines().filter_map(|line| line.trim().strip_prefix("///"));
    documentation
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(is_name)
        .collect()
}

fn area(name: &str) -> &str {
    name.split("::").next().unwrap_or_default()
}

#[test]
fn every_promise_has_its_case() {
    let names: BTreeSet<_> = cases().map(inline_conformance::Case::name).collect();
    for promise in promised() {
        let is_kept = match promise.strip_suffix("::*") {
            Some(all) => names.iter().any(|name| area(name) == all),
            None => names.contains(promise),
        };
        assert!(is_kept, "no case proves `{promise}`");
    }
}

#[test]
fn every_case_proves_a_promise() {
    let promised = promised();
    for case in cases() {
        let all = format!("{}::*", area(case.name()));
        assert!(
            promised.contains(case.name()) || promised.contains(all.as_str()),
            "the contract does not name `{}`",
            case.name()
        );
    }
}

#[test]
fn no_two_cases_have_one_name() {
    let names: BTreeSet<_> = cases().map(inline_conformance::Case::name).collect();
    assert_eq!(names.len(), cases().count());
}
