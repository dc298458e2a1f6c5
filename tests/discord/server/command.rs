//! The registration of commands.

use serde_json::{Value, json};

use super::answer::{self, Answer, Result};
use super::{Server, people};

const MAX_OPTIONS: usize = 25;
/// Names, descriptions and values of one command.
const MAX_CHARACTERS: usize = 8000;

pub(super) fn handle(
    server: &Server,
    method: &str,
    application: &str,
    rest: &[&str],
    payload: &Value,
) -> Result<Answer> {
    if application != people::APPLICATION.to_string() {
        return Err(answer::missing_permissions());
    }
    let guild = match rest {
        ["commands"] => None,
        ["guilds", guild, "commands"] => {
            let guild = guild.parse().ok().filter(|guild| people::guild(*guild).is_some());
            Some(guild.ok_or_else(answer::unknown_guild)?)
        }
        _ => return Err(answer::unknown_route()),
    };
    let all = |commands: &[Value]| Ok(Answer::Json(json!(commands)));
    match method {
        "GET" => all(server.state().commands.get(&guild).map_or(&[], Vec::as_slice)),
        "PUT" => {
            let commands = payload.as_array().cloned().unwrap_or_default();
            for command in &commands {
                check(command)?;
            }
            let registered = server.change(|state| {
                let mut registered = Vec::new();
                for mut command in commands {
                    command["id"] = json!(state.snowflake().to_string());
                    command["application_id"] = json!(application);
                    command["version"] = json!(state.snowflake().to_string());
                    if command["type"].is_null() {
                        command["type"] = json!(1);
                    }
                    if command["description"].is_null() {
                        command["description"] = json!("");
                    }
                    registered.push(command);
                }
                state.commands.insert(guild, registered.clone());
                registered
            });
            all(&registered)
        }
        _ => Err(answer::unknown_route()),
    }
}

/// Checks what the schema does not say.
fn check(command: &Value) -> Result<()> {
    let name = command["name"].as_str().unwrap_or_default();
    let is_chat_input = command["type"].as_u64().unwrap_or(1) == 1;
    if is_chat_input {
        let characters = options(name, command)?;
        if characters > MAX_CHARACTERS {
            return Err(answer::invalid_form(format!(
                "`{name}` has {characters} characters, more than 8000"
            )));
        }
    } else if command["description"].as_str().is_some_and(|text| !text.is_empty()) {
        return Err(answer::invalid_form(format!(
            "`{name}` is of a menu, and has a description"
        )));
    }
    Ok(())
}

/// Checks a command or an option with all below it, and returns how many characters they have.
fn options(path: &str, level: &Value) -> Result<usize> {
    let text = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let name = level["name"].as_str().unwrap_or_default();
    let is_name = |letter: char| letter.is_alphanumeric() && !letter.is_uppercase() || letter == '-' || letter == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(answer::invalid_form(format!("`{path}` is no name of a command")));
    }
    if !(1..=100).contains(&text(&level["description"])) {
        return Err(answer::invalid_form(format!(
            "`{path}` has no description of up to 100 characters"
        )));
    }
    let mut characters = text(&level["name"]) + text(&level["description"]);
    for choice in level["choices"].as_array().into_iter().flatten() {
        characters += text(&choice["name"]) + text(&choice["value"]);
    }
    if level["autocomplete"] == true && level["choices"].as_array().is_some_and(|all| !all.is_empty()) {
        return Err(answer::invalid_form(format!("`{path}` has choices and completes")));
    }
    let below = level["options"].as_array().map_or(&[][..], Vec::as_slice);
    if below.len() > MAX_OPTIONS {
        return Err(answer::invalid_form(format!("`{path}` has more than 25 options")));
    }
    let mut was_optional = false;
    for option in below {
        let path = format!("{path} {}", option["name"].as_str().unwrap_or_default());
        let is_leaf = option["type"] != 1 && option["type"] != 2;
        if is_leaf && option["required"] == true && was_optional {
            return Err(answer::invalid_form(format!(
                "`{path}` is required after one that is not"
            )));
        }
        was_optional |= option["required"] != true;
        characters += options(&path, option)?;
    }
    Ok(characters)
}
