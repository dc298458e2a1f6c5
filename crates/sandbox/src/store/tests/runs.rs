use super::*;

#[tokio::test]
async fn a_run_is_recorded_from_beginning_to_end() {
    let (_directory, store) = store().await;
    let alice = owner("alice");
    store.create_sandbox(&alice, at(0)).await.unwrap();
    let run = new_run("r1", &alice, at(100));
    store.begin_run(&run).await.unwrap();
    assert!(store.begin_run(&run).await.is_err());
    let store = reopen(store).await;
    let in_flight = store.in_flight().await.unwrap();
    assert_eq!(in_flight.len(), 1);
    assert_eq!(
        (in_flight[0].kind, in_flight[0].container.as_deref()),
        (InFlightKind::Run, Some("inline-r1"))
    );
    let begun = store.run("r1").await.unwrap();
    assert_eq!(
        (begun.outcome, begun.source, begun.started),
        (None, run.source, at(100))
    );
    assert_eq!(begun.limits, serde_json::to_value(&run.limits).unwrap());

    store.end_run("r1", &outcome(at(102))).await.unwrap();
    assert_eq!(store.run("r1").await.unwrap().outcome, Some(outcome(at(102))));
    assert_eq!(store.sandbox(&alice).await.unwrap().last_used, at(102));
    assert_eq!(store.in_flight().await.unwrap().len(), 1);
    assert!(store.finish("r1").await.unwrap());
    assert!(!store.finish("r1").await.unwrap());

    // Ended twice, it is counted once.
    assert!(matches!(
        store.end_run("r1", &outcome(at(103))).await,
        Err(SandboxError::NotFound { what: "run", .. })
    ));
    assert!(matches!(
        store.end_run("r2", &outcome(at(103))).await,
        Err(SandboxError::NotFound { .. })
    ));
    let used = store.usage(&alice, at(102), at(102)).await.unwrap();
    assert_eq!(
        used,
        Usage {
            runs: 1,
            cpu: Duration::from_millis(700),
            wall: Duration::from_millis(1_500)
        }
    );
}

#[tokio::test]
async fn usage_is_by_day_and_outlives_the_sandbox() {
    let (_directory, store) = store().await;
    let alice = owner("alice");
    let one = Usage {
        runs: 1,
        cpu: Duration::from_secs(2),
        wall: Duration::from_secs(3),
    };
    store.create_sandbox(&alice, at(0)).await.unwrap();
    for (when, times) in [(at(86_399), 1), (at(86_400), 2), (at(172_799), 1), (at(172_800), 1)] {
        for _ in 0..times {
            store.add_usage(&alice, when, &one).await.unwrap();
        }
    }
    store.delete_sandbox(&alice).await.unwrap();
    assert_eq!(store.usage(&alice, at(90_000), at(90_000)).await.unwrap().runs, 3);
    assert_eq!(
        store.usage(&alice, at(0), at(200_000)).await.unwrap().cpu,
        Duration::from_secs(10)
    );
    assert_eq!(
        store.usage(&owner("bob"), at(0), at(200_000)).await.unwrap(),
        Usage::default()
    );

    assert_eq!(store.cpu_used_today(&alice).await.unwrap(), Duration::ZERO);
    store.add_usage(&alice, SystemTime::now(), &one).await.unwrap();
    assert_eq!(store.cpu_used_today(&alice).await.unwrap(), Duration::from_secs(2));
}

#[tokio::test]
async fn cpu_time_that_nobody_knows_counts_as_wall_time() {
    let (_directory, store) = store().await;
    store.begin_run(&new_run("r", &owner("a"), at(0))).await.unwrap();
    let wall = Duration::from_millis(1_500);
    let usage = RunUsage {
        wall,
        ..RunUsage::default()
    };
    let lost = RunOutcome {
        verdict: Verdict::Lost,
        usage,
        ended: at(2),
    };
    store.end_run("r", &lost).await.unwrap();
    assert_eq!(store.usage(&owner("a"), at(0), at(0)).await.unwrap().cpu, wall);
    assert_eq!(store.run("r").await.unwrap().outcome, Some(lost));
}

#[tokio::test]
async fn runs_are_listed_and_forgotten() {
    let (_directory, store) = store().await;
    for number in 0..6_u64 {
        let owner = owner(if number % 2 == 0 { "even" } else { "odd" });
        let id = number.to_string();
        store.begin_run(&new_run(&id, &owner, at(number))).await.unwrap();
        if number != 0 {
            store.end_run(&id, &outcome(at(number + 1))).await.unwrap();
        }
    }
    let ids = |runs: Vec<RunRecord>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(store.runs(None, at(100), 3).await.unwrap()), ["5", "4", "3"]);
    assert_eq!(ids(store.runs(None, at(3), 10).await.unwrap()), ["2", "1", "0"]);
    assert_eq!(
        ids(store.runs(Some(&owner("even")), at(100), 10).await.unwrap()),
        ["4", "2", "0"]
    );
    assert_eq!(store.sweep_runs(at(5)).await.unwrap(), 3);
    // What has not ended is not forgotten.
    assert_eq!(ids(store.runs(None, at(100), 10).await.unwrap()), ["5", "4", "0"]);
}

#[tokio::test]
async fn old_runs_are_forgotten_in_many_small_steps() {
    let (_directory, store) = store().await;
    sqlx::query(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)
         INSERT INTO runs (id, owner, place, language, source_sha256, limits, started_ms, ended_ms, verdict, wall_ms)
         SELECT n, 'local:a', '', '', '', '{}', n, n, 'ok', 1 FROM numbers",
    )
    .execute(&store.pool)
    .await
    .unwrap();
    assert_eq!(store.sweep_runs(at(3)).await.unwrap(), 2_500);
}

#[tokio::test]
async fn what_was_in_flight_is_found_after_a_restart() {
    let (_directory, store) = store().await;
    let kinds = [InFlightKind::Session, InFlightKind::Install, InFlightKind::Delete];
    let begun: Vec<InFlight> = (0_u64..)
        .zip(kinds)
        .map(|(number, kind)| InFlight {
            id: number.to_string(),
            kind,
            owner: owner("a"),
            instance: "test".to_owned(),
            container: None,
            started: at(number),
        })
        .collect();
    for one in &begun {
        store.begin(one).await.unwrap();
        assert!(store.begin(one).await.is_err());
    }
    let store = reopen(store).await;
    assert_eq!(store.in_flight().await.unwrap(), begun);
    for one in &begun {
        assert!(store.finish(&one.id).await.unwrap());
    }
    assert_eq!(store.in_flight().await.unwrap(), []);
}
