//! Tests of the tests: a runtime that breaks the contract in one way fails the case that is there for it.

use inline_conformance::{Suite, cases};
use inline_fake::Flaw;
use inline_runtime::Capability;
use inline_tests::fake::FakeSubject;

/// Says which case finds a flaw. Others may find it too.
fn finder(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::ExitLost | Flaw::ExitTwice | Flaw::ExitAlwaysZero => "exec::exit_codes",
        Flaw::SignalAsCode => "exec::signals",
        Flaw::StreamsSwapped | Flaw::StreamsMerged => "exec::streams_are_apart",
        Flaw::OutputTruncated => "exec::large_output",
        Flaw::OutputHeldBack => "exec::frame_like_bytes",
        Flaw::OutputReadAhead => "exec::back_pressure",
        Flaw::OutputAsText => "exec::split_characters",
        Flaw::InputNeverEnds => "exec::stdin_to_eof",
        Flaw::ExitLate => "exec::background_child",
        Flaw::CommandNotFoundAsExit => "exec::command_not_found",
        Flaw::LossAsExit => "engine::gone_mid_run",
        Flaw::NoTimeout => "engine::hung_is_timeout",
        Flaw::DropKills => "exec::drop_detaches",
        Flaw::OomUntold => "limits::memory_in_exec",
        Flaw::OomForEveryKill => "limits::oom_is_told_from_kill",
        Flaw::KillDoesNothing => "kill::signal_arrives",
        Flaw::KillIsPolite => "kill::ends_the_tree",
        Flaw::RemoveNotIdempotent | Flaw::RemoveReturnsEarly => "remove::twice",
        Flaw::RemoveWaits => "remove::running",
        Flaw::ListIgnoresFilter => "list::by_label",
        Flaw::ListRunningOnly => "list::any_state",
        Flaw::NameConflictIgnored => "create::name_taken",
        Flaw::FailureLeavesContainer => "create::failure_leaves_nothing",
        Flaw::DroppedCreationGoesOn => "create::dropped_future_leaves_nothing",
        Flaw::LabelsLost | Flaw::EnvIgnored => "create::spec_is_applied",
        Flaw::NewPrivilegesAllowed => "isolation::no_new_privileges",
        Flaw::CapabilitiesKept => "isolation::capabilities",
        Flaw::TmpfsExecutable => "isolation::tmpfs_noexec",
        Flaw::StateStale => "inspect::states",
        Flaw::StatsOfHost => "stats::measure_the_container",
        Flaw::PullAlwaysDone => "pull::missing_layer",
        Flaw::Ignores(capability) => proof_of(capability),
        other => panic!("no case is known to find {other:?}"),
    }
}

fn proof_of(capability: Capability) -> &'static str {
    match capability {
        Capability::Memory => "limits::memory",
        Capability::NanoCpus => "limits::nano_cpus",
        Capability::PidsLimit => "limits::pids_limit",
        Capability::Ulimits => "limits::ulimits",
        Capability::NetworkNone => "isolation::network_none",
        Capability::ReadonlyRootfs => "isolation::readonly_rootfs",
        Capability::BindMounts => "isolation::bind_mount",
        Capability::Volumes => "isolation::volume",
        Capability::TmpfsInodes => "limits::tmpfs_inodes",
        Capability::Seccomp => "isolation::seccomp_profile",
        Capability::UserNamespace => "isolation::keep_id",
        Capability::OciRuntime => "create::unknown_oci_runtime",
        Capability::Init => "isolation::init",
        other => panic!("no case is known to prove `{other}`"),
    }
}

/// Runs one case against a subject in a runtime of its own.
async fn run(subject: FakeSubject, name: &str) -> Result<(), String> {
    match cases().find(|case| case.name() == name) {
        Some(case) => Suite::new(subject).run(case).await,
        None => panic!("no case `{name}`"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_flaw_is_found() {
    let found = Flaw::ALL.iter().map(async |&flaw| {
        let subject = FakeSubject::capable().unwrap().with_flaw(flaw);
        (flaw, run(subject, finder(flaw)).await)
    });
    for (flaw, outcome) in futures::future::join_all(found).await {
        assert!(outcome.is_err(), "{flaw:?} passed `{}`", finder(flaw));
    }
}

/// What claims no capability and takes a spec all the same is found by the opposite of the case.
#[tokio::test(flavor = "multi_thread")]
async fn each_limit_that_is_ignored_though_absent_is_found() {
    let ignored = Flaw::ALL.iter().filter(|flaw| matches!(flaw, Flaw::Ignores(_)));
    let found = ignored.map(async |&flaw| {
        let subject = FakeSubject::bare().unwrap().with_flaw(flaw);
        (flaw, run(subject, finder(flaw)).await)
    });
    for (flaw, outcome) in futures::future::join_all(found).await {
        assert!(outcome.is_err(), "{flaw:?} passed the opposite of `{}`", finder(flaw));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_flaws_passes_without_them() {
    for &flaw in Flaw::ALL {
        let subject = FakeSubject::capable().unwrap();
        run(subject, finder(flaw)).await.unwrap();
    }
}
