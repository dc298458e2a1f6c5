//! The tools: what each is for, and what it does.

mod about;
mod exec;
mod files;
mod install;
mod sessions;
mod write;

use inline_sandbox::{Language, SandboxService};
use rmcp::model::{CallToolResult, JsonObject, Tool, ToolAnnotations};

use crate::call::Call;
use crate::client::Client;
use crate::refusal::Refusal;

/// A tool by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Exec,
    SessionStart,
    SessionReset,
    SessionStop,
    FilesList,
    FilesRead,
    FilesWrite,
    FilesRemove,
    Install,
    Languages,
    Status,
}

impl Named {
    const ALL: [Self; 11] = [
        Self::Exec,
        Self::SessionStart,
        Self::SessionReset,
        Self::SessionStop,
        Self::FilesList,
        Self::FilesRead,
        Self::FilesWrite,
        Self::FilesRemove,
        Self::Install,
        Self::Languages,
        Self::Status,
    ];

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exec => "sandbox_exec",
            Self::SessionStart => "sandbox_session_start",
            Self::SessionReset => "sandbox_session_reset",
            Self::SessionStop => "sandbox_session_stop",
            Self::FilesList => "sandbox_files_list",
            Self::FilesRead => "sandbox_files_read",
            Self::FilesWrite => "sandbox_files_write",
            Self::FilesRemove => "sandbox_files_remove",
            Self::Install => "sandbox_install",
            Self::Languages => "sandbox_languages",
            Self::Status => "sandbox_status",
        }
    }

    /// Describes the tool for a model, with the limits that hold here.
    pub(crate) fn describe(self, client: &Client) -> Tool {
        let (title, text, input, output) = match self {
            Self::Exec => exec::describe(client),
            Self::SessionStart => sessions::describe_start(client),
            Self::SessionReset => sessions::describe_reset(client),
            Self::SessionStop => sessions::describe_stop(client),
            Self::FilesList => files::describe_list(),
            Self::FilesRead => files::describe_read(),
            Self::FilesWrite => write::describe_write(client),
            Self::FilesRemove => write::describe_remove(),
            Self::Install => install::describe(client),
            Self::Languages => about::describe_languages(),
            Self::Status => about::describe_status(),
        };
        let mut annotations = self.effects();
        annotations.title = Some(title.to_owned());
        Tool::new(self.name(), text, input)
            .with_title(title)
            .with_raw_output_schema(output)
            .with_annotations(annotations)
    }

    /// Says what the tool may do to the client's sandbox, and whether it reaches what is outside of it.
    fn effects(self) -> ToolAnnotations {
        let changes = ToolAnnotations::new().read_only(false).open_world(false);
        match self {
            Self::FilesList | Self::FilesRead | Self::Languages | Self::Status => ToolAnnotations::new()
                .read_only(true)
                .destructive(false)
                .idempotent(true)
                .open_world(false),
            // A program can overwrite what is there; writing can append.
            Self::Exec | Self::FilesWrite => changes.destructive(true).idempotent(false),
            Self::SessionStart => changes.destructive(false).idempotent(true),
            Self::SessionReset | Self::SessionStop | Self::FilesRemove => changes.destructive(true).idempotent(true),
            // Packages come from an index, and take the place of other versions.
            Self::Install => changes.destructive(true).idempotent(true).open_world(true),
        }
    }

    /// Does what the tool does.
    pub(crate) async fn call(self, call: &Call<'_>, arguments: JsonObject) -> Result<CallToolResult, Refusal> {
        match self {
            Self::Exec => exec::call(call, arguments).await,
            Self::SessionStart => sessions::start(call, arguments).await,
            Self::SessionReset => sessions::reset(call, arguments).await,
            Self::SessionStop => sessions::stop(call, arguments).await,
            Self::FilesList => files::list(call, arguments).await,
            Self::FilesRead => files::read(call, arguments).await,
            Self::FilesWrite => write::write(call, arguments).await,
            Self::FilesRemove => write::remove(call, arguments).await,
            Self::Install => install::call(call, arguments).await,
            Self::Languages => about::languages(call, arguments).await,
            Self::Status => about::status(call, arguments).await,
        }
    }
}

/// The title, the description, and the schemas of what goes in and what comes out.
type Description = (
    &'static str,
    String,
    std::sync::Arc<JsonObject>,
    std::sync::Arc<JsonObject>,
);

/// Describes every tool.
pub(crate) fn describe(client: &Client) -> Vec<Tool> {
    Named::ALL.map(|tool| tool.describe(client)).into()
}

/// Returns the names of the languages that `holds` for.
fn languages(service: &SandboxService, holds: impl Fn(&Language) -> bool) -> Vec<&str> {
    let languages = service.languages().values();
    languages
        .filter(|language| holds(language))
        .map(|language| language.name.as_str())
        .collect()
}
