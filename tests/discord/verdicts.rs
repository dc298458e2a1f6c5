//! What a user sees of each way in which a program ends.

use inline_tests::environment::patience;
use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::server::{Input, Person, Place};
use crate::setup::Setup;
use crate::snapshot::compare;
use crate::view::View;

const ALICE: Person = Person::ALICE;

/// Returns a setup in which programs have little time.
pub(crate) fn little_time() -> Setup {
    // A patience that is none fails when the bot is started.
    let patience = patience().unwrap_or(1);
    Setup {
        tables: format!("[discord.policy]\ntimeout = {}\ncpu_time = {patience}\n", 12 * patience),
        ..Setup::default()
    }
}

/// Starts a program that takes long, and returns the interaction with its answer.
async fn begun(bench: &Bench) -> Result<(u64, View), Failed> {
    let code = "print('so far', flush=True)\nimport time\ntime.sleep(60)";
    let asked = bench
        .discord
        .command(ALICE, Place::GENERAL, "il py", &[("code", Input::Text(code))])?;
    let has_begun = |view: &View| view.has_button("Stop") && view.content.contains("so far");
    Ok((asked, bench.shown(asked, "a button to stop", has_begun).await?))
}

pub(crate) async fn each_end_is_told_in_words(bench: &Bench) -> Result<(), Failed> {
    // Neither is small enough to be shown, wherever the second is stopped.
    let fill = "head -c 38000000 /dev/zero > f1; head -c 60000000 /dev/zero > f2";
    let mut cases = vec![
        ("ok", "py", "print('seen')"),
        ("silent", "py", "pass"),
        ("non_zero", "py", "print('so far')\nraise ValueError('no')"),
        ("signal", "bash", "echo so far; kill -11 $$"),
        ("timeout", "bash", "echo so far; sleep 600"),
        ("cpu_time", "bash", "echo so far; while :; do :; done"),
        ("output_limit", "bash", "yes"),
        ("disk_full", "bash", fill),
    ];
    // Without control groups there is no OOM killer, and python sees the limit itself.
    if !bench.engine.is_rlimit() {
        cases.push(("out_of_memory", "py", "print('so far', flush=True)\nb'x' * 10**9"));
    }
    let mut outcomes = Vec::new();
    for (name, language, code) in cases {
        // What fills a sandbox stays in it.
        let person = if name == "disk_full" { Person::BOB } else { ALICE };
        let view = bench.run(person, language, code).await?;
        outcomes.push(compare(name, &view));
    }
    let (asked, view) = begun(bench).await?;
    outcomes.push(compare("running", &view));
    bench.discord.press(ALICE, view.id, "Stop")?;
    outcomes.push(compare("cancelled", &bench.answer(asked).await?));
    let failed = outcomes.into_iter().filter_map(Result::err);
    let failed: Vec<String> = failed.filter_map(|why| why.message().map(ToOwned::to_owned)).collect();
    ensure(failed.is_empty(), || failed.join("\n"))
}

/// Returns a setup in which the engine can be lost.
pub(crate) fn uncertain_engine() -> Setup {
    Setup {
        can_lose_engine: true,
        ..Setup::default()
    }
}

pub(crate) async fn a_lost_engine_is_told_in_words(bench: &Bench) -> Result<(), Failed> {
    let (asked, _) = begun(bench).await?;
    bench.lose_engine();
    let view = bench.answer(asked).await?;
    // The bot cannot see what it leaves.
    bench.remove_containers().await?;
    compare("lost", &view)?;
    let view = bench.run(ALICE, "py", "1").await?;
    compare("no_engine", &view)
}
