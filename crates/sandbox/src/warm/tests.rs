use std::time::Duration;

use inline_fake::{Call, FakeRuntime, Fault, Operation};
use inline_runtime::{ContainerId, ContainerRuntime, ErrorKind, ListFilter, Signal, labels};
use tokio::time::sleep;

use super::*;
use crate::Verdict;
use crate::run::Purpose;
use crate::testing::{containers, fake, frame, limits, reader, spec};

struct Fixture {
    fake: FakeRuntime,
    pool: WarmPool,
}

impl Fixture {
    fn new(fake: FakeRuntime) -> Self {
        Self::with_config(fake, WarmConfig::default())
    }

    fn with_config(fake: FakeRuntime, config: WarmConfig) -> Self {
        let pool = WarmPool::new(containers(&fake), config);
        Self { fake, pool }
    }

    async fn replenish(&self, owner: &str) {
        self.pool.replenish(order(owner));
        self.settled().await;
    }

    async fn first_container(&self) -> ContainerId {
        self.fake.list(&ListFilter::default()).await.unwrap().remove(0).id
    }

    async fn settled(&self) {
        self.pool.containers.settled().await;
    }

    async fn run(&self, owner: &str) -> RunResult {
        let (sender, _collected) = reader();
        let (frame, limits) = (frame("print done"), limits());
        let mut control = RunControl::default();
        self.pool
            .run(&order(owner), &frame, &limits, &sender, &mut control)
            .await
            .unwrap()
    }

    fn creations(&self) -> usize {
        self.fake
            .calls()
            .iter()
            .filter(|call| matches!(call, Call::Create(_)))
            .count()
    }

    async fn running(&self) -> usize {
        let all = self.fake.list(&ListFilter::default()).await.unwrap();
        all.iter().filter(|container| container.state.is_running()).count()
    }
}

fn order(owner: &str) -> Order {
    Order::new(owner.parse().unwrap(), ImageId::new("1"), spec(owner, Purpose::Run))
}

fn config(max_containers: usize) -> WarmConfig {
    WarmConfig {
        max_containers,
        ..WarmConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_run_of_the_owner_takes_the_container_that_waits() {
    let fixture = Fixture::new(fake().build());
    assert!(!fixture.run("local:a").await.warm);
    fixture.replenish("local:a").await;
    fixture.replenish("local:a").await;
    assert_eq!((fixture.pool.len(), fixture.creations()), (1, 2));
    let result = fixture.run("local:a").await;
    assert_eq!(
        (result.verdict, result.warm, result.stdout.to_text().as_str()),
        (Verdict::Ok, true, "done")
    );
    assert_eq!((fixture.pool.len(), fixture.creations()), (0, 2));
    let role = |call: &Call| match call {
        Call::Create(spec) => spec.labels.get(labels::ROLE).cloned(),
        _ => None,
    };
    let roles: Vec<_> = fixture.fake.calls().iter().filter_map(role).collect();
    assert_eq!(roles, ["run", "warm"]);
}

#[tokio::test(start_paused = true)]
async fn it_serves_no_other_owner_image_or_limit() {
    let fixture = Fixture::new(fake().build());
    fixture.replenish("local:a").await;
    assert!(!fixture.run("local:b").await.warm);
    let mut other = order("local:a");
    other.image = ImageId::new("2");
    assert!(fixture.pool.claim(&other).await.is_none());
    let mut other = order("local:a");
    other.spec.memory = Some(64 << 20);
    assert!(fixture.pool.claim(&other).await.is_none());
    assert!(fixture.pool.claim(&order("local:a")).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_longest_waiting_makes_room() {
    let fixture = Fixture::with_config(fake().build(), config(2));
    for owner in ["local:a", "local:b", "local:c"] {
        fixture.replenish(owner).await;
    }
    assert_eq!((fixture.pool.len(), fixture.running().await), (2, 2));
    assert!(!fixture.run("local:a").await.warm);
    assert!(fixture.run("local:b").await.warm);

    let none = Fixture::with_config(fake().build(), config(0));
    none.replenish("local:a").await;
    assert_eq!(none.creations(), 0);

    let memory = WarmConfig {
        max_memory: 600 << 20,
        ..WarmConfig::default()
    };
    let fixture = Fixture::with_config(fake().build(), memory);
    for owner in ["local:a", "local:b", "local:c"] {
        fixture.replenish(owner).await;
    }
    assert_eq!(fixture.pool.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_used_goes() {
    let fixture = Fixture::new(fake().build());
    fixture.replenish("local:a").await;
    sleep(Duration::from_secs(599)).await;
    assert_eq!(fixture.pool.len(), 1);
    sleep(Duration::from_secs(2)).await;
    fixture.settled().await;
    assert_eq!((fixture.pool.len(), fixture.running().await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_dies_is_not_noticed() {
    let fixture = Fixture::new(fake().build());
    fixture.replenish("local:a").await;
    let id = fixture.first_container().await;
    fixture.fake.kill(&id, Signal::KILL).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(fixture.pool.len(), 0);
    let result = fixture.run("local:a").await;
    assert_eq!(
        (result.verdict, result.warm, fixture.creations()),
        (Verdict::Ok, false, 2)
    );

    // Its death comes to light only when the program is sent.
    fixture.replenish("local:a").await;
    let id = fixture.first_container().await;
    fixture.fake.kill(&id, Signal::KILL).await.unwrap();
    let result = fixture.run("local:a").await;
    assert_eq!(
        (result.verdict, result.warm, result.stdout.to_text().as_str()),
        (Verdict::Ok, false, "done")
    );
}

#[tokio::test(start_paused = true)]
async fn one_whose_connection_is_lost_is_not_noticed() {
    let fixture = Fixture::new(fake().with_fault(Operation::Start, 1, Fault::LoseAfter(0)).build());
    fixture.replenish("local:a").await;
    let result = fixture.run("local:a").await;
    assert_eq!((result.verdict, result.warm), (Verdict::Ok, false));
    fixture.settled().await;
    assert_eq!(fixture.running().await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_gone_also_while_it_is_made() {
    let fake = fake().with_latency(Operation::Create, Duration::from_secs(1)).build();
    let fixture = Fixture::new(fake);
    fixture.replenish("local:a").await;
    fixture.replenish("local:b").await;
    fixture.pool.drop_owner(&"local:a".parse().unwrap()).await;
    assert_eq!((fixture.pool.len(), fixture.running().await), (1, 1));
    fixture.pool.replenish(order("local:a"));
    fixture.pool.clear().await;
    fixture.settled().await;
    assert_eq!(
        (
            fixture.pool.len(),
            fixture.running().await,
            fixture.pool.containers.count()
        ),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_for_the_next_run_to_tell() {
    let fake = fake()
        .with_fault(Operation::Create, 1, Fault::Fail(ErrorKind::ResourceExhausted))
        .build();
    let fixture = Fixture::new(fake);
    fixture.replenish("local:a").await;
    assert!(fixture.pool.is_empty() && fixture.pool.state().making.is_empty());
    fixture.replenish("local:a").await;
    assert_eq!(fixture.pool.len(), 1);
}
