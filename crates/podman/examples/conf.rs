#![allow(warnings, clippy::all, clippy::pedantic)]
use inline_conformance::*;
use inline_podman::*;
use inline_runtime::*;
use std::path::PathBuf;
use std::sync::Arc;
#[derive(Debug)]
struct S {
    f: Fixtures,
}
fn config() -> PodmanConfig {
    let mut c = PodmanConfig::from_env(|n| std::env::var(n).ok());
    if std::env::var("RLIMIT").is_ok() {
        c = c.with_limits(LimitPolicy::Rlimit);
    }
    c
}
#[async_trait::async_trait]
impl Subject for S {
    fn name(&self) -> &'static str {
        "podman"
    }
    async fn connect(&self) -> Result<Arc<dyn ContainerRuntime>> {
        Ok(Arc::new(PodmanRuntime::connect(&config()).await?))
    }
    async fn connect_severable(&self) -> Result<Severable> {
        let sock = match config().host {
            Some(h) => h.trim_start_matches("unix://").to_owned(),
            None => panic!(),
        };
        let p = SocketProxy::to(sock).unwrap();
        let rt = PodmanRuntime::connect(&config().with_host(format!("unix://{}", p.path().display()))).await?;
        Ok(Severable::new(Arc::new(rt), p))
    }
    fn fixtures(&self) -> &Fixtures {
        &self.f
    }
    fn patience(&self) -> u32 {
        std::env::var("PATIENCE").ok().and_then(|p| p.parse().ok()).unwrap_or(1)
    }
}
fn main() -> std::process::ExitCode {
    let r = std::env::var("INLINE_TEST_REGISTRY").unwrap();
    let img = |s: &str| -> ImageReference { format!("{r}/{s}").parse().unwrap() };
    let mut f = Fixtures::shell_only(img("alpine:latest"), "no");
    if let Ok(d) = std::env::var("DIGEST") {
        f.registry = Fixture::Present(RegistryImages {
            by_tag: img("alpine:latest"),
            by_digest: img(&format!("alpine@{d}")),
            missing_tag: img("alpine:nosuch"),
            registry_down: "127.0.0.1:1/a:b".parse().unwrap(),
            missing_layer: img("inline-broken:missing-blob"),
            corrupt_layer: img("inline-broken:corrupt"),
        });
    }
    let d = std::env::temp_dir().join("conf-host");
    std::fs::create_dir_all(&d).unwrap();
    f.host_directory = Fixture::Present(d);
    f.volume = Fixture::Present("inline-conf-vol".into());
    if std::env::var("NOSEVER").is_err() {
        f.severable = Fixture::Present(());
    }
    let suite = Arc::new(Suite::new(S { f }));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let c = libtest_mimic::run(&libtest_mimic::Arguments::from_args(), suite.trials(runtime.handle()));
    println!("left {:?}", runtime.block_on(suite.left_behind()));
    c.exit_code()
}
