//! Runs cases against a subject, each in a world of its own that is taken down afterwards.

use std::any::Any;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use inline_runtime::{Capability, ContainerRuntime, ContainerRuntimeExt, ListFilter};
use libtest_mimic::{Completion, Failed, Trial};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::JoinError;
use tokio::time::timeout;

use crate::bench::{Bench, random_token};
use crate::case::{Case, Need, cases};
use crate::failure::{Failure, Outcome, chain};
use crate::opposite;
use crate::subject::{Fixture, Subject};

/// How long a case may take on a fast machine.
const CASE_TIME: Duration = Duration::from_mins(1);
/// How long it may take on a fast machine to remove what a case left.
const CLEAN_UP_TIME: Duration = Duration::from_secs(30);
/// How long it may take on a fast machine to connect, and to pull the shell image.
const CONNECT_TIME: Duration = Duration::from_mins(2);

/// The cases, against one subject.
///
/// All cases share one connection, made when the first of them runs. Each case has a time limit of 60 s times the
/// subject's patience, and an instance label of its own; whatever carries it is removed afterwards, also when the case
/// panicked or took too long, and the case fails if anything still carries it then.
#[derive(Debug)]
pub struct Suite {
    subject: Arc<dyn Subject>,
    run_label: String,
    connection: OnceCell<Result<Arc<dyn ContainerRuntime>, String>>,
}

impl Suite {
    /// Creates a suite; connects to nothing yet.
    pub fn new(subject: impl Subject) -> Self {
        Self {
            subject: Arc::new(subject),
            run_label: random_token(),
            connection: OnceCell::new(),
        }
    }

    /// Returns every case as a trial named `subject::area::case`, to be run by [`libtest_mimic`] on threads of its
    /// own while `handle`'s runtime does the work. `handle` must be of a multi-threaded runtime.
    ///
    /// Cases that need what the subject leaves out show as ignored, with the reason.
    pub fn trials(self: &Arc<Self>, handle: &Handle) -> Vec<Trial> {
        let trial = |case: &'static Case| {
            let (suite, handle) = (Arc::clone(self), handle.clone());
            let name = format!("{}::{}", self.subject.name(), case.name());
            Trial::ignorable_test(name, move || match suite.left_out(case) {
                Some(why) => Ok(Completion::ignored_with(why)),
                None => match handle.block_on(suite.run(case)) {
                    Ok(()) => Ok(Completion::Completed),
                    Err(message) => Err(Failed::from(message)),
                },
            })
        };
        cases().map(trial).collect()
    }

    /// Returns why a case cannot run against this subject, if so.
    pub fn left_out(&self, case: &Case) -> Option<&str> {
        fn why<T>(fixture: &Fixture<T>) -> Option<&str> {
            match fixture {
                Fixture::Present(_) => None,
                Fixture::LeftOut { why } => Some(why),
            }
        }
        let fixtures = self.subject.fixtures();
        match case.needs()? {
            Need::Registry => why(&fixtures.registry),
            Need::HostDirectory => why(&fixtures.host_directory),
            Need::Volume => why(&fixtures.volume),
            Need::SeverableConnection => why(&fixtures.severable),
        }
    }

    /// Runs one case and takes down what it made.
    ///
    /// # Errors
    ///
    /// - What the case found, in words, and what it left behind.
    pub async fn run(&self, case: &'static Case) -> Result<(), String> {
        let runtime = self.connected().await?;
        let bench = Arc::new(Bench::new(runtime, Arc::clone(&self.subject), &self.run_label));
        let found = self.prove(case, &bench).await;
        let cleaned = bounded(CLEAN_UP_TIME * self.subject.patience(), bench.clean_up()).await;
        match (found, cleaned) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(failure), Ok(())) | (Ok(()), Err(failure)) => Err(failure.into_message()),
            (Err(failure), Err(cleaning)) => Err(format!(
                "{}\nthen the clean-up: {}",
                failure.into_message(),
                cleaning.into_message()
            )),
        }
    }

    /// Lists the containers that any case of this suite left on the engine; nothing if none was run.
    ///
    /// # Errors
    ///
    /// - What the driver says if it cannot list.
    pub async fn left_behind(&self) -> Result<Vec<String>, String> {
        let Some(Ok(runtime)) = self.connection.get() else {
            return Ok(Vec::new());
        };
        let filter = ListFilter::default().with_label(Bench::RUN_LABEL, &self.run_label);
        let left = runtime.list(&filter).await.map_err(|error| chain(&error))?;
        Ok(left.into_iter().map(|container| container.name).collect())
    }

    async fn prove(&self, case: &'static Case, bench: &Arc<Bench>) -> Outcome {
        let absent = case
            .requires()
            .filter(|capability| !bench.runtime.capabilities().has(*capability));
        let limit = CASE_TIME * self.subject.patience();
        let in_task = Arc::clone(bench);
        let mut task = tokio::spawn(async move {
            match absent {
                Some(capability) => opposite::is_refused(&in_task, capability).await,
                None => case.prove(&in_task).await,
            }
        });
        if let Ok(joined) = timeout(limit, &mut task).await {
            return joined.unwrap_or_else(|error| Err(panicked(error)));
        }
        task.abort();
        // Its end is awaited, so that nothing is made while the clean-up looks.
        drop(task.await);
        Err(took_longer_than(limit))
    }

    async fn connected(&self) -> Result<Arc<dyn ContainerRuntime>, String> {
        let connect = async {
            let limit = CONNECT_TIME * self.subject.patience();
            let connect = async {
                let runtime = self.subject.connect().await?;
                if runtime.capabilities().has(Capability::Pull) {
                    runtime.ensure_image(&self.subject.fixtures().shell).await?;
                }
                Ok(runtime)
            };
            bounded(limit, connect).await.map_err(Failure::into_message)
        };
        self.connection.get_or_init(|| connect).await.clone()
    }
}

