//! Containers as they are: looking at them, signalling and removing them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, ContainerStatsResponse, ContainerSummary,
    ContainerSummaryStateEnum,
};
use bollard::query_parameters::{
    KillContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use inline_runtime::{Container, ContainerId, Error, ErrorKind, ExitStatus, ListFilter, Result, Signal, State, Stats};

use crate::cgroup::Cgroups;
use crate::engine::Engine;
use crate::{error, limits, oom};

/// How long to wait before a removal that somebody else has under way is looked at again.
const REMOVAL_PAUSE: Duration = Duration::from_millis(20);

/// Parts of messages after which a removal is to be tried again, lower case.
const REMOVAL_UNDER_WAY: [&str; 2] = ["already in progress", "device or resource busy"];

pub(crate) async fn kill(engine: &Engine, id: &str, signal: Signal) -> Result<()> {
    let options = KillContainerOptionsBuilder::new()
        .signal(&signal.number().to_string())
        .build();
    engine.call(engine.client.kill_container(id, Some(options))).await
}

/// Removes a container with its anonymous volumes; returns when it is gone.
pub(crate) async fn remove(engine: &Engine, id: &str) -> Result<()> {
    let removal = async {
        loop {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            match engine.call(engine.client.remove_container(id, Some(options))).await {
                Err(error) if error.kind() == ErrorKind::ContainerNotFound => return Ok(()),
                Err(error) if is_under_way(&error) => tokio::time::sleep(REMOVAL_PAUSE).await,
                answer => return answer,
            }
        }
    };
    match tokio::time::timeout(engine.call_timeout, removal).await {
        Ok(removed) => removed,
        Err(_) => Err(error::timeout(&engine.endpoint)),
    }
}

fn is_under_way(error: &Error) -> bool {
    let message = error.message().to_lowercase();
    REMOVAL_UNDER_WAY.iter().any(|part| message.contains(part))
}

pub(crate) async fn inspect(engine: &Engine, id: &str) -> Result<Container> {
    let container = engine.call(engine.client.inspect_container(id, None)).await?;
    let mut described = describe(container).ok_or_else(|| incomplete("a container"))?;
    if let State::Exited(Some(status)) = described.state
        && status.is_oom_killed()
    {
        let is_oom = oom::came_last(engine, described.id.as_str()).await;
        described.state = State::Exited(Some(status.with_oom_killed(is_oom)));
    }
    Ok(described)
}

fn describe(container: ContainerInspectResponse) -> Option<Container> {
    let labels = container.config.and_then(|config| config.labels).unwrap_or_default();
    Some(Container::new(
        container.id?.parse().ok()?,
        container.name?.trim_start_matches('/'),
        labels.into_iter().collect(),
        state(&container.state?),
    ))
}

fn state(state: &ContainerState) -> State {
    match state.status {
        Some(ContainerStateStatusEnum::CREATED) => State::Created,
        Some(ContainerStateStatusEnum::RUNNING) => State::Running,
        Some(ContainerStateStatusEnum::EXITED) => State::Exited(state.exit_code.map(|code| {
            let is_oom = code == oom::KILLED && state.oom_killed == Some(true);
            ExitStatus::from_shell_code(code).with_oom_killed(is_oom)
        })),
        _ => State::Other,
    }
}

pub(crate) async fn list(engine: &Engine, filter: &ListFilter) -> Result<Vec<Container>> {
    // The engine splits `name=value` at the first `=`; a name that holds one is left to the comparison below.
    let asked = filter.labels.iter().filter(|(name, _)| !name.contains('='));
    let labels = asked.map(|(name, value)| format!("{name}={value}")).collect();
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let found = engine.call(engine.client.list_containers(Some(options))).await?;
    let mut containers = Vec::with_capacity(found.len());
    for summary in found {
        let container = describe_summary(summary).ok_or_else(|| incomplete("a list of containers"))?;
        if filter.matches(&container.labels) {
            containers.push(container);
        }
    }
    Ok(containers)
}

fn describe_summary(summary: ContainerSummary) -> Option<Container> {
    let labels: BTreeMap<_, _> = summary.labels.unwrap_or_default().into_iter().collect();
    let id: ContainerId = summary.id?.parse().ok()?;
    let names = summary.names.unwrap_or_default();
    // Links add further names, with a slash in them; one that is being removed may have none.
    let own = names
        .iter()
        .map(|name| name.trim_start_matches('/'))
        .find(|name| !name.contains('/'));
    let name = own.unwrap_or(id.as_str()).to_owned();
    let state = match summary.state {
        Some(ContainerSummaryStateEnum::CREATED) => State::Created,
        Some(ContainerSummaryStateEnum::RUNNING) => State::Running,
        Some(ContainerSummaryStateEnum::EXITED) => State::Exited(None),
        _ => State::Other,
    };
    Some(Container::new(id, name, labels, state))
}

/// Measures a running container. `memory` leaves out file pages that the kernel can drop at once, as `docker stats`
/// does; the peak counts them.
pub(crate) async fn stats(engine: &Engine, cgroups: &Cgroups, id: &str) -> Result<Stats> {
    let measured = limits::one_shot(engine, id).await?;
    let mut stats = measure(&measured)
        .ok_or_else(|| error::error(ErrorKind::NotRunning, format!("container `{id}` is not running")))?;
    if stats.memory_peak.is_none() {
        // Engines do not pass on the peak of cgroup v2.
        stats.memory_peak = cgroups.of(engine, id).await.and_then(|cgroup| cgroup.memory_peak());
    }
    Ok(stats)
}

/// Returns `None` for a container that does not run, of which the engine measures nothing.
fn measure(measured: &ContainerStatsResponse) -> Option<Stats> {
    let pids = measured.pids_stats.as_ref()?.current.filter(|pids| *pids > 0)?;
    let memory = measured.memory_stats.as_ref()?;
    let usage = memory.usage?;
    let cache_of = |key: &str| memory.stats.as_ref()?.get(key).copied();
    let droppable = cache_of("total_inactive_file")
        .or_else(|| cache_of("inactive_file"))
        .unwrap_or(0);
    let cpu = measured.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage?;
    let mut stats = Stats::default();
    stats.cpu_time = Duration::from_nanos(cpu);
    stats.memory = usage.saturating_sub(droppable);
    stats.memory_peak = memory.max_usage.filter(|peak| *peak > 0);
    stats.pids = pids;
    Some(stats)
}

fn incomplete(what: &str) -> Error {
    error::error(
        ErrorKind::Unexpected,
        format!("the engine's description of {what} is incomplete"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_follow_the_engine() {
        for (json, expected) in [
            (r#"{"Status": "created", "ExitCode": 0}"#, State::Created),
            (r#"{"Status": "running", "ExitCode": 0}"#, State::Running),
            (r#"{"Status": "paused", "ExitCode": 0}"#, State::Other),
            (
                r#"{"Status": "exited", "ExitCode": 3, "OOMKilled": true}"#,
                State::Exited(Some(ExitStatus::from_code(3))),
            ),
            (
                r#"{"Status": "exited", "ExitCode": 137, "OOMKilled": true}"#,
                State::Exited(Some(ExitStatus::from_signal(Signal::KILL).with_oom_killed(true))),
            ),
        ] {
            assert_eq!(state(&serde_json::from_str(json).unwrap()), expected, "{json}");
        }
    }

    #[test]
    fn a_summary_has_its_own_name() {
        let json = r#"{"Id": "8f", "Names": ["/other/alias", "/me"], "State": "exited", "Labels": {"a": "b"}}"#;
        let container = describe_summary(serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!((container.name.as_str(), container.state), ("me", State::Exited(None)));
    }

    #[test]
    fn stats_are_the_containers_own() {
        let split = r#"{
            "cpu_stats": {"cpu_usage": {"total_usage": 1500000000}},
            "memory_stats": {
                "usage": 1000, "max_usage": 2000, "stats": {"total_inactive_file": 400, "inactive_file": 1}
            },
            "pids_stats": {"current": 3}
        }"#;
        let stats = measure(&serde_json::from_str(split).unwrap()).unwrap();
        assert_eq!((stats.cpu_time, stats.pids), (Duration::from_millis(1500), 3));
        assert_eq!((stats.memory, stats.memory_peak), (600, Some(2000)));
        let ended = r#"{"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}, "pids_stats": {}}"#;
        assert_eq!(measure(&serde_json::from_str(ended).unwrap()), None);
    }
}
