//! The check of requests itself: what it must find, and what it must not.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::ensure;
use crate::server::{Route, Schema};

fn check(schema: &Schema, method: &str, target: &str, body: &Value) -> Result<Vec<String>, Failed> {
    let route = Route::read(method, target).ok_or("no route")?;
    Ok(schema.check(&route, body, false))
}

pub(crate) async fn requests_are_held_against_a_description() -> Result<(), Failed> {
    let body = json!({"content": {"application/json": {"schema": {"anyOf": [
        {"$ref": "#/components/schemas/Word"}, {"type": "object", "required": ["of"], "properties": {"of": {"const": 1}}},
    ]}}}, "required": true});
    let id = json!({"name": "id", "in": "path", "schema": {"$ref": "#/components/schemas/Id"}, "required": true});
    let flag = json!({"name": "flag", "in": "query", "schema": {"type": "boolean"}});
    let schema = Schema::new(json!({
        "openapi": "3.1.0",
        "paths": {
            "/things/{id}": {"parameters": [id], "post": {"parameters": [flag], "requestBody": body}},
            "/things/@me": {"get": {}},
        },
        "components": {"schemas": {
            "Id": {"type": "string", "pattern": "^[0-9]+$"},
            "Word": {"type": "object", "required": ["word"], "properties": {"word": {"type": "string", "maxLength": 3}}},
        }},
    }))?;
    for (method, target, body) in [
        ("POST", "/api/v10/things/1", json!({"word": "abc"})),
        ("POST", "/api/v10/things/1?flag=true", json!({"of": 1})),
        ("GET", "/api/v10/things/@me", Value::Null),
    ] {
        let broken = check(&schema, method, target, &body)?;
        ensure(broken.is_empty(), || format!("{target} {body}: {broken:?}"))?;
    }
    for (method, target, body, told) in [
        ("POST", "/api/v10/others/1", Value::Null, "no such path"),
        ("PUT", "/api/v10/things/1", Value::Null, "has no method `put`"),
        ("POST", "/api/v10/things/x", json!({"of": 1}), "does not match"),
        (
            "POST",
            "/api/v10/things/1?other=1",
            json!({"of": 1}),
            "no parameter `other`",
        ),
        ("POST", "/api/v10/things/1?flag=2", json!({"of": 1}), "is not of type"),
        ("POST", "/api/v10/things/1", Value::Null, "has no body"),
        ("GET", "/api/v10/things/@me", json!({}), "has a body"),
        ("POST", "/api/v10/things/1", json!({"word": "abcd"}), "longer than 3"),
    ] {
        let broken = check(&schema, method, target, &body)?;
        ensure(broken.iter().any(|one| one.contains(told)), || {
            format!("{target} {body}: `{told}` not in {broken:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn requests_are_held_against_discords_own_description() -> Result<(), Failed> {
    let schema = Schema::load()?.ok_or("no document is named")?;
    let none = json!({"parse": []});
    let callback = "/api/v10/interactions/1/token/callback";
    for (method, target, body) in [
        ("POST", callback, json!({"type": 5, "data": {"flags": 64}})),
        (
            "POST",
            callback,
            json!({"type": 4, "data": {"content": "x", "allowed_mentions": none}}),
        ),
        (
            "PATCH",
            "/api/v10/webhooks/1/token/messages/@original",
            json!({"content": "x", "allowed_mentions": none}),
        ),
        (
            "PUT",
            "/api/v10/applications/1/commands",
            json!([{"name": "il", "description": "x", "type": 1}]),
        ),
    ] {
        let broken = check(&schema, method, target, &body)?;
        ensure(broken.is_empty(), || format!("{target} {body}: {broken:?}"))?;
    }
    let button = json!({"type": 2, "style": 1, "label": "x".repeat(81), "custom_id": "a"});
    for (method, target, body) in [
        ("POST", callback, json!({"type": 99})),
        (
            "POST",
            "/api/v10/channels/1/messages",
            json!({"content": "x".repeat(4001)}),
        ),
        ("POST", "/api/v10/channels/x/messages", json!({"content": "x"})),
        (
            "POST",
            "/api/v10/channels/1/messages",
            json!({"components": [{"type": 1, "components": [button]}]}),
        ),
        (
            "PUT",
            "/api/v10/applications/1/commands",
            json!([{"name": "x".repeat(33)}]),
        ),
    ] {
        let broken = check(&schema, method, target, &body)?;
        ensure(!broken.is_empty(), || {
            format!("a broken body of {target} is found good")
        })?;
    }
    Ok(())
}
