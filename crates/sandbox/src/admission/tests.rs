mod random;

use std::num::{NonZeroU32, NonZeroUsize};

use async_trait::async_trait;
use futures::FutureExt;
use tokio::time::{advance, sleep};

use super::*;

/// Says that every owner has used the same today.
#[derive(Debug, Default)]
struct Used(Mutex<Duration>);

#[async_trait]
impl CpuUsage for Used {
    async fn cpu_used_today(&self, _: &Owner) -> Result<Duration> {
        Ok(*self.0.lock().unwrap())
    }
}

fn config(running: usize, per_owner: usize) -> AdmissionConfig {
    AdmissionConfig {
        max_running: NonZeroUsize::new(running).unwrap(),
        max_running_per_owner: NonZeroUsize::new(per_owner).unwrap(),
        queue_length: 1_000,
        queue_length_per_owner: 1_000,
        rate_limit: crate::RateLimit {
            runs: NonZeroU32::new(1_000_000).unwrap(),
            ..crate::RateLimit::default()
        },
        ..AdmissionConfig::default()
    }
}

fn admission(config: &AdmissionConfig) -> Admission {
    Admission::new(config, Arc::new(Used::default()))
}

fn owner(name: &str) -> Owner {
    Owner::new("local", name).unwrap()
}

fn place(waiting: &Waiting) -> usize {
    *waiting.position().borrow()
}

