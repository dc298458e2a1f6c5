//! What can be measured, by the names that `--figures` takes.

use std::time::Duration;

use clap::ValueEnum;
use inline::{Error, ErrorKind, Result};

use crate::bench::Bench;
use crate::figure::Figure;
use crate::{contract, embedded, inline_run, service};

/// Figures that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Family {
    /// A container for one program, from create to remove
    ColdRun,
    /// A further process in a container
    Exec,
    /// Runs per second of 1, 2, 4, 8 and 16 workers
    Parallel,
    /// The program `inline run` from start to end
    InlineRun,
    /// A run of the service in a container that was ready before
    WarmRun,
    /// A cell of a session
    SessionCell,
    /// From a deadline to the last process gone
    Deadline,
    /// From a program's print to our event
    EventDelay,
    /// A gibibyte of output
    Output,
    /// What the service takes of memory and CPU
    Memory,
    /// A package from the index and from the cache
    Packages,
    /// A thousand runs, and what grows with them
    Soak,
}

/// One family of one driver; the longest takes about two minutes.
const LIMIT: Duration = Duration::from_mins(6);

impl Family {
    /// Returns the name that the command line takes.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Measures the figures of the family.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Timeout`] if that does not end.
    /// - Whatever the driver or a floor fails with; there are no figures then.
    pub(crate) async fn measure(self, bench: &Bench) -> Result<Vec<Figure>> {
        let measured = async {
            match self {
                Self::ColdRun if bench.driver() == "embedded" => embedded::cold_run(bench).await,
                Self::Exec if bench.driver() == "embedded" => embedded::exec(bench).await,
                Self::ColdRun => contract::cold_run::measure(bench).await,
                Self::Exec => contract::exec::measure(bench).await,
                Self::Parallel => contract::parallel::measure(bench).await,
                Self::InlineRun => inline_run::measure(bench).await,
                _ => service::measure(self, bench).await,
            }
        };
        tokio::time::timeout(LIMIT, measured).await.unwrap_or_else(|_| {
            let seconds = LIMIT.as_secs();
            Err(Error::new(ErrorKind::Timeout, format!("no figure after {seconds} s")))
        })
    }
}
