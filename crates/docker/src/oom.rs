//! Telling a kill by the kernel's OOM killer from any other.
//!
//! The exit code is 137 for both. The engine's `OOMKilled` is for the main process only, and it stays once any process
//! of the container was killed so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::EventMessage;
use bollard::query_parameters::{EventsOptions, EventsOptionsBuilder};
use futures::{StreamExt, TryStreamExt};
use inline_runtime::Signal;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cgroup::{Cgroup, Cgroups};
use crate::engine::Engine;

/// What engines report for a process that was killed, by whomever.
pub(crate) const KILLED: i64 = 137;

const OOM: &str = "oom";
const KILL: &str = "kill";
/// How long the engine's event may come after the exit that it explains.
const EVENT_DELAY: Duration = Duration::from_millis(500);

/// Says whether the OOM killer ended the main process of a container, given that it was killed.
///
/// A container that is gone by now was killed by whoever removed it. The engine's flag misses a kill of which the engine
/// learns only after the exit, as it does on a slow host, so the log of events decides where it can.
pub(crate) async fn ended_main(engine: &Engine, id: &str) -> bool {
    let Ok(container) = engine.call(engine.client.inspect_container(id, None)).await else {
        return false;
    };
    let is_flagged = container.state.and_then(|state| state.oom_killed) == Some(true);
    if let Some(is_oom) = last_kill(engine, id).await {
        return is_oom;
    }
    if is_flagged {
        return true;
    }
    // Nobody is known to have killed it, so it is worth while to wait for the news.
    tokio::time::sleep(EVENT_DELAY).await;
    last_kill(engine, id).await == Some(true)
}

/// Says whether the last kill in a container was the OOM killer's, given that the engine flagged one of its kills.
pub(crate) async fn came_last(engine: &Engine, id: &str) -> bool {
    // Without an entry in the log the flag is all there is.
    last_kill(engine, id).await.unwrap_or(true)
}

/// Asks the log of events which kill came last in a container: the OOM killer's or one through the API; `None` if it
/// knows of neither.
async fn last_kill(engine: &Engine, id: &str) -> Option<bool> {
    let events = engine.client.events(Some(until_now(id)));
    is_oom_last(&engine.call(events.try_collect::<Vec<_>>()).await.ok()?)
}

/// Asks for what the engine still knows of kills in a container, and for nothing that is yet to come.
fn until_now(id: &str) -> EventsOptions {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventsOptionsBuilder::new()
        .since("1")
        .until(&format!("{}.{:09}", now.as_secs(), now.subsec_nanos()))
        .filters(&filters(id, &[OOM, KILL]))
        .build()
}

fn filters(id: &str, actions: &[&str]) -> HashMap<String, Vec<String>> {
    HashMap::from([
        ("type".to_owned(), vec!["container".to_owned()]),
        ("container".to_owned(), vec![id.to_owned()]),
        (
            "event".to_owned(),
            actions.iter().map(|action| (*action).to_owned()).collect(),
        ),
    ])
}

/// Compares the last OOM kill with the last kill through the API.
fn is_oom_last(events: &[EventMessage]) -> Option<bool> {
    let last = |is_wanted: &dyn Fn(&EventMessage) -> bool| {
        events
            .iter()
            .filter(|event| is_wanted(event))
            .filter_map(|event| event.time_nano)
            .max()
    };
    let is_oom = |event: &EventMessage| event.action.as_deref() == Some(OOM);
    let kill = Signal::KILL.number().to_string();
    let is_kill = |event: &EventMessage| {
        let attributes = event.actor.as_ref().and_then(|actor| actor.attributes.as_ref());
        let signal = attributes.and_then(|attributes| attributes.get("signal"));
        event.action.as_deref() == Some(KILL) && signal == Some(&kill)
    };
    match (last(&is_oom), last(&is_kill)) {
        (Some(oom), Some(kill)) => Some(oom > kill),
        (None, Some(_)) => Some(false),
        (Some(_), None) => Some(true),
        (None, None) => None,
    }
}

/// Watches for OOM kills in a container while an exec runs in it.
pub(crate) enum Watch {
    /// The kernel counts, and this is what it had counted before.
    Kernel { cgroup: Cgroup, before: u64 },
    /// The engine tells, from a subscription that ends with the value.
    Engine {
        seen: watch::Receiver<bool>,
        _subscription: JoinSet<()>,
    },
}

impl Watch {
    /// Begins to watch. Costs the read of one file where the kernel can be asked, else a connection of its own.
    pub(crate) async fn begin(engine: &Arc<Engine>, cgroups: &Cgroups, id: &str) -> Self {
        if let Some(cgroup) = cgroups.of(engine, id).await
            && let Some(before) = cgroup.oom_kills()
        {
            return Self::Kernel { cgroup, before };
        }
        let (sender, seen) = watch::channel(false);
        let options = EventsOptionsBuilder::new().filters(&filters(id, &[OOM])).build();
        let engine = Arc::clone(engine);
        let mut subscription = JoinSet::new();
        subscription.spawn(async move {
            let mut events = Box::pin(engine.client.events(Some(options)));
            while let Some(Ok(_)) = events.next().await {
                sender.send_replace(true);
            }
        });
        Self::Engine {
            seen,
            _subscription: subscription,
        }
    }

    /// Says whether the OOM killer came since then.
    pub(crate) async fn has_seen_oom(&mut self) -> bool {
        match self {
            Self::Kernel { cgroup, before } => cgroup.oom_kills().is_some_and(|now| now > *before),
            Self::Engine { seen, .. } => {
                let seen = tokio::time::timeout(EVENT_DELAY, seen.wait_for(|seen| *seen)).await;
                matches!(seen, Ok(Ok(_)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, time: i64, signal: &str) -> EventMessage {
        serde_json::from_value(serde_json::json!({
            "Action": action, "timeNano": time, "Actor": {"Attributes": {"signal": signal}},
        }))
        .unwrap()
    }

    #[test]
    fn a_later_kill_is_the_reason() {
        for (events, expected) in [
            (vec![], None),
            (vec![event("oom", 5, "")], Some(true)),
            (vec![event("kill", 9, "9")], Some(false)),
            (vec![event("oom", 5, ""), event("kill", 9, "9")], Some(false)),
            (vec![event("oom", 5, ""), event("kill", 9, "15")], Some(true)),
            (vec![event("kill", 3, "9"), event("oom", 5, "")], Some(true)),
        ] {
            assert_eq!(is_oom_last(&events), expected, "{events:?}");
        }
    }
}
