//! What process 1 of a container says at the end of its program.

use std::str::SplitWhitespace;
use std::time::Duration;

use inline_runtime::{Capability, ContainerId, ContainerRuntime, ExitStatus, LimitMechanism, Signal, Stats};
use tokio::time::timeout;

use crate::Verdict;

/// How long a run may be held up by its measurement; a program that is to be killed runs on meanwhile.
pub(super) const STATS_PATIENCE: Duration = Duration::from_millis(60);

/// The end of a program as the supervisor tells it. Its numbers are hints: a program of the same user could lie about
/// itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) status: ExitStatus,
    pub(crate) cpu: Option<Duration>,
    pub(crate) peak_memory: Option<u64>,
    oom_kills: Option<u64>,
}

impl Report {
    /// Reads the line behind the mark, see `bootstrap/supervisor.sh`; `None` if it is no report.
    pub(crate) fn parse(line: &[u8], mechanism: LimitMechanism) -> Option<Self> {
        let mut words = str::from_utf8(line).ok()?.split_whitespace();
        let status = words.next()?.parse::<u8>().ok()?;
        let [nanos, micros, user, system, peak, oom_kills] = [(); 6].map(|()| number(&mut words));
        // A control group that binds nothing is not the container's own, so that its numbers are those of others.
        let own = |value: Option<u64>| value.filter(|_| mechanism == LimitMechanism::Cgroup);
        let of_group = own(nanos)
            .map(Duration::from_nanos)
            .or(own(micros).map(Duration::from_micros));
        let ticks = user.zip(system).map(|(user, system)| user.saturating_add(system));
        Some(Self {
            status: ExitStatus::from_shell_code(i64::from(status)),
            cpu: of_group.or(ticks.map(|ticks| Duration::from_millis(ticks.saturating_mul(10)))),
            peak_memory: own(peak),
            oom_kills: own(oom_kills),
        })
    }

    /// Fills in what the container could not see, as those cannot that are not shown their control group.
    pub(crate) async fn completed(mut self, runtime: &dyn ContainerRuntime, id: &ContainerId) -> Self {
        if self.peak_memory.is_none()
            && let Some(stats) = measure(runtime, id).await
        {
            self.cpu = Some(stats.cpu_time);
            self.peak_memory = stats.memory_peak;
            self.oom_kills = stats.oom_kills;
        }
        self
    }

    /// Returns the verdict, and whether the engine may know better.
    pub(crate) fn verdict(&self, cpu_time: Duration) -> (Verdict, bool) {
        let was_killed = self.status.signal() == Some(Signal::KILL);
        if self.status.is_success() {
            // What the kernel took from it the program has done without.
            return (Verdict::Ok, false);
        }
        if self.oom_kills.is_some_and(|kills| kills > 0) {
            return (Verdict::OutOfMemory, false);
        }
        if was_killed && self.cpu.is_some_and(|cpu| cpu >= cpu_time) {
            return (Verdict::CpuTime, false);
        }
        (Verdict::of_status(self.status), was_killed)
    }
}

/// Asks the engine what a container uses or has used; `None` if it does not tell soon.
pub(crate) async fn measure(runtime: &dyn ContainerRuntime, id: &ContainerId) -> Option<Stats> {
    if !runtime.capabilities().has(Capability::Stats) {
        return None;
    }
    timeout(STATS_PATIENCE, runtime.stats(id)).await.ok()?.ok()
}

fn number(words: &mut SplitWhitespace<'_>) -> Option<u64> {
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);

    fn read(line: &str) -> Option<Report> {
        Report::parse(line.as_bytes(), LimitMechanism::Cgroup)
    }

    #[test]
    fn each_version_of_control_groups_is_read() {
        let first = read(" 0 104455632 - 5 1 12275712 0").unwrap();
        assert_eq!(
            (first.cpu, first.peak_memory),
            (Some(Duration::from_nanos(104_455_632)), Some(12_275_712))
        );
        let second = read(" 0 - 90000 5 1 - -").unwrap();
        assert_eq!(
            (second.cpu, second.peak_memory),
            (Some(Duration::from_millis(90)), None)
        );
        let none = read(" 0 - - 5 1 - -").unwrap();
        assert_eq!(none.cpu, Some(Duration::from_millis(60)));
    }

    #[test]
    fn where_limits_are_not_control_groups_those_are_of_others() {
        let report = Report::parse(b" 137 900000000000 - 5 1 99 7", LimitMechanism::Rlimit).unwrap();
        assert_eq!(
            (report.cpu, report.peak_memory),
            (Some(Duration::from_millis(60)), None)
        );
        assert_eq!(report.verdict(LIMIT), (Verdict::Signal(Signal::KILL), true));
    }

    #[test]
    fn verdicts_follow_status_and_kernel() {
        for (line, verdict) in [
            ("0 1 - 0 0 1 0", (Verdict::Ok, false)),
            ("0 1 - 0 0 1 1", (Verdict::Ok, false)),
            ("7 1 - 0 0 1 0", (Verdict::NonZero(7), false)),
            ("1 1 - 0 0 1 1", (Verdict::OutOfMemory, false)),
            ("137 1 - 0 0 1 3", (Verdict::OutOfMemory, false)),
            ("137 1 - 0 0 1 0", (Verdict::Signal(Signal::KILL), true)),
            ("137 2000000001 - 0 0 1 0", (Verdict::CpuTime, false)),
            ("152 1 - 0 0 1 0", (Verdict::CpuTime, false)),
        ] {
            assert_eq!(read(line).unwrap().verdict(LIMIT), verdict, "{line}");
        }
    }

    #[test]
    fn what_is_no_report_is_none() {
        for line in ["", " ", " - 1", " 256 1", " x"] {
            assert_eq!(read(line), None, "{line:?}");
        }
        assert_eq!(read(" 3").map(|report| report.status.code()), Some(Some(3)));
    }
}
