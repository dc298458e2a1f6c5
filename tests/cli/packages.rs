//! `inline pip` and `inline npm`, with an index of the tests' own.

use inline_tests::index::Index;
use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;

/// Has the command line take packages from the tests' own index.
fn configure(bench: &Bench) -> Result<Index, Failed> {
    let index = Index::start()?;
    bench.configure(&format!(
        "packages.pip_index_url = '{}'\npackages.npm_registry = '{}'\n",
        index.pip(),
        index.npm()
    ))?;
    Ok(index)
}

/// Runs a command on alice's sandbox, which must succeed, and returns what it prints.
fn of_alice(bench: &Bench, command: &str, arguments: &[&str]) -> Result<String, Failed> {
    bench.printed(&[&[command, "--owner", "alice"], arguments].concat())
}

pub(crate) fn pip_installs_lists_and_restores(bench: &Bench) -> Result<(), Failed> {
    let _index = configure(bench)?;
    let pip = |arguments: &[&str]| of_alice(bench, "pip", arguments);
    let prints = || {
        of_alice(
            bench,
            "run",
            &["-c", "import inline_sample; print(inline_sample.version)"],
        )
    };
    let listed = |version: &str| format!("inline-sample {version}\ninline-shared-a 1.0\n");

    let installed = bench.run(&["pip", "--owner", "alice", "install", "inline-sample==1.0"])?;
    let told = String::from_utf8_lossy(&installed.stderr);
    ensure(installed.status.success() && told.ends_with(&listed("1.0")), || {
        format!("{installed:?}")
    })?;
    let (list, printed) = (pip(&["list"])?, prints()?);
    ensure(list == listed("1.0") && printed == "1\n", || format!("{list}{printed}"))?;
    pip(&["install", "inline-sample>=1"])?;
    let (list, printed) = (pip(&["list"])?, prints()?);
    ensure(list == listed("2.0") && printed == "2\n", || format!("{list}{printed}"))?;

    of_alice(bench, "files", &["rm", "--recursive", ".site-packages"])?;
    let gone = bench.run(&["run", "--owner", "alice", "-c", "import inline_sample"])?;
    let told = String::from_utf8_lossy(&gone.stderr);
    ensure(
        gone.status.code() == Some(1) && told.contains("install its package"),
        || format!("{gone:?}"),
    )?;
    pip(&["restore"])?;
    let (list, printed) = (pip(&["list"])?, prints()?);
    ensure(list == listed("2.0") && printed == "2\n", || format!("{list}{printed}"))?;

    let none = of_alice(bench, "npm", &["list"])?;
    ensure(none.is_empty(), || none)
}

pub(crate) fn npm_installs_lists_and_restores(bench: &Bench) -> Result<(), Failed> {
    let _index = configure(bench)?;
    let npm = |arguments: &[&str]| of_alice(bench, "npm", arguments);
    let require = [
        "--language",
        "node",
        "-c",
        "console.log(require('inline-one'), require('inline-two'))",
    ];
    npm(&["install", "inline-one", "inline-two@^2"])?;
    let list = npm(&["list"])?;
    ensure(list == "inline-one 1.0.0\ninline-two 2.0.0\n", || list.clone())?;
    let printed = of_alice(bench, "run", &require)?;
    ensure(printed == "1.0.0 2.0.0\n", || printed)?;

    of_alice(bench, "files", &["rm", "--recursive", "node_modules"])?;
    npm(&["restore"])?;
    let (again, printed) = (npm(&["list"])?, of_alice(bench, "run", &require)?);
    ensure(again == list && printed == "1.0.0 2.0.0\n", || {
        format!("{again}{printed}")
    })
}

pub(crate) fn what_cannot_be_installed_says_why(bench: &Bench) -> Result<(), Failed> {
    let _index = configure(bench)?;
    for (command, bad) in [
        ("pip", "--index-url=http://x"),
        ("pip", "../x"),
        ("npm", "git+https://x/y"),
        ("npm", "--script-shell=x"),
    ] {
        let refused = bench.run(&[command, "--owner", "alice", "install", "--", bad])?;
        let told = String::from_utf8_lossy(&refused.stderr);
        ensure(
            refused.status.code() == Some(1) && told.contains("cannot be installed"),
            || format!("{command} {bad}: {refused:?}"),
        )?;
    }
    for (command, missing) in [("pip", "inline-no-such-package"), ("npm", "inline-no-such-module")] {
        let failed = bench.run(&[command, "--owner", "alice", "install", missing])?;
        let told = String::from_utf8_lossy(&failed.stderr);
        let says_why = told.contains(missing) && told.contains("nothing was installed");
        ensure(failed.status.code() == Some(1) && says_why, || {
            format!("{command} {missing}: {failed:?}")
        })?;
        let list = of_alice(bench, command, &["list"])?;
        ensure(list.is_empty(), || list)?;
    }
    Ok(())
}
