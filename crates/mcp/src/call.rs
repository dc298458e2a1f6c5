//! One call of a tool, and the run that it may be.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use inline_sandbox::{Progress, Run, SandboxError};
use rmcp::service::{RequestContext, RoleServer};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::departure;
use crate::log::Log;
use crate::progress::Reporter;
use crate::refusal::Refusal;

/// What a client says of itself and of its calls is not longer in the audit.
const MAX_CLIENT_NAME: usize = 64;
const MAX_LABEL: usize = 200;
/// What a client has sent is not sent back at greater length.
const MAX_TOLD: usize = 300;

/// What a tool is given besides its arguments.
pub(crate) struct Call<'a> {
    pub(crate) client: &'a Client,
    pub(crate) context: &'a RequestContext<RoleServer>,
    pub(crate) log: &'a Log,
}

/// How a run came to its end.
pub(crate) struct Followed<T> {
    pub(crate) id: String,
    pub(crate) outcome: T,
    /// Whether it was stopped since its time was up.
    pub(crate) is_late: bool,
}

impl Call<'_> {
    /// Follows `run` to its end, tells how it goes on, and ends it when the client cancels the call or has left, or `time`
    /// after the program has begun.
    pub(crate) async fn follow<T>(&self, mut run: Run<T>, time: Option<Duration>) -> Result<Followed<T>, Refusal> {
        let (id, cancel) = (run.id().to_owned(), run.canceller());
        let mut reporter = Reporter::new(self.context);
        let (mut deadline, mut is_late) = (None, false);
        let cancelled = async {
            departure::given_up(self.context).await;
            cancel.cancel();
            pending::<Infallible>().await
        };
        let followed = async {
            loop {
                tokio::select! {
                    progress = run.next() => {
                        let Some(progress) = progress else { break };
                        if matches!(progress, Progress::Started { .. }) {
                            deadline = time.map(|time| Instant::now() + time);
                        }
                        reporter.take(&progress).await;
                    }
                    () = reporter.due() => reporter.tell_output(false).await,
                    () = until(deadline), if !is_late => {
                        is_late = true;
                        run.cancel();
                    }
                }
            }
            reporter.tell_output(true).await;
            run.outcome().await
        };
        let outcome = tokio::select! {
            never = cancelled => match never {},
            outcome = followed => outcome?,
        };
        Ok(Followed { id, outcome, is_late })
    }

    /// Returns where the call comes from, for the audit: the client's own name, and its word for the call.
    pub(crate) fn place(&self, label: Option<&str>) -> String {
        let client = self
            .context
            .client_info()
            .map_or_else(String::new, |client| client.name);
        let printable = |text: &str, max: usize| -> String {
            text.chars()
                .filter(|character| !character.is_control())
                .take(max)
                .collect()
        };
        let client = printable(&client, MAX_CLIENT_NAME);
        match label {
            Some(label) => format!("mcp {client}: {}", printable(label, MAX_LABEL)),
            None => format!("mcp {client}"),
        }
    }

    /// Looks for files that have come or gone, so that whoever shows the list is told.
    pub(crate) async fn look_at_files(&self) {
        let seen = async {
            let files = self.client.service.files(&self.client.owner).await?;
            self.client.changes.see(&crate::listing::files(&files).await?);
            Ok::<_, SandboxError>(())
        };
        if let Err(error) = seen.await {
            tracing::debug!(%error, "the files were not looked at");
        }
    }
}

/// Reads the arguments of a tool.
pub(crate) fn arguments<T: DeserializeOwned>(mut arguments: Map<String, Value>) -> Result<T, Refusal> {
    // Some models write down what they leave out.
    arguments.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        let why: String = error.to_string().chars().take(MAX_TOLD).collect();
        Refusal::arguments(format!("the arguments do not fit: {why}"))
    })
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}
