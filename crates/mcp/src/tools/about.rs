//! `sandbox_languages` and `sandbox_status`: what there is, and what it is about to do.

use inline_sandbox::PackageManager;
use rmcp::model::{CallToolResult, JsonObject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Description;
use crate::call::{Call, arguments};
use crate::refusal::Refusal;
use crate::report::{millis, structured};
use crate::schema;

/// Neither tool has arguments.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {}

pub(super) fn describe_languages() -> Description {
    let text = "Lists the languages that programs can be written in: their names, whether they have sessions, and what \
                installs packages for them.";
    let language = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string" },
            "aliases": { "type": "array", "items": { "type": "string" } },
            "sessions": { "type": "boolean" },
            "packageManager": schema::nullable("string", "`manager` of `sandbox_install`"),
        },
        "required": ["name", "aliases", "sessions", "packageManager"],
        "additionalProperties": false,
    });
    let output = schema::object(
        &json!({ "languages": { "type": "array", "items": language } }),
        &["languages"],
    );
    (
        "List languages",
        text.to_owned(),
        schema::object(&json!({}), &[]),
        output,
    )
}

pub(super) fn describe_status() -> Description {
    let text =
        "Tells how the sandbox stands: its limits, what it holds, what has been used today, and what runs in it.";
    let object = |properties: Value, required: &[&str]| Value::Object((*schema::object(&properties, required)).clone());
    let integer = |description: &str| json!({ "type": "integer", "description": description });
    let limits = object(
        json!({
            "timeoutSeconds": { "type": "number", "description": "of a run that asks for none" },
            "maxTimeoutSeconds": { "type": "number", "description": "longest that a run can ask for" },
            "memoryBytes": integer("of all processes of a run together"),
            "cpus": { "type": "number" },
            "processes": integer("at once"),
            "workspaceBytes": integer("what the sandbox may hold"),
            "workspaceFiles": integer("how many files and directories it may have"),
        }),
        &[
            "timeoutSeconds",
            "maxTimeoutSeconds",
            "memoryBytes",
            "cpus",
            "processes",
            "workspaceBytes",
            "workspaceFiles",
        ],
    );
    let holds = object(
        json!({ "bytes": integer("on disk"), "files": integer("files and directories") }),
        &["bytes", "files"],
    );
    let used = object(
        json!({ "runs": integer("since midnight UTC"), "cpuMs": integer("CPU time of them, in milliseconds") }),
        &["runs", "cpuMs"],
    );
    let names = json!({ "type": "array", "items": { "type": "string" } });
    let output = schema::object(
        &json!({
            "limits": limits,
            "workspace": holds,
            "today": used,
            "sessions": names,
            "running": { "type": "integer", "description": "runs of this sandbox that go on or wait, this call not included" },
            "packages": names,
        }),
        &["limits", "workspace", "today", "sessions", "running", "packages"],
    );
    (
        "Show the status",
        text.to_owned(),
        schema::object(&json!({}), &[]),
        output,
    )
}

#[expect(clippy::unused_async, reason = "as all tools")]
pub(super) async fn languages(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let Arguments {} = arguments(given)?;
    let known = call.client.service.languages().values();
    let languages: Vec<Value> = known
        .map(|language| {
            json!({
                "name": language.name,
                "aliases": language.aliases,
                "sessions": language.has_sessions(),
                "packageManager": language.package_manager().map(PackageManager::name),
            })
        })
        .collect();
    let names: Vec<&str> = call.client.service.languages().keys().map(String::as_str).collect();
    let text = names.join(", ");
    Ok(structured(json!({ "languages": languages }), text))
}

pub(super) async fn status(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let Arguments {} = arguments(given)?;
    let (service, owner) = (&call.client.service, &call.client.owner);
    let files = call.client.files().await?;
    let holds = files.workspace().usage().await?;
    let today = service.usage_today(owner).await?;
    let packages = service.packages(owner).await?;
    let packages: Vec<String> = packages
        .iter()
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    let sessions: Vec<String> = service
        .sessions(Some(owner))
        .into_iter()
        .map(|session| session.language)
        .collect();
    let running = service.running(Some(owner)).len();
    let limits = &service.config().limits;
    let value = json!({
        "limits": {
            "timeoutSeconds": limits.timeout.as_secs_f64(),
            "maxTimeoutSeconds": limits.max_timeout.as_secs_f64(),
            "memoryBytes": limits.memory,
            "cpus": cpus(limits.nano_cpus),
            "processes": limits.pids_limit,
            "workspaceBytes": limits.workspace_bytes,
            "workspaceFiles": limits.workspace_files,
        },
        "workspace": { "bytes": holds.bytes, "files": holds.files },
        "today": { "runs": today.runs, "cpuMs": millis(today.cpu) },
        "sessions": sessions,
        "running": running,
        "packages": packages,
    });
    let text = format!(
        "The sandbox holds {} of {} bytes in {} of {} files. Today: {} runs, {} ms of CPU time. Sessions: {}. Running: \
         {running}. Packages: {}.",
        holds.bytes,
        limits.workspace_bytes,
        holds.files,
        limits.workspace_files,
        today.runs,
        millis(today.cpu),
        listed(&sessions),
        listed(&packages),
    );
    Ok(structured(value, text))
}

fn cpus(nano_cpus: u64) -> f64 {
    std::time::Duration::from_nanos(nano_cpus).as_secs_f64()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
