//! JSON Schemas, as tools declare them.

use std::sync::Arc;

use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// Returns the schema of an object with `properties` and no others, of which those in `required` are always there.
pub(crate) fn object(properties: &Value, required: &[&str]) -> Arc<JsonObject> {
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    Arc::new(as_object(schema))
}

/// Returns the schema of `schema` or nothing.
pub(crate) fn nullable(kind: &str, description: &str) -> Value {
    json!({ "type": [kind, "null"], "description": description })
}

/// Returns the members of an object.
pub(crate) fn as_object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}
