use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Enqueue(u8),
    DropWaiting(usize),
    TakePermit(usize),
    DropPermit(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..4).prop_map(Step::Enqueue),
        1 => any::<usize>().prop_map(Step::DropWaiting),
        2 => any::<usize>().prop_map(Step::TakePermit),
        2 => any::<usize>().prop_map(Step::DropPermit),
    ]
}

/// Checks that no slot is free for someone who waits, and that no bound is passed.
fn check(admission: &Admission, waiting: &[Waiting], permits: &[Permit], running: usize, per_owner: usize) {
    let load = admission.load();
    let granted = waiting.iter().filter(|waiting| place(waiting) == 0).count();
    assert_eq!(
        load,
        Load {
            running: permits.len() + granted,
            waiting: waiting.len() - granted
        }
    );
    assert!(load.running <= running);
    let mut of: BTreeMap<&Owner, usize> = BTreeMap::new();
    for owner in permits.iter().map(Permit::owner) {
        *of.entry(owner).or_default() += 1;
    }
    for waiting in waiting.iter().filter(|waiting| place(waiting) == 0) {
        *of.entry(&waiting.place.owner).or_default() += 1;
    }
    assert!(of.values().all(|&count| count <= per_owner));
    for waiting in waiting.iter().filter(|waiting| place(waiting) > 0) {
        let own = of.get(&waiting.place.owner).copied().unwrap_or_default();
        assert!(
            load.running == running || own == per_owner,
            "a slot is free, but {waiting:?} waits"
        );
    }
    let mut places: Vec<usize> = waiting.iter().map(place).filter(|&place| place > 0).collect();
    places.sort_unstable();
    assert!(places.into_iter().eq(1..=load.waiting));
}

proptest! {
    #[test]
    fn no_wake_up_is_lost(steps in proptest::collection::vec(step(), 0..200), running in 1_usize..4, per_owner in 1_usize..3) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let admission = admission(&config(running, per_owner));
            let (mut waiting, mut permits) = (Vec::<Waiting>::new(), Vec::<Permit>::new());
            for step in steps {
                match step {
                    Step::Enqueue(name) => {
                        waiting.push(admission.enqueue(&owner(&name.to_string())).await.unwrap());
                    }
                    Step::DropWaiting(at) if !waiting.is_empty() => drop(waiting.remove(at % waiting.len())),
                    Step::DropPermit(at) if !permits.is_empty() => drop(permits.remove(at % permits.len())),
                    Step::TakePermit(at) if !waiting.is_empty() => {
                        let one = waiting.remove(at % waiting.len());
                        let is_granted = place(&one) == 0;
                        // One who has no slot yet is polled once and gives up.
                        match one.permit().now_or_never() {
                            Some(permit) => permits.push(permit.unwrap()),
                            None => assert!(!is_granted),
                        }
                    }
                    _ => {}
                }
                check(&admission, &waiting, &permits, running, per_owner);
            }
            permits.clear();
            while !waiting.is_empty() {
                let next = waiting.iter().position(|waiting| place(waiting) == 0).expect("somebody has a slot");
                drop(waiting.remove(next).permit().await.unwrap());
                check(&admission, &waiting, &permits, running, per_owner);
            }
            assert_eq!(admission.load(), Load { running: 0, waiting: 0 });
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_at_once_all_get_their_turn() {
    let admission = admission(&config(3, 2));
    let tasks = (0..400).map(|number| {
        let admission = admission.clone();
        tokio::spawn(async move {
            let waiting = admission.enqueue(&owner(&(number % 5).to_string())).await.unwrap();
            if number % 7 == 0 {
                // Polled for some time and then dropped.
                return tokio::time::timeout(Duration::from_micros(number), waiting.permit())
                    .await
                    .map(drop)
                    .ok();
            }
            let permit = waiting.permit().await.unwrap();
            assert!(admission.load().running <= 3);
            tokio::task::yield_now().await;
            drop(permit);
            Some(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(admission.load(), Load { running: 0, waiting: 0 });
}
