//! Packages, from an index of the tests' own.

use inline_sandbox::{
    InstallRequest, Installation, PackageManager, Program, RunRequest, SandboxError, SandboxService, Verdict,
};
use libtest_mimic::Failed;

use inline_tests::service::{owner, told};

use crate::bench::Bench;
use crate::ensure;

pub(crate) async fn install(
    service: &SandboxService,
    name: &str,
    manager: PackageManager,
    packages: &[&str],
) -> Result<Installation, Failed> {
    let request = InstallRequest::new(owner(name)?, manager, packages.iter().copied());
    let installed = service.install(request).outcome().await.map_err(told)?;
    println!(
        "{manager} {packages:?}: {:?} in {:?}",
        installed.run.verdict, installed.run.usage.wall
    );
    ensure(installed.run.verdict.is_ok(), || shown(&installed))?;
    Ok(installed)
}

fn shown(installed: &Installation) -> String {
    let run = &installed.run;
    format!(
        "{:?}\n{}\n{}\n{:?}",
        run.verdict,
        run.stdout.to_text(),
        run.stderr.to_text(),
        installed.packages
    )
}

fn names(installed: &Installation) -> Vec<String> {
    installed
        .packages
        .iter()
        .map(|package| format!("{} {}", package.name, package.version))
        .collect()
}

async fn prints(service: &SandboxService, language: &str, source: &str) -> Result<String, Failed> {
    let request = RunRequest::new(owner("alice")?, Program::new(language, source));
    let result = service.run(request).outcome().await.map_err(told)?;
    Ok(format!("{}{}", result.stdout.to_text(), result.stderr.to_text()))
}

pub(crate) async fn pip_installs_replaces_and_restores(bench: &Bench) -> Result<(), Failed> {
    let service = &bench.service;
    let alice = owner("alice")?;
    let first = install(
        service,
        "alice",
        PackageManager::Pip,
        &["inline-sample==1.0", "inline_shared_b"],
    )
    .await?;
    ensure(
        names(&first) == ["inline-sample 1.0", "inline-shared-a 1.0", "inline-shared-b 1.0"],
        || shown(&first),
    )?;
    let import = "import inline_sample, inline_shared.a, inline_shared.b; print(inline_sample.version)";
    let seen = prints(service, "python", import).await?;
    ensure(seen == "1\n", || seen)?;
    let fetched = bench.index.asked();
    ensure(fetched.iter().any(|path| path.starts_with("/files/")), || {
        format!("{fetched:?}")
    })?;

    // Another owner gets the same from the cache, and nothing of the first.
    install(service, "bob", PackageManager::Pip, &["inline-sample==1.0"]).await?;
    let fetched = bench.index.asked();
    ensure(!fetched.iter().any(|path| path.starts_with("/files/")), || {
        format!("{fetched:?}")
    })?;

    let second = install(service, "alice", PackageManager::Pip, &["inline-sample"]).await?;
    ensure(
        names(&second) == ["inline-sample 2.0", "inline-shared-a 1.0", "inline-shared-b 1.0"],
        || shown(&second),
    )?;
    let seen = prints(service, "python", &format!("{import}\nimport inline_sample.old")).await?;
    ensure(seen.starts_with("2\n") && seen.contains("ModuleNotFoundError"), || seen)?;

    let files = service.files(&alice).await.map_err(told)?;
    files.remove(".site-packages", true).await.map_err(told)?;
    let restored = service
        .install(InstallRequest::restore(alice, PackageManager::Pip))
        .outcome()
        .await
        .map_err(told)?;
    ensure(names(&restored) == names(&second), || shown(&restored))?;
    let seen = prints(service, "python", import).await?;
    ensure(seen == "2\n", || seen)?;
    Ok(())
}

pub(crate) async fn npm_installs_beside_what_is_there(bench: &Bench) -> Result<(), Failed> {
    let service = &bench.service;
    install(service, "alice", PackageManager::Npm, &["inline-one"]).await?;
    let both = install(service, "alice", PackageManager::Npm, &["inline-two@^2"]).await?;
    ensure(names(&both) == ["inline-one 1.0.0", "inline-two 2.0.0"], || {
        shown(&both)
    })?;
    let seen = prints(
        service,
        "node",
        "console.log(require('inline-one'), require('inline-two'))",
    )
    .await?;
    ensure(seen == "1.0.0 2.0.0\n", || seen)?;
    let files = service.files(&owner("alice")?).await.map_err(told)?;
    let ran = files.entry("ran").await;
    ensure(matches!(ran, Err(SandboxError::NotFound { .. })), || {
        "a script of a package ran".to_owned()
    })?;
    Ok(())
}

pub(crate) async fn what_a_user_wrote_never_meets_the_network(bench: &Bench) -> Result<(), Failed> {
    let service = &bench.service;
    // All that a package manager would read, and that would give it away.
    let trap = "import os, socket; open('/workspace/trapped', 'a').write('x')\n";
    let sources = [
        ("sitecustomize.py", trap),
        (".site-packages/sitecustomize.py", trap),
        (".site-packages/pip/__init__.py", trap),
        (".site-packages/trap.pth", trap),
        ("pip/__init__.py", trap),
        (".config/pip/pip.conf", "[global]\nindex-url = http://192.0.2.1/\n"),
        (".pip/pip.conf", "[global]\nindex-url = http://192.0.2.1/\n"),
        (".npmrc", "registry=http://192.0.2.1/\n"),
        (
            "package.json",
            "{\"dependencies\": {\"trap\": \"git+https://192.0.2.1/x\"}}",
        ),
    ];
    let program = sources
        .iter()
        .fold(Program::new("bash", "true"), |program, (path, text)| {
            program.with_file(*path, *text)
        });
    service
        .run(RunRequest::new(owner("alice")?, program))
        .outcome()
        .await
        .map_err(told)?;
    install(service, "alice", PackageManager::Pip, &["inline-sample"]).await?;
    install(service, "alice", PackageManager::Npm, &["inline-one"]).await?;
    let files = service.files(&owner("alice")?).await.map_err(told)?;
    let trapped = files.entry("trapped").await;
    ensure(matches!(trapped, Err(SandboxError::NotFound { .. })), || {
        "the user's code ran in an installation".to_owned()
    })?;
    Ok(())
}

pub(crate) async fn what_cannot_be_installed_says_why(bench: &Bench) -> Result<(), Failed> {
    let service = &bench.service;
    let request = |packages: &[&str]| {
        Ok::<_, Failed>(InstallRequest::new(
            owner("alice")?,
            PackageManager::Pip,
            packages.iter().copied(),
        ))
    };
    for bad in [
        "--index-url=http://192.0.2.1/",
        "https://192.0.2.1/x.whl",
        "../x",
        "-r/etc/passwd",
    ] {
        let refused = service.install(request(&[bad])?).outcome().await;
        ensure(matches!(refused, Err(SandboxError::InvalidPackage { .. })), || {
            format!("{bad}: {refused:?}")
        })?;
    }
    let missing = service
        .install(request(&["inline-nothing"])?)
        .outcome()
        .await
        .map_err(told)?;
    let says_why = missing.run.stderr.to_text().contains("inline-nothing");
    ensure(missing.run.verdict == Verdict::NonZero(1) && says_why, || {
        shown(&missing)
    })?;
    let run = service.install(request(&["inline-sample"])?);
    run.cancel();
    let cancelled = run.outcome().await.map_err(told)?;
    ensure(cancelled.run.verdict == Verdict::Cancelled, || shown(&cancelled))?;
    Ok(())
}