fn reason(result: Result<impl fmt::Debug>) -> (BusyReason, Duration) {
    match result {
        Err(SandboxError::Busy { reason, retry_after }) => (reason, retry_after),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_permit_goes_to_the_next_when_dropped() {
    let admission = admission(&config(1, 1));
    let first = admission.acquire(&owner("a")).await.unwrap();
    assert_eq!(first.owner(), &owner("a"));
    let second = admission.enqueue(&owner("b")).await.unwrap();
    assert_eq!((place(&second), admission.load()), (1, Load { running: 1, waiting: 1 }));
    let mut position = second.position();
    drop(first);
    position.changed().await.unwrap();
    assert_eq!(*position.borrow(), 0);
    let second = second.permit().await.unwrap();
    assert_eq!(admission.load(), Load { running: 1, waiting: 0 });
    drop(second);
    assert_eq!(admission.load(), Load { running: 0, waiting: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_hundred_of_one_do_not_delay_anothers_first() {
    let admission = admission(&config(1, 1));
    let running = admission.acquire(&owner("a")).await.unwrap();
    let mut many = Vec::new();
    for _ in 0..100 {
        many.push(admission.enqueue(&owner("a")).await.unwrap());
    }
    let other = admission.enqueue(&owner("b")).await.unwrap();
    assert_eq!(place(&other), 2);
    assert_eq!((place(&many[0]), place(&many[1]), place(&many[99])), (1, 3, 101));
    drop(running);
    assert_eq!((place(&many[0]), place(&other)), (0, 1));
    drop(many.remove(0));
    assert_eq!((place(&other), place(&many[0])), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn within_an_owner_the_first_is_first() {
    let admission = admission(&config(1, 1));
    let mut running = admission.acquire(&owner("a")).await.unwrap();
    let mut line = Vec::new();
    for _ in 0..5 {
        line.push(admission.enqueue(&owner("a")).await.unwrap());
    }
    for waiting in line {
        assert!(place(&waiting) == 1);
        drop(running);
        running = waiting.permit().now_or_never().unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_at_its_bound_is_passed_over() {
    let admission = admission(&config(3, 1));
    let first = admission.acquire(&owner("a")).await.unwrap();
    let held_up = admission.enqueue(&owner("a")).await.unwrap();
    let other = admission.acquire(&owner("b")).now_or_never().unwrap().unwrap();
    assert_eq!(place(&held_up), 1);
    drop(other);
    assert_eq!(place(&held_up), 1);
    drop(first);
    assert_eq!(place(&held_up), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_leaves_the_queue() {
    let admission = admission(&config(1, 1));
    let running = admission.acquire(&owner("a")).await.unwrap();
    let gone = admission.enqueue(&owner("b")).await.unwrap();
    let last = admission.enqueue(&owner("c")).await.unwrap();
    assert_eq!(place(&last), 2);
    let mut waiting = Box::pin(gone.permit());
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(waiting);
    assert_eq!(place(&last), 1);
    let granted = admission.enqueue(&owner("d")).await.unwrap();
    drop(running);
    assert_eq!(place(&last), 0);
    // It has its slot, but nobody took it.
    drop(last);
    assert_eq!(place(&granted), 0);
}

#[tokio::test(start_paused = true)]
async fn waiting_has_an_end() {
    let admission = admission(&config(1, 1));
    let running = admission.acquire(&owner("a")).await.unwrap();
    let begin = Instant::now();
    let (reason, retry_after) = reason(admission.acquire(&owner("b")).await);
    assert_eq!(begin.elapsed(), Duration::from_mins(1));
    assert_eq!(
        reason,
        BusyReason::QueueTimeout {
            waited: Duration::from_mins(1)
        }
    );
    assert!(retry_after >= Duration::from_secs(1));
    assert_eq!(admission.load(), Load { running: 1, waiting: 0 });
    drop(running);
}

#[tokio::test(start_paused = true)]
async fn lines_have_a_length() {
    let mut config = config(1, 1);
    (config.queue_length, config.queue_length_per_owner) = (3, 2);
    let admission = admission(&config);
    let running = admission.acquire(&owner("a")).await.unwrap();
    let line = [
        admission.enqueue(&owner("a")).await.unwrap(),
        admission.enqueue(&owner("a")).await.unwrap(),
    ];
    assert_eq!(
        reason(admission.enqueue(&owner("a")).await).0,
        BusyReason::OwnerQueueFull {
            owner: owner("a"),
            waiting: 2
        }
    );
    let other = admission.enqueue(&owner("b")).await.unwrap();
    assert_eq!(
        reason(admission.enqueue(&owner("c")).await).0,
        BusyReason::QueueFull { waiting: 3 }
    );
    drop((running, line, other));
    assert_eq!(admission.load(), Load { running: 0, waiting: 0 });
}

#[tokio::test(start_paused = true)]
async fn where_nothing_may_wait_a_free_slot_is_still_given() {
    let mut config = config(2, 1);
    (config.queue_length, config.queue_length_per_owner) = (0, 0);
    let admission = admission(&config);
    let first = admission.acquire(&owner("a")).await.unwrap();
    assert!(matches!(
        reason(admission.acquire(&owner("a")).await).0,
        BusyReason::OwnerQueueFull { .. }
    ));
    let second = admission.acquire(&owner("b")).await.unwrap();
    drop((first, second));
}

#[tokio::test(start_paused = true)]
async fn an_owner_who_asks_too_often_is_told_when_to_come_back() {
    let mut config = config(8, 8);
    config.rate_limit = crate::RateLimit {
        runs: NonZeroU32::new(3).unwrap(),
        period: Duration::from_secs(30),
    };
    let admission = admission(&config);
    for _ in 0..3 {
        drop(admission.acquire(&owner("a")).await.unwrap());
    }
    let (refused, retry_after) = reason(admission.acquire(&owner("a")).await);
    assert!(matches!(refused, BusyReason::RateLimited { allowed: 3, .. }));
    assert_eq!(retry_after, Duration::from_secs(10));
    drop(admission.acquire(&owner("b")).await.unwrap());
    advance(Duration::from_secs(9)).await;
    assert!(admission.acquire(&owner("a")).await.is_err());
    advance(Duration::from_secs(1)).await;
    drop(admission.acquire(&owner("a")).await.unwrap());
    assert!(admission.acquire(&owner("a")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn owners_who_come_once_are_forgotten() {
    let rates = OwnerRates::new(&AdmissionConfig::default().rate_limit);
    for number in 0..5_000 {
        rates.check(&owner(&number.to_string())).unwrap();
        advance(Duration::from_millis(100)).await;
    }
    assert!(rates.remembered() < 2_500, "{}", rates.remembered());
}

#[tokio::test(start_paused = true)]
async fn a_days_cpu_time_is_checked_before_and_after_waiting() {
    let used = Arc::new(Used::default());
    let admission = Admission::new(&config(1, 1), Arc::<Used>::clone(&used));
    let running = admission.acquire(&owner("a")).await.unwrap();
    let waiting = admission.enqueue(&owner("a")).await.unwrap();
    *used.0.lock().unwrap() = Duration::from_hours(1);
    drop(running);
    for result in [waiting.permit().await, admission.acquire(&owner("a")).await] {
        let (reason, retry_after) = reason(result);
        assert!(matches!(reason, BusyReason::DailyCpu { .. }));
        assert!(retry_after > Duration::ZERO && retry_after <= Duration::from_hours(24));
    }
    assert_eq!(admission.load(), Load { running: 0, waiting: 0 });
}

#[tokio::test(start_paused = true)]
async fn closing_sends_away_whoever_waits() {
    let admission = admission(&config(1, 1));
    let running = admission.acquire(&owner("a")).await.unwrap();
    let waiting = admission.enqueue(&owner("b")).await.unwrap();
    admission.close();
    assert_eq!(reason(waiting.permit().await).0, BusyReason::ShuttingDown);
    assert_eq!(reason(admission.acquire(&owner("c")).await).0, BusyReason::ShuttingDown);
    assert_eq!(admission.load(), Load { running: 1, waiting: 0 });
    drop(running);
    assert_eq!(admission.load(), Load { running: 0, waiting: 0 });
}

#[tokio::test(start_paused = true)]
async fn the_time_to_come_back_follows_how_long_runs_take() {
    let mut config = config(1, 1);
    config.queue_length_per_owner = 0;
    let admission = admission(&config);
    for _ in 0..50 {
        let permit = admission.acquire(&owner("a")).await.unwrap();
        sleep(Duration::from_secs(40)).await;
        drop(permit);
    }
    let permit = admission.acquire(&owner("a")).await.unwrap();
    let (_, retry_after) = reason(admission.acquire(&owner("a")).await);
    assert!(
        retry_after > Duration::from_secs(35) && retry_after < Duration::from_secs(45),
        "{retry_after:?}"
    );
    drop(permit);
}
