use std::collections::BTreeMap;

use ::metrics::set_default_local_recorder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use super::*;
use crate::{InstallRequest, PackageManager, metric};

/// Returns what was measured since the last time, each as `name{label=value}`; of a histogram, how often.
fn measured(snapshotter: &Snapshotter) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<String> = key
            .key()
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        let name = format!("{}{{{}}}", key.key().name(), labels.join(","));
        let value = match value {
            DebugValue::Counter(count) => count.to_string(),
            DebugValue::Gauge(level) => level.to_string(),
            DebugValue::Histogram(samples) => samples.len().to_string(),
        };
        all.insert(name, value);
    }
    all
}

#[tokio::test(start_paused = true)]
async fn runs_are_counted_by_how_they_end_and_how_they_begin() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _here = set_default_local_recorder(&recorder);
    let bench = Bench::new().await;
    bench.run("local:alice", "exit 3").await;
    until("a container made ahead", async || !bench.service.inner.pool.is_empty()).await;
    bench.run("local:alice", "print one").await;
    bench.service.sweep().await.unwrap();
    let all = measured(&snapshotter);
    for (name, expected) in [
        ("inline_runs_total{verdict=non_zero,language=python}", "1"),
        ("inline_runs_total{verdict=ok,language=python}", "1"),
        ("inline_run_seconds{language=python}", "2"),
        ("inline_queue_seconds{}", "2"),
        ("inline_start_seconds{warm=false}", "1"),
        ("inline_start_seconds{warm=true}", "1"),
        ("inline_warm_hits_total{}", "1"),
        ("inline_warm_misses_total{}", "1"),
        ("inline_waiting{}", "0"),
        ("inline_running{}", "0"),
        ("inline_sessions{}", "0"),
    ] {
        assert_eq!(all.get(name).map(String::as_str), Some(expected), "{name} of {all:#?}");
    }
    bench.close().await;
}

#[tokio::test(start_paused = true)]
async fn installations_leaks_and_expiries_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _here = set_default_local_recorder(&recorder);
    let bench = Bench::new().await;
    for package in ["numpy", "missing"] {
        let request = InstallRequest::new(alice(), PackageManager::Pip, [package]);
        bench.service.install(request).outcome().await.unwrap();
    }
    let spec = inline_runtime::ContainerSpec::new(crate::testing::python().image, bench.service.instance());
    bench.fake.create(&spec.with_cmd(["supervisor"])).await.unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_hours(24 * 365);
    let bob = "local:bob".parse().unwrap();
    bench.service.store().ensure_sandbox(&bob, long_ago).await.unwrap();
    let swept = bench.service.sweep().await.unwrap();
    assert_eq!((swept.containers, swept.expired), (1, 1));
    let all = measured(&snapshotter);
    for (name, expected) in [
        ("inline_installs_total{manager=pip,verdict=ok}", "1"),
        ("inline_installs_total{manager=pip,verdict=non_zero}", "1"),
        ("inline_leaked_containers_total{}", "1"),
        ("inline_expired_sandboxes_total{}", "1"),
        ("inline_containers{}", "0"),
    ] {
        assert_eq!(all.get(name).map(String::as_str), Some(expected), "{name} of {all:#?}");
    }
    assert!(!all.keys().any(|name| name.starts_with(metric::REMOVALS_FAILED)));
    bench.close().await;
}