async fn bounded<T>(limit: Duration, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(took_longer_than(limit)))
}

fn took_longer_than(limit: Duration) -> Failure {
    Failure::new(format_args!("took longer than {limit:?}"))
}

fn panicked(error: JoinError) -> Failure {
    let text = |payload: Box<dyn Any + Send>| {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default()
    };
    let message: &dyn Display = match error.try_into_panic() {
        Ok(payload) => &format!("panicked: {}", text(payload)),
        Err(cancelled) => &cancelled.to_string(),
    };
    Failure::new(message)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use inline_fake::{FakeRuntime, Fault, Operation};
    use inline_runtime::{ErrorKind, ImageId, Result};

    use super::*;
    use crate::subject::{Fixtures, Severable};

    /// A subject on which every container runs for ever.
    #[derive(Debug)]
    struct Idle(FakeRuntime, Fixtures);

    impl Idle {
        fn new() -> Self {
            let image = "shell".parse().unwrap();
            let fake = FakeRuntime::builder()
                .with_image(&image, ImageId::new("0"))
                .with_program("idle", |_| std::future::pending());
            Self(fake.build(), Fixtures::shell_only(image, "there is but one image"))
        }
    }

    #[async_trait]
    impl Subject for Idle {
        fn name(&self) -> &'static str {
            "idle"
        }

        async fn connect(&self) -> Result<Arc<dyn ContainerRuntime>> {
            Ok(Arc::new(self.0.clone()))
        }

        async fn connect_severable(&self) -> Result<Severable> {
            unreachable!("the fixtures leave it out")
        }

        fn fixtures(&self) -> &Fixtures {
            &self.1
        }

        fn patience(&self) -> u32 {
            1
        }
    }

    const PANICKING: Case = Case::new("test::panicking", |bench| {
        Box::pin(async {
            bench.idle().await?;
            panic!("on purpose");
        })
    });
    const HANGING: Case = Case::new("test::hanging", |bench| {
        Box::pin(async {
            bench.idle().await?;
            std::future::pending().await
        })
    });
    const LEAVING: Case = Case::new("test::leaving", |bench| {
        Box::pin(async { bench.idle().await.map(drop) })
    });

    async fn run(case: &'static Case, subject: Idle) -> (Result<(), String>, usize) {
        let fake = subject.0.clone();
        let outcome = Suite::new(subject).run(case).await;
        (outcome, fake.list(&ListFilter::default()).await.unwrap().len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_case_that_panics_leaves_nothing() {
        let (outcome, left) = run(&PANICKING, Idle::new()).await;
        assert!(outcome.unwrap_err().starts_with("panicked: on purpose"));
        assert_eq!(left, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_case_that_hangs_is_ended_and_leaves_nothing() {
        let (outcome, left) = run(&HANGING, Idle::new()).await;
        assert!(outcome.unwrap_err().starts_with("took longer than 60s"));
        assert_eq!(left, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_case_may_leave_its_containers_to_the_suite() {
        assert_eq!(run(&LEAVING, Idle::new()).await, (Ok(()), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_removed_fails_the_case() {
        let subject = Idle::new();
        subject.0.inject(Operation::Remove, Fault::Fail(ErrorKind::Unexpected));
        let (outcome, left) = run(&LEAVING, subject).await;
        assert!(outcome.is_err());
        assert_eq!(left, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_cannot_be_reached_fails_each_case_with_the_reason() {
        let subject = Idle::new();
        subject.0.sever();
        let suite = Suite::new(subject);
        for _ in 0..2 {
            let reason = suite.run(&LEAVING).await.unwrap_err();
            assert!(reason.contains("the connection to the engine was lost"), "{reason}");
        }
    }

    #[test]
    fn what_a_subject_leaves_out_is_told_with_the_reason() {
        let suite = Suite::new(Idle::new());
        let left_out: Vec<_> = cases().filter_map(|case| suite.left_out(case)).collect();
        assert!(!left_out.is_empty() && left_out.iter().all(|why| *why == "there is but one image"));
    }
}
