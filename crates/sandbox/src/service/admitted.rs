//! The way of a job through the queue.

use metrics::histogram;
use tokio::time::Instant;

use super::job::Job;
use super::{Inner, Progress};
use crate::{Permit, Result, metric};

/// Waits for a slot, and tells how far it is; `None` if the job is cancelled meanwhile.
pub(super) async fn admitted(inner: &Inner, job: &Job) -> Result<Option<Permit>> {
    let begun = Instant::now();
    let waiting = inner.admission.enqueue(&job.owner).await?;
    let mut position = waiting.position();
    let permit = waiting.permit();
    tokio::pin!(permit);
    loop {
        let place = *position.borrow_and_update();
        if place > 0 {
            job.mention(Progress::Queued { position: place });
        }
        tokio::select! {
            biased;
            () = job.cancel.cancelled() => return Ok(None),
            permit = &mut permit => {
                histogram!(metric::QUEUE_SECONDS).record(begun.elapsed().as_secs_f64());
                return permit.map(Some);
            }
            Ok(()) = position.changed() => {}
        }
    }
}
