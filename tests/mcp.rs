//! The MCP server: with clients that were written elsewhere, and with what no client should send.
//!
//! `INLINE_TEST` names the engines; the others show as ignored. `INLINE_TEST_CLI` is the path of the program,
//! `INLINE_TEST_REGISTRY` has the images, `INLINE_TEST_CLIENTS` the clients, see `scripts/clients`.

#![expect(clippy::print_stdout, reason = "what was measured is shown with `--nocapture`")]

#[path = "mcp/bench.rs"]
mod bench;
#[path = "mcp/exchange.rs"]
mod exchange;
#[path = "mcp/flood.rs"]
mod flood;
#[path = "mcp/http.rs"]
mod http;
#[path = "mcp/inspector.rs"]
mod inspector;
#[path = "mcp/leaving.rs"]
mod leaving;
#[path = "mcp/sdk.rs"]
mod sdk;

use std::process::ExitCode;

use inline_tests::cases;
use inline_tests::environment::variable;
use inline_tests::service::Engine;
use inline_tests::suite::ensure;
use libtest_mimic::{Arguments, Failed, Trial};

use bench::{Bench, CLIENTS};

type Case = fn(&Bench) -> Result<(), Failed>;

/// Those that need the clients.
const OF_CLIENTS: &[(&str, Case)] = &cases![
    sdk::every_tool_answers_as_it_declares,
    sdk::output_comes_while_it_is_printed_and_changes_are_told,
    sdk::a_cancelled_call_ends_its_program,
    sdk::eight_calls_go_on_at_once,
    inspector::lists_and_calls_every_tool,
    inspector::calls_from_many_at_once_all_succeed,
];
const CASES: &[(&str, Case)] = &cases![
    http::only_who_shows_a_token_comes_in,
    http::only_known_hosts_and_origins_come_in,
    http::a_session_belongs_to_its_client,
    http::a_stream_that_broke_is_resumed,
    http::there_are_only_so_many_sessions,
    http::what_would_serve_everybody_does_not_start,
    leaving::what_it_had_running_ends,
    flood::nonsense_on_standard_input_ends_nothing,
    flood::nonsense_by_http_ends_nothing,
];

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let has_clients = variable(CLIENTS).is_some();
    for engine in Engine::ALL {
        let is_tested = engine.is_tested();
        let cases = OF_CLIENTS.iter().map(|case| (case, has_clients));
        for (&(name, case), can_run) in cases.chain(CASES.iter().map(|case| (case, true))) {
            let trial = Trial::test(format!("{}::mcp::{name}", engine.name()), move || {
                let bench = Bench::open(engine)?;
                let outcome = case(&bench);
                outcome.and(bench.close())
            });
            trials.push(trial.with_ignored_flag(!is_tested || !can_run));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
