//! The Discord bot, as its users meet it: the real program on a real engine, with a Discord of the tests' own.
//!
//! `INLINE_TEST` names the engines; the others show as ignored. `INLINE_TEST_CLI` is the path of the program,
//! `INLINE_TEST_REGISTRY` has the images. Where `INLINE_DISCORD_OPENAPI` names Discord's `OpenAPI` document, each request is
//! checked against it. `INLINE_TEST_BLESS_SNAPSHOTS=1` writes what users see into `tests/discord/snapshots` instead of
//! comparing it.

#![expect(clippy::print_stdout, reason = "what was measured is shown with `--nocapture`")]

#[path = "discord/ask.rs"]
mod ask;
#[path = "discord/bench.rs"]
mod bench;
#[path = "discord/buttons.rs"]
mod buttons;
#[path = "discord/crowds.rs"]
mod crowds;
#[path = "discord/ends.rs"]
mod ends;
#[path = "discord/files.rs"]
mod files;
#[path = "discord/images.rs"]
mod images;
#[path = "discord/itself.rs"]
mod itself;
#[path = "discord/menus.rs"]
mod menus;
#[path = "discord/names.rs"]
mod names;
#[path = "discord/operator.rs"]
mod operator;
#[path = "discord/policy.rs"]
mod policy;
#[path = "discord/raw.rs"]
mod raw;
#[path = "discord/registry.rs"]
mod registry;
#[path = "discord/restarts.rs"]
mod restarts;
#[path = "discord/runs.rs"]
mod runs;
#[path = "discord/schema.rs"]
mod schema;
#[path = "discord/server/mod.rs"]
mod server;
#[path = "discord/setup.rs"]
mod setup;
#[path = "discord/snapshot.rs"]
mod snapshot;
#[path = "discord/transport.rs"]
mod transport;
#[path = "discord/troubles.rs"]
mod troubles;
#[path = "discord/verdicts.rs"]
mod verdicts;
#[path = "discord/view.rs"]
mod view;
#[path = "discord/way.rs"]
mod way;

use std::process::ExitCode;

use futures::future::LocalBoxFuture;
use inline_tests::environment::variable;
use inline_tests::service::Engine;
use inline_tests::suite::ensure;
use libtest_mimic::{Arguments, Failed, Trial};

use bench::Bench;
use setup::Setup;

type Check = fn() -> LocalBoxFuture<'static, Result<(), Failed>>;

type Case = for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, Result<(), Failed>>;

type Prepare = fn() -> Setup;

/// Names a check of the server by its function.
macro_rules! checks {
    ($($module:ident::$check:ident),* $(,)?) => {
        [$((concat!("server::", stringify!($check)), || Box::pin($module::$check()))),*]
    };
}

const CHECKS: &[(&str, Check)] = &checks![
    itself::who_has_not_the_token_is_refused,
    itself::an_interaction_is_deferred_and_answered,
    itself::answers_that_come_late_are_refused,
    itself::buttons_menus_forms_and_completions_come_and_are_answered,
    itself::messages_that_discord_refuses_are_refused,
    transport::limits_refuse_and_whoever_does_not_wait_is_told,
    transport::sessions_outlive_their_connections,
    transport::heartbeats_are_watched,
    schema::requests_are_held_against_a_description,
    schema::requests_are_held_against_discords_own_description,
];

/// Names a case by its function, with what it wants to be otherwise.
macro_rules! cases {
    ($($module:ident::$case:ident $(with $setup:ident)?),* $(,)?) => {
        [$((
            concat!(stringify!($module), "::", stringify!($case)),
            setup!($($module::$setup)?),
            |bench| Box::pin($module::$case(bench)),
        )),*]
    };
}

macro_rules! setup {
    () => {
        Setup::default
    };
    ($module:ident::$setup:ident) => {
        $module::$setup
    };
}

