//! Follows a run with edits of its answer, as seldom as Discord wants them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use inline_sandbox::{Result, Run};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::answer::Answer;
use crate::bot::chain;
use crate::custom_id::CustomId;
use crate::message::{Message, Style};
use crate::show::Live;

/// When what goes on is shown first: most programs have ended by then.
const FIRST: Duration = Duration::from_secs(1);
/// How often it is shown again.
const INTERVAL: Duration = Duration::from_secs(3);

/// Follows `run` to its end, with a button for `user` to stop it.
///
/// # Cancellation
///
/// The run is cancelled; the answer stays as it was shown last.
pub(super) async fn follow<T>(mut run: Run<T>, live: Live, answer: &mut Answer, user: u64) -> Result<T> {
    let stop = CustomId::Stop {
        run: run.id().to_owned(),
        user,
    };
    let live = Arc::new(Mutex::new(live));
    let (tell, changes) = watch::channel(());
    let shown = Arc::clone(&live);
    let follow = async move {
        while let Some(progress) = run.next().await {
            live.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(progress, SystemTime::now());
            tell.send_replace(());
        }
        // From here on nothing is shown of what went on.
        drop(tell);
        run.outcome().await
    };
    // Beside each other, so that Discord's pace is not the program's.
    let (outcome, ()) = tokio::join!(follow, edit(answer, shown, changes, stop));
    outcome
}

/// Shows what goes on until nothing changes any more.
async fn edit(answer: &mut Answer, live: Arc<Mutex<Live>>, mut changes: watch::Receiver<()>, stop: CustomId) {
    let mut next = Instant::now() + FIRST;
    while changes.changed().await.is_ok() {
        tokio::select! {
            () = sleep_until(next) => {}
            () = ended(&mut changes) => break,
        }
        let content = live.lock().unwrap_or_else(PoisonError::into_inner).show();
        let message = Message::new(content).with_button("Stop", Style::Danger, &stop);
        if let Err(error) = answer.show(&message).await {
            tracing::debug!(error = chain(&error), "what goes on could not be shown");
        }
        next = Instant::now() + INTERVAL;
    }
}

async fn ended(changes: &mut watch::Receiver<()>) {
    while changes.changed().await.is_ok() {}
}
