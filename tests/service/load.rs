//! Many runs one after the other and at once.

use std::fs;

use inline::ListFilter;
use inline_sandbox::{Program, RunRequest};
use libtest_mimic::Failed;

use inline_tests::environment::{INLINE_TEST_RUNS, variable};
use inline_tests::service::{owner, told};

use crate::bench::Bench;
use crate::ensure;

const RUNS: usize = 40;

pub(crate) async fn many_runs_leave_nothing_and_grow_nothing(bench: &Bench) -> Result<(), Failed> {
    let runs = match variable(INLINE_TEST_RUNS) {
        Some(text) => text.parse()?,
        None => RUNS,
    };
    let owners = [owner("alice")?, owner("bob")?, owner("carol")?];
    let batch = async |count: usize| {
        for number in 0..count {
            let program = Program::new("bash", format!("echo {number} > f; cat f")).with_file("given", "x");
            let request =
                RunRequest::new(owners[number % owners.len()].clone(), program).with_one_shot(number % 5 == 0);
            let result = bench.service.run(request).outcome().await.map_err(told)?;
            ensure(
                result.verdict.is_ok() && result.stdout.to_text() == format!("{number}\n"),
                || format!("{result:?}"),
            )?;
        }
        Ok::<(), Failed>(())
    };
    batch(runs.min(20)).await?;
    bench.service.cleanup_all().await.map_err(told)?;
    let before = Held::now()?;
    batch(runs).await?;
    bench.service.cleanup_all().await.map_err(told)?;
    let after = Held::now()?;
    println!("{runs} runs: {before:?} -> {after:?}");
    let left = bench
        .runtime
        .list(&ListFilter::instance(bench.service.instance()))
        .await?;
    ensure(left.is_empty(), || format!("containers: {left:?}"))?;
    ensure(after.descriptors <= before.descriptors + 4, || {
        format!("descriptors: {before:?} -> {after:?}")
    })?;
    ensure(after.children <= before.children, || {
        format!("zombies: {before:?} -> {after:?}")
    })?;
    ensure(after.resident_kib <= before.resident_kib + (8 << 10), || {
        format!("memory: {before:?} -> {after:?}")
    })?;
    let workspaces = fs::read_dir(bench.directory.path().join("base/workspaces/owners"))?.count();
    let trash = fs::read_dir(bench.directory.path().join("base/workspaces/trash"))?.count();
    ensure((workspaces, trash) == (owners.len(), 0), || {
        format!("{workspaces} workspaces, {trash} in the trash")
    })
}

/// What this process holds.
#[derive(Debug)]
struct Held {
    descriptors: usize,
    children: usize,
    resident_kib: u64,
}

impl Held {
    fn now() -> Result<Self, Failed> {
        let status = fs::read_to_string("/proc/self/status")?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or_default();
        let children = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        Ok(Self {
            descriptors: fs::read_dir("/proc/self/fd")?.count(),
            children: children.split_whitespace().count(),
            resident_kib: resident.trim().trim_end_matches(" kB").parse()?,
        })
    }
}
