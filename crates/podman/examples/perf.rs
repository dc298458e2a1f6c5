#![allow(warnings, clippy::all, clippy::pedantic)]
use inline_podman::*;
use inline_runtime::*;
use std::sync::Arc;
use std::time::*;
#[tokio::main]
async fn main() {
    let rt = PodmanRuntime::connect(&PodmanConfig::from_env(|n| std::env::var(n).ok()))
        .await
        .unwrap();
    let r = std::env::var("INLINE_TEST_REGISTRY").unwrap();
    let spec = || ContainerSpec::new(format!("{r}/alpine:latest").parse().unwrap(), "perf").with_cmd(["true"]);
    let mut t = [vec![], vec![], vec![], vec![], vec![]];
    for _ in 0..40 {
        let a = Instant::now();
        let id = rt.create(&spec()).await.unwrap();
        let b = Instant::now();
        rt.inspect(&id).await.unwrap();
        let c = Instant::now();
        let p = rt.start(&id).await.unwrap();
        let d = Instant::now();
        p.collect(10).await.unwrap();
        let e = Instant::now();
        rt.remove(&id).await.unwrap();
        let f = Instant::now();
        for (v, x) in t.iter_mut().zip([b - a, c - b, d - c, e - d, f - e]) {
            v.push(x.as_micros());
        }
    }
    for (v, n) in t.iter_mut().zip(["create", "inspect", "start", "collect", "remove"]) {
        v.sort();
        println!("{n} median {} us min {}", v[v.len() / 2], v[0]);
    }
}
