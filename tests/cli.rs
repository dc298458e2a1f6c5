//! The command line on real engines, as a user and as a script meet it.
//!
//! `INLINE_TEST` names the engines; the others show as ignored. `INLINE_TEST_CLI` is the path of the program,
//! `INLINE_TEST_REGISTRY` has the images.

#[path = "cli/artifacts.rs"]
mod artifacts;
#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/ends.rs"]
mod ends;
#[path = "cli/packages.rs"]
mod packages;
#[path = "cli/runs.rs"]
mod runs;
#[path = "cli/sandboxes.rs"]
mod sandboxes;

use std::process::ExitCode;

use inline_tests::cases;
use inline_tests::service::Engine;
use inline_tests::suite::ensure;
use libtest_mimic::{Arguments, Failed, Trial};

use bench::Bench;

type Case = fn(&Bench) -> Result<(), Failed>;

const CASES: &[(&str, Case)] = &cases![
    runs::a_program_prints_its_output_alone_and_gives_its_code,
    runs::one_json_object_tells_all,
    runs::a_program_gets_files_input_and_arguments,
    runs::what_cannot_be_run_is_told_before_anything_runs,
    artifacts::what_a_program_makes_is_copied_to_an_empty_directory_alone,
    sandboxes::files_are_kept_for_an_owner_and_for_nobody_else,
    sandboxes::a_directory_is_exported_whole,
    packages::pip_installs_lists_and_restores,
    packages::npm_installs_lists_and_restores,
    packages::what_cannot_be_installed_says_why,
    ends::signals_cancel_and_leave_nothing,
    ends::a_reader_that_goes_away_ends_the_program,
    ends::many_run_at_once,
    ends::what_a_killed_one_leaves_is_cleared_up,
    doctor::runs_are_safe_where_limits_bind,
    doctor::what_keeps_runs_from_being_safe_is_told_with_its_cure,
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for engine in Engine::ALL {
        let is_tested = engine.is_tested();
        for &(name, case) in CASES {
            let trial = Trial::test(format!("{}::cli::{name}", engine.name()), move || {
                let bench = Bench::open(engine)?;
                let outcome = case(&bench);
                outcome.and(bench.close())
            });
            let can_run = !name.starts_with("packages::") || engine.has_network();
            trials.push(trial.with_ignored_flag(!is_tested || !can_run));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
