//! The REPL on real engines, as a user meets it: from a pipe, and on a terminal.
//!
//! `INLINE_TEST` names the engines; the others show as ignored. `INLINE_TEST_REPL` is the path of the program,
//! `INLINE_TEST_REGISTRY` has the images. The terminal is that of `script`, from util-linux.

#[path = "repl/bench.rs"]
mod bench;
#[path = "repl/interactive.rs"]
mod interactive;
#[path = "repl/interrupts.rs"]
mod interrupts;
#[path = "repl/piped.rs"]
mod piped;
#[path = "repl/terminal.rs"]
mod terminal;

use std::process::ExitCode;

use inline_tests::cases;
use inline_tests::service::Engine;
use inline_tests::suite::ensure;
use libtest_mimic::{Arguments, Failed, Trial};

use bench::Bench;

type Case = fn(&Bench) -> Result<(), Failed>;

const CASES: &[(&str, Case)] = &cases![
    piped::programs_print_their_output_alone,
    piped::programs_give_their_exit_code,
    piped::a_long_program_that_ends_early_is_no_error,
    piped::a_signal_ends_the_program,
    piped::what_cannot_be_done_is_told_with_the_cure,
    piped::without_an_engine_it_runs_on_this_machine,
    piped::a_named_engine_that_does_not_answer_is_told,
    interactive::variables_live_and_the_last_expression_is_echoed,
    interactive::languages_change,
    interactive::what_is_typed_meanwhile_waits,
    interactive::an_interpreter_that_ends_is_started_again,
    interactive::two_at_a_time_do_not_meet,
    interactive::what_a_killed_one_leaves_is_removed_by_the_next,
    interactive::a_terminal_that_goes_away_leaves_nothing,
    interrupts::ctrl_c_interrupts_the_program_alone,
    interrupts::a_program_that_does_not_heed_it_is_ended_by_the_second,
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for engine in Engine::ALL {
        for &(name, case) in CASES {
            let trial = Trial::test(format!("{}::repl::{name}", engine.name()), move || {
                let bench = Bench::open(engine)?;
                case(&bench).and_then(|()| bench.close())
            });
            trials.push(trial.with_ignored_flag(!engine.is_tested()));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