const CASES: &[(&str, Prepare, Case)] = &cases![
    runs::each_language_runs_and_its_answer_is_shown,
    runs::a_program_gets_its_input_and_files,
    runs::without_code_an_editor_opens,
    runs::what_comes_without_code_waits_for_the_editor,
    runs::output_cannot_harm,
    runs::what_is_too_long_is_attached_whole,
    runs::what_a_program_makes_is_attached,
    runs::output_comes_while_the_program_runs,
    verdicts::each_end_is_told_in_words with little_time,
    verdicts::a_lost_engine_is_told_in_words with uncertain_engine,
    buttons::stop_ends_the_program,
    buttons::stop_ends_what_waits_and_nothing_twice with one_at_a_time,
    buttons::delete_ends_what_runs_in_the_sandbox,
    buttons::rerun_answers_anew,
    buttons::delete_takes_the_answer_away,
    buttons::full_output_is_for_who_asks,
    menus::the_menu_runs_what_a_message_has,
    menus::a_mention_runs_and_an_edit_runs_again,
    menus::a_direct_message_is_answered,
    files::files_are_kept_and_changed,
    files::names_are_completed,
    files::long_directories_have_pages,
    names::whatever_they_are_lists_stay_lists,
    names::directories_far_down_have_pages,
    names::what_makes_no_sense_is_told,
    images::an_allowed_one_is_chosen,
    images::one_that_is_not_here_is_fetched_for_all_to_see,
    files::a_sandbox_is_shown_and_deleted,
    files::a_session_keeps_what_was_defined,
    files::packages_are_installed,
    policy::rules_are_met_as_they_change,
    policy::what_runs_is_told_in_the_audit_channel,
    operator::what_may_be_run_is_met_key_by_key,
    operator::who_may_run_is_met_from_all_to_one,
    operator::endings_are_blocked_as_they_change,
    operator::the_file_changes_in_many_ways,
    restarts::a_killed_bot_leaves_nothing_that_cannot_be_mended,
    restarts::an_engine_that_comes_back_is_used_again with uncertain_engine,
    restarts::a_token_that_is_withdrawn_ends_the_bot,
    troubles::limits_are_waited_for,
    troubles::a_dropped_connection_is_resumed,
    troubles::what_comes_in_between_is_answered,
    troubles::a_lost_session_is_begun_anew,
    troubles::an_answer_outlives_its_token with short_tokens,
    troubles::an_answer_that_is_taken_away_ends_quietly,
    troubles::failures_of_discord_are_tried_again,
    crowds::who_waits_knows_its_place with one_at_a_time,
    crowds::one_channel_takes_few_messages_at_a_time,
    ends::what_runs_is_answered_at_the_end,
    ends::health_and_metrics_are_served,
    ends::the_token_reaches_no_program,
    ends::a_token_that_is_refused_is_not_told with refused,
    ends::each_shard_has_its_guilds with two_shards,
    ends::without_the_content_of_messages_it_runs with no_content,
    ends::commands_are_registered_for_a_guild with in_guilds,
    ends::it_answers_where_it_is_not_installed,
    crowds::fifty_users_at_once_are_all_answered with quick_heart,
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for &(name, check) in CHECKS {
        let trial = Trial::test(name, move || run(check()));
        let has_document = variable(server::INLINE_DISCORD_OPENAPI).is_some();
        trials.push(trial.with_ignored_flag(name.contains("discords_own") && !has_document));
    }
    for engine in Engine::ALL {
        let is_tested = engine.is_tested();
        for &(name, setup, case) in CASES {
            let trial = Trial::test(format!("{}::discord::{name}", engine.name()), move || {
                run(async {
                    let bench = Bench::open(engine, setup()).await?;
                    let outcome = case(&bench).await;
                    bench.close(outcome).await
                })
            });
            let can_run = match name {
                "files::packages_are_installed" => engine.has_network(),
                // The others take no images from a registry without encryption, or from none.
                "images::one_that_is_not_here_is_fetched_for_all_to_see" => engine.driver() == "docker",
                "verdicts::a_lost_engine_is_told_in_words" | "restarts::an_engine_that_comes_back_is_used_again" => {
                    way::engine_host(engine).is_some()
                }
                _ => true,
            };
            trials.push(trial.with_ignored_flag(!is_tested || !can_run));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run<T>(future: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(future)
}
