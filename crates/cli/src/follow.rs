//! Follows what was asked of the service to its end.

use std::io;

use inline_sandbox::Run;

use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::print::Printer;

/// Passes on what `run` prints until it ends; a signal cancels it, and so does an output that nobody reads.
pub(crate) async fn follow<T>(mut run: Run<T>, printer: &mut Printer, interrupt: &Interrupt) -> Result<T> {
    interrupt.forward_to(run.canceller());
    while let Some(progress) = run.next().await {
        let shown = tokio::select! {
            biased;
            shown = printer.show(progress) => shown,
            () = interrupt.reader_patience() => Err(io::ErrorKind::TimedOut.into()),
        };
        if let Err(error) = shown {
            run.cancel();
            printer.close(error);
        }
    }
    Ok(run.outcome().await?)
}
