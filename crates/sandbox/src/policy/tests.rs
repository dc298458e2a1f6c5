use proptest::option;
use proptest::prelude::*;

use super::*;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn nothing_asked_is_the_operators() {
    let limits = Limits {
        max_timeout: seconds(30),
        ..Limits::default()
    };
    assert_eq!(limits.narrow(&LimitRequest::default()).unwrap(), limits);
}

#[test]
fn a_timeout_may_pass_the_default_but_not_the_maximum() {
    let limits = Limits::default();
    for (asked, given) in [(5, 5), (60, 60), (120, 120), (3_600, 120)] {
        let request = LimitRequest {
            timeout: Some(seconds(asked)),
            ..LimitRequest::default()
        };
        assert_eq!(limits.narrow(&request).unwrap().timeout, seconds(given));
    }
}

#[test]
fn nonsense_is_refused_by_name() {
    let none = LimitRequest::default;
    for (limit, request) in [
        (
            "timeout",
            LimitRequest {
                timeout: Some(Duration::ZERO),
                ..none()
            },
        ),
        (
            "cpu_time",
            LimitRequest {
                cpu_time: Some(Duration::ZERO),
                ..none()
            },
        ),
        (
            "memory",
            LimitRequest {
                memory: Some(1024),
                ..none()
            },
        ),
        (
            "cpus",
            LimitRequest {
                nano_cpus: Some(1),
                ..none()
            },
        ),
        (
            "pids_limit",
            LimitRequest {
                pids_limit: Some(0),
                ..none()
            },
        ),
        (
            "output_kept",
            LimitRequest {
                output_kept: Some(0),
                ..none()
            },
        ),
        (
            "output_max",
            LimitRequest {
                output_max: Some(0),
                ..none()
            },
        ),
        (
            "tmpfs",
            LimitRequest {
                tmpfs: Some(0),
                ..none()
            },
        ),
    ] {
        match Limits::default().narrow(&request) {
            Err(SandboxError::InvalidLimit { limit: named, .. }) => assert_eq!(named, limit),
            other => panic!("{limit}: {other:?}"),
        }
    }
}

#[test]
fn no_more_is_kept_than_may_come() {
    let request = LimitRequest {
        output_max: Some(100),
        ..LimitRequest::default()
    };
    assert_eq!(Limits::default().narrow(&request).unwrap().output_kept, 100);
}

#[test]
fn the_operators_own_limits_are_checked() {
    let base = Limits::default;
    assert!(base().validate().is_ok());
    for (key, limits) in [
        ("limits.memory", Limits { memory: 0, ..base() }),
        (
            "limits.timeout",
            Limits {
                timeout: Duration::ZERO,
                ..base()
            },
        ),
        (
            "limits.max_timeout",
            Limits {
                max_timeout: seconds(1),
                ..base()
            },
        ),
        (
            "limits.output_max",
            Limits {
                output_max: 5,
                ..base()
            },
        ),
        (
            "limits.workspace_files",
            Limits {
                workspace_files: 0,
                ..base()
            },
        ),
    ] {
        match limits.validate() {
            Err(SandboxError::InvalidConfig { key: named, .. }) => assert_eq!(named, key),
            other => panic!("{key}: {other:?}"),
        }
    }
}

#[test]
fn a_source_has_a_bound() {
    let limits = Limits {
        source_bytes: 10,
        ..Limits::default()
    };
    assert!(limits.check_source(10).is_ok());
    assert!(matches!(
        limits.check_source(11),
        Err(SandboxError::SourceTooLarge { len: 11, max: 10 })
    ));
}

fn request() -> impl Strategy<Value = LimitRequest> {
    let span = || option::of((1_u64..10_000_000).prop_map(Duration::from_millis));
    let number = || option::of(MIN_NANO_CPUS..u64::MAX);
    (
        span(),
        span(),
        number(),
        number(),
        number(),
        number(),
        number(),
        number(),
    )
        .prop_map(
            |(timeout, cpu_time, memory, nano_cpus, pids_limit, output_kept, output_max, tmpfs)| LimitRequest {
                timeout,
                cpu_time,
                memory,
                nano_cpus,
                pids_limit,
                output_kept,
                output_max,
                tmpfs,
            },
        )
}

proptest! {
    #[test]
    fn no_request_widens_anything(one in request(), other in request()) {
        let limits = Limits::default();
        let once = limits.narrow(&one).unwrap();
        let twice = once.narrow(&other).unwrap();
        prop_assert!(once.timeout <= limits.max_timeout);
        prop_assert!(twice.timeout <= once.timeout);
        for (narrow, wide) in [(&once, &limits), (&twice, &once)] {
            prop_assert!(narrow.cpu_time <= wide.cpu_time);
            prop_assert!(narrow.memory <= wide.memory);
            prop_assert!(narrow.nano_cpus <= wide.nano_cpus);
            prop_assert!(narrow.pids_limit <= wide.pids_limit);
            prop_assert!(narrow.output_kept <= wide.output_kept);
            prop_assert!(narrow.output_max <= wide.output_max);
            prop_assert!(narrow.output_kept <= narrow.output_max);
            prop_assert!(narrow.tmpfs <= wide.tmpfs);
        }
    }
}
