use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_in_two_stores_lose_nothing() {
    let (_directory, store) = store().await;
    let other = Store::open(store.path()).await.unwrap();
    let tasks = (0..100_u64).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let (owner, id) = (owner(&(number % 5).to_string()), number.to_string());
            store.ensure_sandbox(&owner, at(number)).await?;
            store.begin_run(&new_run(&id, &owner, at(number))).await?;
            store.end_run(&id, &outcome(at(number))).await?;
            store.finish(&id).await
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert!(task.await.unwrap().unwrap());
    }
    let used = store.usage(&owner("0"), at(0), at(0)).await.unwrap();
    assert_eq!((used.runs, used.cpu), (20, Duration::from_secs(14)));
    assert_eq!(store.sandboxes(None, 100).await.unwrap().len(), 5);
    assert_eq!(other.in_flight().await.unwrap(), []);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_nothing_half_done() {
    let (_directory, store) = store().await;
    for number in 0..40_u64 {
        let id = number.to_string();
        let run = new_run(&id, &owner("a"), at(number));
        let _ = tokio::time::timeout(Duration::from_micros(number * 50), store.begin_run(&run)).await;
    }
    let runs = store.runs(None, at(1_000), 100).await.unwrap();
    let mut recorded: Vec<_> = runs.into_iter().map(|run| run.id).collect();
    let mut in_flight: Vec<_> = store.in_flight().await.unwrap().into_iter().map(|one| one.id).collect();
    recorded.sort();
    in_flight.sort();
    assert_eq!(recorded, in_flight);
    store.create_sandbox(&owner("b"), at(0)).await.unwrap();
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for() {
    let (_directory, store) = store().await;
    let mut other = SqliteConnection::connect(&format!("sqlite://{}", store.path().display()))
        .await
        .unwrap();
    let transaction = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let name = owner("a");
    let made = store.create_sandbox(&name, at(0));
    let released = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        transaction.commit().await
    };
    let (made, released) = tokio::join!(made, released);
    released.unwrap();
    made.unwrap();
}
