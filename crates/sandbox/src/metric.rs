//! The names under which the service measures itself.

/// Counts runs and cells that ended, by `verdict` and `language`.
pub const RUNS: &str = "inline_runs_total";
/// Measures the time of the program itself, in seconds, by `language`.
pub const RUN_SECONDS: &str = "inline_run_seconds";
/// Measures the time from when a run has its slot to when its program is sent, in seconds, by `warm`.
pub const START_SECONDS: &str = "inline_start_seconds";
/// Measures the time in the queue, in seconds.
pub const QUEUE_SECONDS: &str = "inline_queue_seconds";
/// Holds how many runs have a slot.
pub const RUNNING: &str = "inline_running";
/// Holds how many runs wait for one.
pub const WAITING: &str = "inline_waiting";
/// Holds how many containers are in use, made ahead, being made or being removed.
pub const CONTAINERS: &str = "inline_containers";
/// Holds how many persistent interpreters there are.
pub const SESSIONS: &str = "inline_sessions";
/// Counts installations that ended, by `manager` and `verdict`.
pub const INSTALLS: &str = "inline_installs_total";
/// Counts containers that a sweep found with nobody using them.
pub const LEAKED: &str = "inline_leaked_containers_total";
/// Counts sandboxes that were removed since nobody used them.
pub const EXPIRED: &str = "inline_expired_sandboxes_total";
/// Counts runs that found a container made ahead.
pub const WARM_HITS: &str = "inline_warm_hits_total";
/// Counts runs that found none.
pub const WARM_MISSES: &str = "inline_warm_misses_total";
/// Counts runs whose container had died before it took the program, and which ran in another.
pub const WARM_DEAD: &str = "inline_warm_dead_total";
/// Counts containers made ahead that were removed unused, by `reason`: `room`, `idle`, `dead`, `dropped`.
pub const WARM_EVICTIONS: &str = "inline_warm_evictions_total";
/// Counts containers that could not be removed and are left to the next sweep.
pub const REMOVALS_FAILED: &str = "inline_removals_failed_total";
