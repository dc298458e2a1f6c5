use inline_fake::Call;
use inline_runtime::{ContainerSpec, NetworkMode, labels};

use super::*;
use crate::store::SandboxSettings;
use crate::{InstallRequest, Installation, PackageManager, SandboxError, SecretUrl, Verdict};

impl Bench {
    async fn install(&self, manager: PackageManager, packages: &[&str]) -> Installation {
        let request = InstallRequest::new(alice(), manager, packages.iter().copied());
        self.service.install(request).outcome().await.unwrap()
    }

    async fn restore(&self, manager: PackageManager) -> Installation {
        let request = InstallRequest::restore(alice(), manager);
        self.service.install(request).outcome().await.unwrap()
    }

    /// Returns what is on record, each as `name version`.
    async fn recorded(&self) -> Vec<String> {
        let packages = self.service.packages(&alice()).await.unwrap();
        packages
            .iter()
            .map(|package| format!("{} {}", package.name, package.version))
            .collect()
    }

    /// Returns the specs of the containers that installed, in their order.
    fn installers(&self) -> Vec<ContainerSpec> {
        let is_installer = |spec: &ContainerSpec| spec.labels.get(labels::ROLE).is_some_and(|role| role == "install");
        let created = self.fake.calls().into_iter().filter_map(|call| match call {
            Call::Create(spec) => Some(*spec),
            _ => None,
        });
        created.filter(is_installer).collect()
    }
}

/// A fake with an image for node, besides.
fn both() -> FakeBuilder {
    let languages = SandboxConfig::default().languages().unwrap();
    fake().with_image(&languages["node"].image, inline_runtime::ImageId::new("2"))
}

/// Waits until the manager looks for what never comes.
async fn has_begun(endless: &mut Run<Installation>) {
    let brings = Progress::Stdout("bringing endless 9.0\n".into());
    while endless.next().await.unwrap() != brings {}
}

fn targets(spec: &ContainerSpec) -> Vec<(&str, bool)> {
    let mounts = spec.mounts.iter();
    mounts.map(|mount| (mount.target.as_str(), mount.read_only)).collect()
}

