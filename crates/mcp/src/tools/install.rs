//! `sandbox_install`: packages for the runs to come.

use inline_sandbox::store::PackageRecord;
use inline_sandbox::{InstallRequest, PackageManager};
use rmcp::model::{CallToolResult, JsonObject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Description;
use crate::call::{Call, arguments};
use crate::client::Client;
use crate::excerpt::Excerpt;
use crate::outputs::OutputStream;
use crate::refusal::Refusal;
use crate::report::{millis, structured};
use crate::schema;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    manager: Manager,
    packages: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Manager {
    Pip,
    Npm,
}

pub(super) fn describe(client: &Client) -> Description {
    let packages = &client.service.config().packages;
    let text = format!(
        "Installs packages into the sandbox for the runs to come: `pip` for python, `npm` for node, from the operator's \
         index and from nowhere else. Programs still have no network. pip takes wheels only; npm runs no scripts of \
         packages. At most {} packages in one call, and {} s.",
        packages.max_specifiers,
        packages.timeout.as_secs()
    );
    let input = schema::object(
        &json!({
            "manager": { "type": "string", "enum": ["pip", "npm"] },
            "packages": {
                "type": "array",
                "items": { "type": "string" },
                "minItems": 1,
                "maxItems": packages.max_specifiers,
                "description": "names, with a version if need be: `numpy==2.1`, `lodash@4`",
            },
        }),
        &["manager", "packages"],
    );
    let installed = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "version": { "type": "string" } },
        "required": ["name", "version"],
        "additionalProperties": false,
    });
    let output = schema::object(
        &json!({
            "verdict": { "type": "string", "description": "`ok` if all of them are installed; nothing has changed otherwise" },
            "output": { "type": "string", "description": "what the package manager printed, head and tail if it is long" },
            "packages": { "type": "array", "items": installed, "description": "all that the manager has installed now" },
            "executionTime": { "type": "integer", "description": "milliseconds" },
        }),
        &["verdict", "output", "packages", "executionTime"],
    );
    ("Install packages", text, input, output)
}

pub(super) async fn call(call: &Call<'_>, given: JsonObject) -> Result<CallToolResult, Refusal> {
    let given: Arguments = arguments(given)?;
    let manager = match given.manager {
        Manager::Pip => PackageManager::Pip,
        Manager::Npm => PackageManager::Npm,
    };
    let client = call.client;
    let request = InstallRequest::new(client.owner.clone(), manager, given.packages).with_place(call.place(None));
    let followed = call.follow(client.service.install(request), None).await?;
    let (run, packages) = (&followed.outcome.run, &followed.outcome.packages);
    let mut printed = run.stdout.clone();
    printed.bytes.extend_from_slice(&run.stderr.bytes);
    printed.truncated |= run.stderr.truncated;
    let excerpt = Excerpt::of_stream(&printed, &followed.id, OutputStream::Stdout, client.config.output_chars);
    if excerpt.is_cut {
        client
            .outputs
            .keep(&followed.id, OutputStream::Stdout, &printed.to_text());
    }
    let told = json!({ "tool": "sandbox_install", "manager": manager.name(), "verdict": run.verdict });
    call.log.info(call.context, told).await;
    let names: Vec<String> = packages
        .iter()
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    let text = if run.verdict.is_ok() {
        format!("installed: {}", names.join(", "))
    } else {
        format!("{}\n[nothing was installed: {}]", excerpt.text, run.verdict)
    };
    let packages: Vec<Value> = packages.iter().map(of_package).collect();
    let value = json!({
        "verdict": run.verdict,
        "output": excerpt.text,
        "packages": packages,
        "executionTime": millis(run.usage.wall),
    });
    Ok(structured(value, text))
}

fn of_package(package: &PackageRecord) -> Value {
    json!({ "name": package.name, "version": package.version })
}
