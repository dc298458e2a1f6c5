//! Requests against Discord's own description of its HTTP API.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Registry, ValidationError, Validator};
use libtest_mimic::Failed;
use serde_json::{Value, json};

use inline_tests::environment::variable;

use super::route::Route;

/// Names Discord's `OpenAPI` document, as its repository `discord-api-spec` has it.
pub(crate) const INLINE_DISCORD_OPENAPI: &str = "INLINE_DISCORD_OPENAPI";
const URI: &str = "discord:///openapi.json";
/// The most characters that are told of one violation.
const MAX_TOLD: usize = 600;

/// The document.
pub(crate) struct Schema {
    document: Value,
    registry: Registry<'static>,
    /// Those that were used, by the pointer to their part of the document.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schema {
    /// Reads the document, once; none if [`INLINE_DISCORD_OPENAPI`] names none.
    ///
    /// # Errors
    ///
    /// - In words, if it cannot be read.
    pub(crate) fn load() -> Result<Option<Arc<Self>>, Failed> {
        static LOADED: OnceLock<Result<Option<Arc<Schema>>, String>> = OnceLock::new();
        let read = || {
            let Some(path) = variable(INLINE_DISCORD_OPENAPI) else {
                return Ok(None);
            };
            let text = fs::read_to_string(&path).map_err(|error| format!("`{path}`: {error}"))?;
            let document = serde_json::from_str(&text).map_err(|error| format!("`{path}`: {error}"))?;
            Self::new(document).map(|schema| Some(Arc::new(schema)))
        };
        Ok(LOADED.get_or_init(read).clone()?)
    }

    pub(crate) fn new(document: Value) -> Result<Self, String> {
        let registry = Registry::new()
            .add(URI, document.clone())
            .and_then(jsonschema::RegistryBuilder::prepare)
            .map_err(|error| format!("the document has schemas that cannot be read: {error}"))?;
        Ok(Self {
            document,
            registry,
            validators: Mutex::default(),
        })
    }

    /// Returns what a request breaks.
    pub(crate) fn check(&self, route: &Route, payload: &Value, is_form: bool) -> Vec<String> {
        let Some((path, values)) = self.path(route) else {
            return vec!["there is no such path".to_owned()];
        };
        let item = &self.document["paths"][path];
        let at = format!("/paths/{}", escaped(path));
        let method = route.method.to_lowercase();
        let operation = &item[&method];
        if operation.is_null() {
            return vec![format!("`{path}` has no method `{method}`")];
        }
        let mut broken = Vec::new();
        let parameters = |of: &Value, at: String| -> Vec<(Value, String)> {
            let all = of["parameters"].as_array().cloned().unwrap_or_default();
            let pointed = |(number, one)| (one, format!("{at}/parameters/{number}/schema"));
            all.into_iter().enumerate().map(pointed).collect()
        };
        let mut known = parameters(item, at.clone());
        known.extend(parameters(operation, format!("{at}/{method}")));
        for (name, place, value) in values.into_iter().map(|(name, value)| (name, "path", value)).chain(
            route
                .query
                .iter()
                .map(|(name, value)| (name.clone(), "query", value.clone())),
        ) {
            match known.iter().find(|(one, _)| one["name"] == *name && one["in"] == place) {
                None => broken.push(format!("`{path}` has no parameter `{name}` in its {place}")),
                Some((_, pointer)) => broken.extend(self.check_text(pointer, &name, &value)),
            }
        }
        let body = &operation["requestBody"];
        let content = format!("{at}/{method}/requestBody/content");
        if body.is_null() {
            if !payload.is_null() {
                broken.push("the request has a body, which the method has not".to_owned());
            }
        } else if payload.is_null() {
            if body["required"] == true {
                broken.push("the request has no body".to_owned());
            }
        } else if is_form && body["content"]["multipart/form-data"].is_null() {
            broken.push("the request is a form, which the method does not take".to_owned());
        } else {
            // Of a form, `payload_json` holds the same as the body of a request without files.
            broken.extend(self.check_value(&format!("{content}/application~1json/schema"), "the body", payload));
        }
        broken
    }

    /// Returns the path of the document that a route is of, with the parameters.
    fn path(&self, route: &Route) -> Option<(&str, Vec<(String, String)>)> {
        let parameter = |part: &str| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_owned());
        let matched = |path: &str| {
            let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
            if parts.len() != route.segments.len() {
                return None;
            }
            let mut values = Vec::new();
            for (part, segment) in parts.into_iter().zip(&route.segments) {
                match parameter(part) {
                    Some(name) => values.push((name, segment.clone())),
                    None if part == segment => {}
                    None => return None,
                }
            }
            Some(values)
        };
        let paths = self.document["paths"].as_object()?;
        let found = paths.keys().filter_map(|path| Some((path.as_str(), matched(path)?)));
        // `@me` is a path of its own beside one with a parameter in its place.
        found.min_by_key(|(_, values)| values.len())
    }

    /// Checks a parameter, which is written as text whatever its type is.
    fn check_text(&self, pointer: &str, name: &str, value: &str) -> Vec<String> {
        let text = Value::String(value.to_owned());
        let as_text = self.check_value(pointer, name, &text);
        match serde_json::from_str(value) {
            Ok(typed) if !as_text.is_empty() => self.check_value(pointer, name, &typed),
            _ => as_text,
        }
    }

    fn check_value(&self, pointer: &str, name: &str, value: &Value) -> Vec<String> {
        let validator = match self.validator(pointer) {
            Ok(validator) => validator,
            Err(error) => return vec![error],
        };
        validator
            .iter_errors(value)
            .map(|error| format!("{name}{}", told(&error)))
            .collect()
    }

    fn validator(&self, pointer: &str) -> Result<Arc<Validator>, String> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(pointer) {
            return Ok(Arc::clone(validator));
        }
        let reference = format!("{URI}#{}", pointer.replace('{', "%7B").replace('}', "%7D"));
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .with_registry(&self.registry)
            .build(&json!({"$ref": reference}))
            .map_err(|error| format!("the schema `{pointer}` cannot be used: {error}"))?;
        let validator = Arc::new(validator);
        validators.insert(pointer.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Tells an error, of several that were possible the one that came furthest.
fn told(error: &ValidationError<'_>) -> String {
    let depth = |errors: &Vec<ValidationError<'static>>| {
        errors
            .iter()
            .map(|error| error.instance_path().as_str().matches('/').count())
            .max()
    };
    let nearest = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => context
            .iter()
            .max_by_key(|errors| depth(errors))
            .and_then(|errors| errors.first()),
        _ => None,
    };
    let at = error.instance_path();
    let here = format!("{at}: {error} (schema `{}`)", error.schema_path());
    let mut here: String = here.chars().take(MAX_TOLD).collect();
    if let Some(nearest) = nearest {
        here += "; nearest: ";
        here += &told(nearest);
    }
    here
}
