//! Takes turns: what is compared is measured in one run, so that all of it meets the same noise.

use std::time::Duration;

use futures::future::BoxFuture;
use inline::{ErrorKind, Result};

use crate::bench::Bench;
use crate::figure::{Figure, Floor, Goal};
use crate::report;
use crate::summary::Summary;

/// Rounds that are thrown away: caches fill, connections open.
const WARM_UP: usize = 3;

/// Does something once and says how long that took; a wrong answer is an error, and no sample.
pub(crate) type Turn<'a> = Box<dyn Fn() -> BoxFuture<'a, Result<Duration>> + Send + Sync + 'a>;

/// One figure of ours with all the floors that it is held against.
pub(crate) struct Contest<'a> {
    name: String,
    floors: Vec<(String, Option<Goal>)>,
    turns: Vec<Turn<'a>>,
}

pub(crate) fn turn<'a, F>(once: impl Fn() -> F + Send + Sync + 'a) -> Turn<'a>
where
    F: Future<Output = Result<Duration>> + Send + 'a,
{
    Box::new(move || Box::pin(once()))
}

impl<'a> Contest<'a> {
    pub(crate) fn new(name: impl Into<String>, ours: Turn<'a>) -> Self {
        Self {
            name: name.into(),
            floors: Vec::new(),
            turns: vec![ours],
        }
    }

    /// Adds a floor; the goal is of the ratio to it.
    #[must_use]
    pub(crate) fn beside(mut self, name: impl Into<String>, goal: Option<Goal>, floor: Turn<'a>) -> Self {
        self.floors.push((name.into(), goal));
        self.turns.push(floor);
        self
    }

    /// Measures ours and all floors; gives one figure for each floor that this machine has the program of.
    pub(crate) async fn measure(mut self, bench: &Bench) -> Result<Vec<Figure>> {
        for floor in (0..self.floors.len()).rev() {
            if !can_run(&self.floors[floor].0, self.turns[floor + 1]()).await? {
                self.floors.remove(floor);
                drop(self.turns.remove(floor + 1));
            }
        }
        let mut summaries = in_turn(bench.samples, &self.turns).await?.into_iter();
        let ours = summaries.next().map(Summary::of_durations);
        let floors = self.floors.into_iter().zip(summaries);
        let figures = floors
            .zip(ours.into_iter().cycle())
            .map(|(((name, goal), samples), ours)| {
                let floor = Floor::new(name, Summary::of_durations(samples));
                Figure::beside(self.name.as_str(), bench.driver(), ours, floor, goal)
            });
        Ok(figures.collect())
    }
}

/// Returns whether this machine has the program of a floor, which is tried once; says so if it has not.
pub(crate) async fn can_run(name: &str, floor: BoxFuture<'_, Result<Duration>>) -> Result<bool> {
    match floor.await {
        Err(error) if error.kind() == ErrorKind::CommandNotFound => {
            report::not_measured(name, &error);
            Ok(false)
        }
        tried => tried.map(|_| true),
    }
}

/// Lets each take its turn in every round, another one first each time: so none always finds the machine as the same
/// neighbour left it. Returns the samples of each.
pub(crate) async fn in_turn(samples: usize, turns: &[Turn<'_>]) -> Result<Vec<Vec<Duration>>> {
    let mut taken = vec![Vec::with_capacity(samples); turns.len()];
    for round in 0..samples + WARM_UP {
        for place in 0..turns.len() {
            let who = (round + place) % turns.len();
            let duration = turns[who]().await?;
            if round >= WARM_UP {
                taken[who].push(duration);
            }
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn everyone_is_first_in_turn_and_warm_up_is_no_sample() {
        let order = Mutex::new(Vec::new());
        let by = |name: &'static str, milliseconds| {
            let order = &order;
            turn(move || async move {
                order.lock().unwrap().push(name);
                Ok(Duration::from_millis(milliseconds))
            })
        };
        let taken = in_turn(1, &[by("ours", 1), by("floor", 2)]).await.unwrap();
        assert_eq!(taken, [[Duration::from_millis(1)], [Duration::from_millis(2)]]);
        let order = order.lock().unwrap();
        assert_eq!(order.len(), 2 * (1 + WARM_UP));
        assert_eq!(order[..4], ["ours", "floor", "floor", "ours"]);
    }
}