fn asked(spec: &ContainerSpec) -> Vec<&str> {
    let words = spec.cmd.iter().skip_while(|word| *word != "--").skip(1);
    words.map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_installed_is_told_and_on_record() {
    let bench = Bench::new().await;
    let request = InstallRequest::new(alice(), PackageManager::Pip, ["numpy==2.1", "rich"]).with_place("#general");
    let run = bench.service.install(request);
    let id = run.id().to_owned();
    let installed = run.outcome().await.unwrap();
    assert_eq!(installed.run.verdict, Verdict::Ok);
    assert_eq!(
        installed.run.stdout.to_text(),
        "bringing numpy 2.1\nbringing rich 9.0\n"
    );
    assert_eq!(
        installed.run.usage.cpu,
        Some(Duration::from_millis(40)),
        "both containers count"
    );
    let told: Vec<_> = installed.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(told, ["numpy", "rich"]);
    bench.install(PackageManager::Pip, &["numpy==2.2"]).await;
    assert_eq!(bench.recorded().await, ["numpy 2.2", "rich 9.0"]);
    let record = bench.service.store().run(&id).await.unwrap();
    assert_eq!((record.language.as_str(), record.place.as_str()), ("pip", "#general"));
    assert_eq!(bench.service.store().in_flight().await.unwrap(), []);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_has_network_sees_no_files_and_what_sees_files_has_no_network() {
    let bench = Bench::with(both(), |config| {
        config.packages.pip_index_url = Some(SecretUrl::new("http://user:secret@index:8080/simple"));
    })
    .await;
    bench.install(PackageManager::Pip, &["numpy"]).await;
    bench.install(PackageManager::Npm, &["left-pad"]).await;
    let installers = bench.installers();
    assert_eq!(installers.len(), 4);
    for pair in installers.chunks(2) {
        let (bring, place) = (&pair[0], &pair[1]);
        assert_eq!(targets(bring), [("/packages", false), ("/cache", false)]);
        assert_eq!(bring.network_mode, NetworkMode::Default);
        assert!(!bring.env.contains_key("PYTHONPATH") && !bring.env.contains_key("NODE_PATH"));
        assert_eq!(targets(place), [("/workspace", false), ("/packages", true)]);
        assert_eq!(place.network_mode, NetworkMode::None);
        assert!(!format!("{:?}", place.env).contains("secret"));
        for spec in pair {
            assert!(
                spec.readonly_rootfs && spec.cap_drop == ["ALL"] && spec.memory.is_some() && spec.pids_limit.is_some()
            );
        }
    }
    assert_eq!(
        installers[0].env["PIP_INDEX_URL"],
        "http://user:secret@index:8080/simple"
    );
    assert_eq!(installers[0].env["PIP_TRUSTED_HOST"], "index:8080");
    assert!(installers[0].cmd.contains(&"--only-binary".to_owned()));
    assert!(installers[2].cmd.contains(&"--ignore-scripts".to_owned()));
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn code_of_packages_never_runs_beside_what_others_get() {
    let bench = Bench::with(fake(), |config| config.packages.source_builds = true).await;
    bench.install(PackageManager::Pip, &["numpy"]).await;
    let bring = &bench.installers()[0];
    assert_eq!(targets(bring), [("/packages", false)], "there is no shared cache");
    assert!(!bring.cmd.contains(&"--only-binary".to_owned()));
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn npm_brings_again_what_it_has_brought_before() {
    let bench = Bench::with(both(), |_| ()).await;
    bench.install(PackageManager::Npm, &["one@1.0", "two@1.0"]).await;
    bench.install(PackageManager::Npm, &["two@2.0"]).await;
    assert_eq!(asked(&bench.installers()[2]), ["one@1.0", "two@2.0"]);
    assert_eq!(bench.recorded().await, ["one 1.0", "two 2.0"]);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_change_of_the_image_what_is_on_record_comes_again_and_nothing_else() {
    let new = "python:3.13".parse().unwrap();
    let engine = both().with_image(&new, inline_runtime::ImageId::new("3"));
    let bench = Bench::with(engine, |config| config.allowed_images = vec![new.clone()]).await;
    bench.install(PackageManager::Pip, &["numpy==2.1"]).await;
    bench.install(PackageManager::Npm, &["left-pad@1.3.0"]).await;
    let files = bench.service.files(&alice()).await.unwrap();
    files
        .make_directory(".site-packages/stray-1.0.dist-info")
        .await
        .unwrap();
    files.remove("node_modules", true).await.unwrap();
    let mut settings = SandboxSettings::default();
    settings.images.insert("python".to_owned(), new.clone());
    bench.service.set_settings(&alice(), &settings).await.unwrap();

    let before = bench.installers().len();
    let pip = bench.restore(PackageManager::Pip).await;
    let npm = bench.restore(PackageManager::Npm).await;
    assert!(pip.run.verdict.is_ok() && npm.run.verdict.is_ok());
    assert_eq!((pip.packages.len(), npm.packages.len()), (1, 1));
    assert_eq!(bench.recorded().await, ["left-pad 1.3.0", "numpy 2.1"]);
    let installers = &bench.installers()[before..];
    assert_eq!(
        (asked(&installers[0]), asked(&installers[2])),
        (vec!["numpy==2.1"], vec!["left-pad@1.3.0"])
    );
    assert!(installers[..2].iter().all(|spec| spec.image == new));
    assert!(
        files.entry(".site-packages/stray-1.0.dist-info").await.is_err(),
        "only what is on record stays"
    );
    files.entry("node_modules/left-pad").await.unwrap();
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_installed_leaves_what_was() {
    let bench = Bench::new().await;
    bench.install(PackageManager::Pip, &["numpy==2.1"]).await;
    let failed = bench.install(PackageManager::Pip, &["rich", "missing"]).await;
    assert_eq!(failed.run.verdict, Verdict::NonZero(1));
    assert_eq!(failed.run.stderr.to_text(), "no such package\n");
    assert_eq!(bench.installers().len(), 3, "nothing is placed");

    let mut endless = bench
        .service
        .install(InstallRequest::new(alice(), PackageManager::Pip, ["endless"]));
    has_begun(&mut endless).await;
    endless.cancel();
    assert_eq!(endless.outcome().await.unwrap().run.verdict, Verdict::Cancelled);
    assert_eq!(bench.recorded().await, ["numpy 2.1"]);
    let owners = bench.service.inner.workspaces.owners().await.unwrap();
    assert!(owners.iter().all(|owner| owner.kind() != "once"), "{owners:?}");
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_image_without_the_manager_is_named() {
    let bench = Bench::with(both(), |_| ()).await;
    for (manager, told) in [
        (PackageManager::Pip, "image `python:3.11-slim` has no pip"),
        (PackageManager::Npm, "image `node:20-slim` has no npm"),
    ] {
        let request = InstallRequest::new(alice(), manager, ["no-manager"]);
        let error = bench.service.install(request).outcome().await.unwrap_err();
        assert_eq!(error.to_string(), told);
        assert!(error.hint().is_some());
    }
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_installation_ends_at_its_timeout() {
    let bench = Bench::with(fake(), |config| config.packages.timeout = Duration::from_mins(7)).await;
    let mut endless = bench
        .service
        .install(InstallRequest::new(alice(), PackageManager::Pip, ["endless"]));
    has_begun(&mut endless).await;
    tokio::time::advance(Duration::from_mins(7)).await;
    assert_eq!(endless.outcome().await.unwrap().run.verdict, Verdict::Timeout);
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_asked_for_is_refused_before_anything_is_made() {
    let bench = Bench::new().await;
    for bad in ["--index-url=http://x", "git+https://x/y", "./here", ""] {
        let request = InstallRequest::new(alice(), PackageManager::Pip, [bad]);
        let refused = bench.service.install(request).outcome().await;
        assert!(matches!(refused, Err(SandboxError::InvalidPackage { .. })), "{bad:?}");
    }
    assert_eq!(bench.installers(), []);
    assert!(bench.service.sandbox(&alice()).await.is_err());
    bench.close().await;
}
