//! Answers that are not the protocol's own.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use rmcp::model::ServerJsonRpcMessage;

pub(super) type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Answers with a sentence.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Answer {
    with(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

/// Answers with nothing.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()).boxed());
    *answer.status_mut() = status;
    answer
}

/// Answers with a message of the protocol.
pub(super) fn message(status: StatusCode, message: &ServerJsonRpcMessage) -> Answer {
    with(
        status,
        "application/json",
        serde_json::to_vec(message).unwrap_or_default().into(),
    )
}

/// Asks for a token; whether there was one, and which, is not told.
pub(super) fn unauthorized() -> Answer {
    let answer = plain(StatusCode::UNAUTHORIZED, "a token is needed: `Authorization: Bearer …`");
    with_header(answer, WWW_AUTHENTICATE, "Bearer")
}

pub(super) fn too_many_sessions() -> Answer {
    let answer = plain(
        StatusCode::SERVICE_UNAVAILABLE,
        "this client has as many sessions as it may, and all are in use; end one with `DELETE`",
    );
    with_header(answer, RETRY_AFTER, "30")
}

fn with(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body).boxed());
    *answer.status_mut() = status;
    with_header(answer, CONTENT_TYPE, kind)
}

fn with_header(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}
