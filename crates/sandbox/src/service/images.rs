//! The images: each is pulled once, however many wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use inline_runtime::{ContainerRuntime, Error, ErrorKind, ImageId, ImageReference, PullEvent, PullOptions, Result};
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// How long the engine is not asked again what a reference means.
const KNOWN_FOR: Duration = Duration::from_secs(30);
/// How much of a pull waits for whoever watches it; more is missed.
const WATCHED: usize = 32;

/// Finds and pulls images.
pub(super) struct Images {
    runtime: Arc<dyn ContainerRuntime>,
    tasks: TaskTracker,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    known: HashMap<ImageReference, (ImageId, Instant)>,
    pulls: HashMap<ImageReference, Pull>,
}

/// A pull that goes on, whoever of those that wait for it goes away.
#[derive(Clone)]
struct Pull {
    events: broadcast::Sender<PullEvent>,
    end: watch::Receiver<Option<Result<ImageId, Arc<Error>>>>,
}

impl Images {
    pub(super) fn new(runtime: Arc<dyn ContainerRuntime>, tasks: TaskTracker) -> Self {
        Self {
            runtime,
            tasks,
            state: Arc::default(),
        }
    }

    /// Returns what `image` means, and pulls it if it is not there; `told` hears of that.
    pub(super) async fn ensure(&self, image: &ImageReference, told: impl Fn(PullEvent)) -> Result<ImageId> {
        if let Some((id, since)) = self.state().known.get(image)
            && since.elapsed() < KNOWN_FOR
        {
            return Ok(id.clone());
        }
        if let Some(found) = self.runtime.image(image).await? {
            self.state()
                .known
                .insert(image.clone(), (found.id.clone(), Instant::now()));
            return Ok(found.id);
        }
        self.pull(image, told).await
    }

    /// Forgets what a reference means, since the engine says otherwise.
    pub(super) fn forget(&self, image: &ImageReference) {
        self.state().known.remove(image);
    }

    async fn pull(&self, image: &ImageReference, told: impl Fn(PullEvent)) -> Result<ImageId> {
        let (pull, mut events) = self.join(image);
        let mut end = pull.end.clone();
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => told(event),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                ended = end.wait_for(Option::is_some) => {
                    drop(ended);
                    break;
                }
            }
        }
        while let Ok(event) = events.try_recv() {
            told(event);
        }
        let ended = end.borrow().clone();
        match ended {
            Some(Ok(id)) => Ok(id),
            Some(Err(error)) => Err(shared(error)),
            None => Err(Error::new(
                ErrorKind::Unexpected,
                format!("the pull of `{image}` was given up"),
            )),
        }
    }

    /// Joins the pull of `image` that goes on, or begins one.
    fn join(&self, image: &ImageReference) -> (Pull, broadcast::Receiver<PullEvent>) {
        let mut state = self.state();
        if let Some(pull) = state.pulls.get(image) {
            return (pull.clone(), pull.events.subscribe());
        }
        let (events, receiver) = broadcast::channel(WATCHED);
        let (sender, end) = watch::channel(None);
        let pull = Pull {
            events: events.clone(),
            end,
        };
        state.pulls.insert(image.clone(), pull.clone());
        let (runtime, shared, image) = (Arc::clone(&self.runtime), Arc::clone(&self.state), image.clone());
        drop(self.tasks.spawn(async move {
            let started = Instant::now();
            let ended = pulled(&*runtime, &image, &events).await;
            match &ended {
                Ok(id) => tracing::info!(%image, %id, took = ?started.elapsed(), "an image was pulled"),
                Err(error) => tracing::warn!(%image, %error, "an image was not pulled"),
            }
            {
                let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                state.pulls.remove(&image);
                if let Ok(id) = &ended {
                    state.known.insert(image, (id.clone(), Instant::now()));
                }
            }
            sender.send_replace(Some(ended.map_err(Arc::new)));
        }));
        (pull, receiver)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pulled(
    runtime: &dyn ContainerRuntime,
    image: &ImageReference,
    events: &broadcast::Sender<PullEvent>,
) -> Result<ImageId> {
    let mut pull = runtime.pull(image, PullOptions::default()).await?;
    while let Some(event) = pull.next().await {
        let event = event?;
        // Nobody may be watching.
        drop(events.send(event.clone()));
        if let PullEvent::Done(id) = event {
            return Ok(id);
        }
    }
    Err(Error::new(
        ErrorKind::Unexpected,
        format!("the pull of `{image}` ended without an image"),
    ))
}

/// Makes an error of one that several are told.
fn shared(error: Arc<Error>) -> Error {
    let mut copy = Error::new(error.kind(), error.message()).with_transient(error.is_transient());
    if let Some(driver) = error.driver() {
        copy = copy.with_driver(driver);
    }
    if let Some(operation) = error.operation() {
        copy = copy.with_operation(operation);
    }
    if let Some(hint) = error.hint() {
        copy = copy.with_hint(hint);
    }
    match std::error::Error::source(&*error) {
        Some(_) => copy.with_source(error),
        None => copy,
    }
}
