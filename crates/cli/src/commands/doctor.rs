//! `inline doctor`: whether runs are safe here, and the cure where they are not.

mod needs;
mod report;
mod trial;

use std::collections::BTreeMap;

use inline::{ContainerRuntime, Detection, Image, ImageReference, LimitMechanism};
use inline_sandbox::Language;

use crate::exit;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::open::Setup;
use crate::print::print;

use self::report::Report;
use self::trial::Trial;

pub(crate) async fn run(setup: &Setup, interrupt: &Interrupt) -> Result<u8> {
    let mut report = Report::default();
    let detection = match interrupt.bound(setup.engine()).await {
        Ok(detection) => detection,
        Err(Failure::Interrupted) => return Err(Failure::Interrupted),
        Err(failure) => {
            report.problem("engine", &failure.text());
            return finish(report).await;
        }
    };
    let asked = async {
        let languages = match engine(&mut report, &detection).await {
            Some(image) => setup.sandbox.clone().with_host_image(&image).languages()?,
            None => setup.sandbox.languages()?,
        };
        let images = images(&mut report, &*detection.runtime, &languages).await;
        Ok::<_, Failure>((languages, images))
    };
    let (languages, images) = interrupt.bound(asked).await?;
    capabilities(
        &mut report,
        setup,
        &*detection.runtime,
        &languages,
        images.len() < languages.len(),
    );
    if report.is_safe() {
        let present = languages
            .values()
            .filter(|language| images.contains_key(&language.name));
        let trials = trial::run(setup, detection.runtime, present, interrupt).await?;
        report.title("trial runs");
        for (name, trial) in trials {
            match trial {
                Trial::Passed(text) => report.line(name, &text),
                Trial::NotDone(why) => report.line(name, &format!("not done: {why}")),
                Trial::Failed(why) => report.problem(name, &why),
            }
        }
    }
    finish(report).await
}

async fn finish(report: Report) -> Result<u8> {
    let code = if report.is_safe() { 0 } else { exit::OWN_FAILURE };
    print(report.into_text()).await.map(|()| code)
}

/// Tells of the engine; returns the image that it has of itself, if it has one.
async fn engine(report: &mut Report, detection: &Detection) -> Option<ImageReference> {
    let info = match detection.runtime.info().await {
        Ok(info) => info,
        Err(error) => {
            report.problem("engine", &Failure::from(error).text());
            return None;
        }
    };
    let why = if detection.named {
        "as configured"
    } else {
        "the first that answers"
    };
    report.line("engine", &format!("{} {}, {why}", info.driver, info.version));
    report.line("endpoint", &info.endpoint);
    report.line("rootless", if info.rootless { "yes" } else { "no" });
    report.line(
        "control groups",
        match info.cgroup_version {
            inline::CgroupVersion::V1 => "version 1",
            inline::CgroupVersion::V2 => "version 2",
            _ => "unknown",
        },
    );
    report.line("OCI runtime", info.default_oci_runtime.as_deref().unwrap_or("unknown"));
    if detection.runtime.capabilities().limit_mechanism() == LimitMechanism::Rlimit {
        report.line(
            "limits",
            "resource limits, as the operator allows: memory counts for each process by itself",
        );
    }
    for attempt in &detection.tried {
        let hint = attempt
            .error
            .hint()
            .map(|hint| format!("\nhint: {hint}"))
            .unwrap_or_default();
        report.line(
            "passed over",
            &format!("{}: {}{hint}", attempt.driver, attempt.error.message()),
        );
    }
    info.host_image
}

/// Returns the images that are on the engine, by language.
async fn images(
    report: &mut Report,
    runtime: &dyn ContainerRuntime,
    languages: &BTreeMap<String, Language>,
) -> BTreeMap<String, Image> {
    report.title("images");
    let mut present = BTreeMap::new();
    for language in languages.values() {
        let (name, image) = (&language.name, &language.image);
        let asked = runtime.image(image).await;
        let image = image.familiar();
        match asked {
            Ok(Some(found)) => {
                let size = found
                    .size
                    .map(|size| format!(", {}", crate::text::size(size)))
                    .unwrap_or_default();
                report.line(name, &format!("{image}: here{size}"));
                present.insert(name.clone(), found);
            }
            Ok(None) => report.line(name, &format!("{image}: not here; the first run pulls it")),
            Err(error) => report.problem(name, &format!("{image}: {}", Failure::from(error).text())),
        }
    }
    present
}

fn capabilities(
    report: &mut Report,
    setup: &Setup,
    runtime: &dyn ContainerRuntime,
    languages: &BTreeMap<String, Language>,
    pulls: bool,
) {
    report.title("capabilities");
    let table = runtime.capabilities();
    for (capability, support) in table.iter() {
        match support {
            inline::Support::Present => report.line(capability.name(), "yes"),
            inline::Support::Absent { why } if needs::has(capability, &table, setup, languages, pulls) => {
                report.problem(capability.name(), &format!("no, and runs need it: {why}"));
            }
            inline::Support::Absent { why } => report.line(capability.name(), &format!("no: {why}")),
        }
    }
}
