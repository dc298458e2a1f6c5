//! The process that is nothing but a service, and measures that.

use std::io;

use inline::{Error, ErrorKind, Result};

use super::{deadline, event_delay, memory, output, packages, parallel, session_cell, soak, warm_run};
use crate::arguments::Arguments;
use crate::bench::{Bench, Choices};
use crate::family::Family;
use crate::figure::Figure;

/// Measures what the arguments name, and prints the figures for the parent.
pub(crate) async fn child(arguments: &Arguments) -> Result<()> {
    let (&[driver], &[family], Some(instance)) = (&*arguments.driver, &*arguments.figures, &arguments.instance) else {
        let message = "a process of the service needs one driver, one family and an instance";
        return Err(Error::new(ErrorKind::InvalidConfig, message));
    };
    let choices = Choices {
        image: arguments.image.clone(),
        python: arguments.python.clone(),
        instance: instance.clone(),
        quick: arguments.quick,
    };
    let mut bench = Bench::connect(driver, &choices).await?;
    if family == Family::Packages {
        allow_network(&mut bench).await?;
    }
    let figures = match family {
        Family::WarmRun => warm_runs(&bench).await,
        Family::SessionCell => session_cell::measure(&bench).await,
        Family::Deadline => deadline::measure(&bench).await,
        Family::EventDelay => event_delay::measure(&bench).await,
        Family::Output => output::measure(&bench).await,
        Family::Memory => memory::measure(&bench).await,
        Family::Packages => packages::measure(&bench).await,
        Family::Soak => soak::measure(&bench).await,
        Family::ColdRun | Family::Exec | Family::Parallel | Family::InlineRun => {
            Err("the figures are not the service's".into())
        }
    };
    let figures = figures
        .map_err(|error| Error::new(ErrorKind::Unexpected, "the service was not measured").with_source(error))?;
    serde_json::to_writer(io::stdout(), &figures)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "the figures cannot be told").with_source(error))
}

/// Lets containers have a network where there is none but this machine's.
async fn allow_network(bench: &mut Bench) -> Result<()> {
    if bench.driver() == "embedded" {
        bench.config.embedded.host_network = true;
        bench.runtime = inline::connect(&bench.config).await?;
    }
    Ok(())
}

/// Measures warm runs one at a time, then many at once.
async fn warm_runs(bench: &Bench) -> super::Result<Vec<Figure>> {
    let mut figures = warm_run::measure(bench).await?;
    figures.push(parallel::measure(bench).await?);
    Ok(figures)
}
