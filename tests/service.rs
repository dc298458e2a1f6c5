//! The sandbox service on real engines: owners, runs, files, sessions, packages, the end.
//!
//! `INLINE_TEST` names the engines; the others show as ignored, as do packages where containers can have no network.
//! `INLINE_TEST_REGISTRY` has the images, `INLINE_TEST_WHEELS` matplotlib, without which its case shows as ignored.

#![expect(clippy::print_stdout, reason = "what was measured is shown with `--nocapture`")]

#[path = "service/bench.rs"]
mod bench;
#[path = "service/direct.rs"]
mod direct;
#[path = "service/figures.rs"]
mod figures;
#[path = "service/load.rs"]
mod load;
#[path = "service/packages.rs"]
mod packages;
#[path = "service/runs.rs"]
mod runs;
#[path = "service/sessions.rs"]
mod sessions;

use std::process::ExitCode;

use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};

use bench::Bench;
use inline_tests::async_cases;
use inline_tests::environment::{INLINE_TEST_WHEELS, variable};
use inline_tests::service::Engine;
use inline_tests::suite::{ensure, in_turn};

type Case = for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, Result<(), Failed>>;

const CASES: &[(&str, Case)] = &async_cases![
    runs::a_run_in_each_language_and_the_next_one_warm,
    runs::what_a_program_leaves_running_ends_with_it,
    runs::files_live_from_run_to_run_and_what_is_made_is_told,
    runs::owners_do_not_see_each_other,
    runs::a_workspace_that_fills_ends_the_run,
    runs::a_cancelled_run_keeps_what_it_printed,
    runs::much_output_is_bounded,
    runs::a_one_shot_run_leaves_nothing,
    runs::deleting_ends_what_runs,
    sessions::what_one_cell_defines_the_next_one_sees,
    sessions::a_session_ends_with_its_sandbox,
    packages::pip_installs_replaces_and_restores,
    packages::npm_installs_beside_what_is_there,
    packages::what_a_user_wrote_never_meets_the_network,
    packages::what_cannot_be_installed_says_why,
    figures::a_plot_that_is_shown_is_an_artifact,
    direct::a_small_program_runs_and_cleans_up,
    load::many_runs_leave_nothing_and_grow_nothing,
];

/// Measures this process, and so runs without any other beside it.
const ALONE: &str = "load::many_runs_leave_nothing_and_grow_nothing";

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for engine in Engine::ALL {
        let is_tested = engine.is_tested();
        for &(name, case) in CASES {
            let trial = Trial::test(format!("{}::service::{name}", engine.name()), move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?;
                runtime.block_on(in_turn(name == ALONE, async {
                    let bench = Bench::open(engine).await?;
                    let outcome = case(&bench).await;
                    outcome.and(bench.close().await)
                }))
            });
            let has_network = engine.has_network();
            let can_run = match name.split("::").next() {
                Some("packages") => has_network,
                Some("figures") => has_network && variable(INLINE_TEST_WHEELS).is_some(),
                _ => true,
            };
            trials.push(trial.with_ignored_flag(!is_tested || !can_run));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
