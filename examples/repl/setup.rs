//! What is configured, and what the command line changes about it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use inline::{DriverChoice, Environment, RuntimeConfig, Settings};
use inline_sandbox::{Language, LimitRequest, Limits, Owner, SandboxConfig, SandboxError};

use crate::{Arguments, Result};

/// Where inputs come from, for the audit.
pub(crate) const PLACE: &str = "repl";

pub(crate) struct Setup {
    pub(crate) runtime: RuntimeConfig,
    pub(crate) sandbox: SandboxConfig,
    /// The name of the language.
    pub(crate) language: String,
}

impl Setup {
    pub(crate) fn load(arguments: Arguments) -> Result<Self> {
        let driver = arguments.driver.map(DriverChoice::name);
        let overrides: Vec<_> = driver.into_iter().map(|name| ("driver", name)).collect();
        let mut settings = Settings::load(arguments.config.as_deref(), &Environment::of_process(), &overrides)?;
        let runtime = settings.take()?;
        let sandbox: SandboxConfig = settings.take()?;
        let mut sandbox = sandbox.with_env(|name| settings.variable(name))?;
        settings.finish()?;
        let language = find(&sandbox.languages()?, &arguments.language)?.name.clone();
        if let Some(image) = arguments.image {
            sandbox.languages.entry(language.clone()).or_default().image = Some(image);
        }
        for_one_person(&mut sandbox);
        Ok(Self {
            runtime,
            sandbox,
            language,
        })
    }
}

/// Lifts what keeps the many users of a service from each other: here is one, who waits for nobody but themselves.
fn for_one_person(sandbox: &mut SandboxConfig) {
    sandbox.pull_on_startup = false;
    sandbox.admission.rate_limit.runs = NonZeroU32::MAX;
    sandbox.admission.daily_cpu = None;
    sandbox.sessions.idle_timeout = Duration::MAX;
}

/// Returns whose the runs are: anybody's, since each REPL has a service of its own.
pub(crate) fn owner() -> Result<Owner, SandboxError> {
    Owner::new("local", "repl")
}

/// Asks for as much time as the operator allows.
pub(crate) fn limits(operator: &Limits) -> LimitRequest {
    LimitRequest {
        timeout: Some(operator.max_timeout),
        ..LimitRequest::default()
    }
}

/// Finds a language by any of its names.
pub(crate) fn find<'a>(languages: &'a BTreeMap<String, Language>, name: &str) -> Result<&'a Language, SandboxError> {
    let found = languages.values().find(|language| language.answers_to(name));
    found.ok_or_else(|| SandboxError::UnknownLanguage {
        language: name.to_owned(),
        known: languages.keys().cloned().collect(),
    })
}
