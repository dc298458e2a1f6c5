//! The calls of a program that only wants to run something.

use std::time::Duration;

use inline_sandbox::Verdict;
use libtest_mimic::Failed;

use inline_tests::environment::patient;
use inline_tests::service::told;

use crate::bench::Bench;
use crate::ensure;

pub(crate) async fn a_small_program_runs_and_cleans_up(bench: &Bench) -> Result<(), Failed> {
    let (service, timeout) = (&bench.service, patient(Duration::from_secs(30))?);
    let python = service.run_python("print(6 * 7)", timeout).await.map_err(told)?;
    let node = service.run_node("console.log(6 * 7)", timeout).await.map_err(told)?;
    let bash = service.run_bash("echo 42", timeout).await.map_err(told)?;
    for result in [python, node, bash] {
        ensure(result.verdict.is_ok() && result.stdout.to_text() == "42\n", || {
            format!("{result:?}")
        })?;
    }
    let late = service
        .run_bash("echo early; sleep 1000", patient(Duration::from_secs(1))?)
        .await
        .map_err(told)?;
    ensure(
        late.verdict == Verdict::Timeout && late.stdout.to_text() == "early\n",
        || format!("{late:?}"),
    )?;
    service.cleanup_all().await.map_err(told)
}
