//! A whole run of the benchmark: driver by driver, family by family.

use std::process::ExitCode;

use clap::ValueEnum;
use inline::{DriverChoice, Error, ErrorKind, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Arguments;
use crate::bench::{Bench, Choices};
use crate::family::Family;
use crate::report::{self, Report};
use crate::service;

/// Measures what was asked for and reports it; fails if any of that could not be measured.
///
/// # Errors
///
/// - [`ErrorKind::InvalidConfig`] if the settings of a driver are wrong.
/// - [`ErrorKind::Unexpected`] if a report cannot be written.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    if arguments.service_child {
        return service::child(&arguments).await.map(|()| ExitCode::SUCCESS);
    }
    let choices = Choices {
        image: arguments.image.clone(),
        python: arguments.python.clone(),
        instance: format!("inline-bench-{}", std::process::id()),
        quick: arguments.quick,
    };
    let named = !arguments.driver.is_empty();
    let drivers = if named {
        arguments.driver.clone()
    } else {
        vec![DriverChoice::Docker, DriverChoice::Podman, DriverChoice::Embedded]
    };
    let mut report = Report::new(arguments.quick);
    for driver in drivers {
        match Bench::connect(driver, &choices).await {
            Ok(bench) => {
                report.add_engine(&bench.runtime.info().await?);
                measure(&bench, &arguments.figures, &mut report).await?;
            }
            Err(error) if named => report.leave_out(driver.name(), &error),
            Err(error) => report::not_measured(driver.name(), &error),
        }
    }
    report.print();
    if let Some(path) = &arguments.json {
        report.write_json(path)?;
    }
    if let Some(directory) = &arguments.docs {
        report.write_docs(directory)?;
    }
    Ok(if report.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Measures one driver and removes whatever that leaves, also when it is interrupted.
async fn measure(bench: &Bench, chosen: &[Family], report: &mut Report) -> Result<()> {
    let all = Family::value_variants();
    for &family in if chosen.is_empty() { all } else { chosen } {
        let what = format!("{} {}", bench.driver(), family.name());
        eprintln!("measuring: {what}");
        let measured = tokio::select! {
            measured = family.measure(bench) => measured,
            interrupted = interrupted() => {
                bench.sweep().await?;
                return Err(interrupted?);
            }
        };
        match measured {
            Ok(figures) => figures.into_iter().for_each(|figure| report.add(figure)),
            Err(error) => {
                report.leave_out(&what, &error);
                // What was measured before is not to be lost over an engine that is gone.
                if let Err(error) = bench.sweep().await {
                    report::not_measured("what is left behind", &error);
                }
            }
        }
    }
    Ok(())
}

/// Waits until somebody wants this to end.
async fn interrupted() -> Result<Error> {
    let listen = |kind| {
        signal(kind).map_err(|error| Error::new(ErrorKind::Unexpected, "cannot listen for signals").with_source(error))
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(Error::new(ErrorKind::Unexpected, "interrupted; nothing is reported"))
}
