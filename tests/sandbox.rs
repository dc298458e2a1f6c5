//! Runs and sessions of the sandbox on real engines.
//!
//! `INLINE_TEST` names the engines; the others show as ignored. `INLINE_TEST_REGISTRY` has the images.

#[path = "sandbox/bench.rs"]
mod bench;
#[path = "sandbox/runs.rs"]
mod runs;
#[path = "sandbox/sessions.rs"]
mod sessions;
#[path = "sandbox/stops.rs"]
mod stops;
#[path = "sandbox/warm.rs"]
mod warm;

use std::process::ExitCode;

use futures::future::LocalBoxFuture;
use inline_tests::async_cases;
use inline_tests::service::Engine;
use inline_tests::suite::{ensure, in_turn};
use libtest_mimic::{Arguments, Failed, Trial};

use bench::Bench;

type Case = for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, Result<(), Failed>>;

const CASES: &[(&str, Case)] = &async_cases![
    runs::programs_print_and_end,
    runs::what_goes_wrong_is_shown_with_the_programs_own_lines,
    runs::programs_get_arguments_input_and_directory,
    runs::other_languages_run_by_configuration,
    runs::a_program_cannot_forge_its_end,
    runs::children_that_live_on_delay_nothing,
    runs::usage_is_measured,
    stops::a_timeout_kills_the_whole_tree_at_once,
    stops::output_before_a_timeout_is_kept,
    stops::too_much_memory,
    stops::too_much_cpu_time,
    stops::too_many_processes,
    stops::too_much_output,
    stops::a_full_disk,
    stops::a_file_that_is_too_large,
    stops::a_cancelled_run,
    stops::a_slow_reader_holds_the_program_back_and_no_deadline,
    warm::the_next_run_finds_its_interpreter_waiting,
    warm::a_container_that_died_is_not_noticed,
    warm::nothing_is_left_behind,
    sessions::variables_live_and_the_last_expression_is_echoed,
    sessions::an_interrupt_keeps_the_state,
    sessions::interrupts_at_any_time_hit_one_cell_and_keep_the_state,
    sessions::a_timeout_keeps_the_state_where_it_can,
    sessions::an_interpreter_that_ends_is_replaced,
    sessions::too_much_memory_ends_the_interpreter,
];

/// Cases that measure time, and so run without any other beside them.
const ALONE: [&str; 3] = [
    "stops::a_timeout_kills_the_whole_tree_at_once",
    "stops::a_slow_reader_holds_the_program_back_and_no_deadline",
    "warm::the_next_run_finds_its_interpreter_waiting",
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for engine in Engine::ALL {
        let is_tested = engine.is_tested();
        for &(name, case) in CASES {
            let trial = Trial::test(format!("{}::sandbox::{name}", engine.name()), move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(in_turn(ALONE.contains(&name), async {
                    let bench = Bench::open(engine).await?;
                    let outcome = case(&bench).await;
                    outcome.and(bench.close().await)
                }))
            });
            trials.push(trial.with_ignored_flag(!is_tested));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
