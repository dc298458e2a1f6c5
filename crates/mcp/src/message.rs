//! Messages of clients, as they come: what is none gets the error that the protocol has for it.

use rmcp::ErrorData;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, NumberOrString, RequestId, ServerJsonRpcMessage};
use serde::Deserialize;

/// An id is sent back only up to this length.
const MAX_ID_BYTES: usize = 256;

/// The requests that are known; what has such a name and is none is one with parameters that do not fit.
const METHODS: [&str; 12] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
];

/// Finds the id of what is no message, and passes over the rest.
#[derive(Deserialize)]
struct WithId {
    id: Option<NumberOrString>,
}

/// Reads a message.
///
/// # Errors
///
/// The answer, with the id that it has: a parse error for what is no JSON, invalid parameters for a request whose
/// parameters do not fit, else an invalid request.
pub(crate) fn parse(bytes: &[u8]) -> Result<ClientJsonRpcMessage, Box<ServerJsonRpcMessage>> {
    let message = serde_json::from_slice(bytes).map_err(|error| {
        Box::new(if error.is_data() {
            let id = serde_json::from_slice(bytes).ok().and_then(|with: WithId| with.id);
            ServerJsonRpcMessage::error(
                ErrorData::invalid_request("this is no request of the protocol", None),
                short(id),
            )
        } else {
            ServerJsonRpcMessage::error(ErrorData::parse_error("this is no JSON", None), None)
        })
    })?;
    if let ClientJsonRpcMessage::Request(request) = &message
        && let ClientRequest::CustomRequest(custom) = &request.request
        && METHODS.contains(&custom.method.as_str())
    {
        let why = format!("the parameters of `{}` do not fit", custom.method);
        let id = short(Some(request.id.clone()));
        return Err(Box::new(ServerJsonRpcMessage::error(
            ErrorData::invalid_params(why, None),
            id,
        )));
    }
    Ok(message)
}

/// Returns the answer to a message that is longer than `max` bytes.
pub(crate) fn too_long(max: usize) -> ServerJsonRpcMessage {
    let why = format!("a message has at most {max} bytes");
    ServerJsonRpcMessage::error(ErrorData::invalid_request(why, None), None)
}

fn short(id: Option<RequestId>) -> Option<RequestId> {
    id.filter(|id| match id {
        NumberOrString::String(text) => text.len() <= MAX_ID_BYTES,
        NumberOrString::Number(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer(bytes: &[u8]) -> Value {
        serde_json::to_value(*parse(bytes).unwrap_err()).unwrap()
    }

    #[test]
    fn what_is_no_message_gets_its_error() {
        let no_json: [&[u8]; 5] = [
            b"{",
            b"nonsense",
            b"\xff\xfe",
            b"",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"",
        ];
        for bytes in no_json {
            assert_eq!(answer(bytes)["error"]["code"], -32_700, "{bytes:?}");
        }
        for (value, id) in [
            (json!([]), json!(null)),
            (json!(3), json!(null)),
            (json!({ "id": 7 }), json!(7)),
            (json!({ "jsonrpc": "1.0", "id": "a", "method": "ping" }), json!("a")),
            (json!({ "jsonrpc": "2.0", "id": {}, "method": "ping" }), json!(null)),
            (
                json!({ "jsonrpc": "1.0", "id": "x".repeat(257), "method": "ping" }),
                json!(null),
            ),
        ] {
            let answer = answer(value.to_string().as_bytes());
            assert_eq!(answer["error"]["code"], -32_600, "{value}");
            assert_eq!(answer["id"], id, "{value}");
        }
        assert!(parse(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).is_ok());
        let unfit = json!({ "jsonrpc": "2.0", "id": 3, "method": "initialize", "params": { "protocolVersion": null } });
        let told = answer(unfit.to_string().as_bytes());
        assert_eq!((&told["error"]["code"], &told["id"]), (&json!(-32_602), &json!(3)));
    }

    #[test]
    fn what_is_nested_deeply_is_no_message() {
        let deep = "[".repeat(100_000);
        assert_eq!(answer(deep.as_bytes())["error"]["code"], -32_700);
    }
}
