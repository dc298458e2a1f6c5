//! Web pages that may use the server, and what their browsers ask for first (CORS).

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue,
    ORIGIN, VARY,
};
use http::{Method, StatusCode};

use super::answers::{self, Answer};
use crate::McpConfig;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, Last-Event-ID, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Mcp-Session-Id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate");
/// For how many seconds a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const DEFAULT_PORTS: [(&str, &str); 2] = [("https", "443"), ("http", "80")];

/// Knows the origins of the web pages that may use the server.
#[derive(Debug)]
pub(super) struct Origins(Vec<String>);

impl Origins {
    pub(super) fn new(config: &McpConfig) -> Self {
        Self(config.allowed_origins.clone())
    }

    /// Returns the origin of the page that a request comes from, if that is one that may.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        self.0
            .iter()
            .any(|allowed| matches(allowed, text))
            .then(|| origin.clone())
    }
}

/// Returns whether `origin`, as browsers write it, is the `allowed` one, which always has a port.
fn matches(allowed: &str, origin: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else {
        return false;
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => {
            let default = DEFAULT_PORTS.iter().find(|(known, _)| *known == scheme);
            (host, default.map_or("", |(_, port)| *port))
        }
    };
    let Some((allowed, allowed_port)) = allowed.rsplit_once(':') else {
        return false;
    };
    let is_port = allowed_port == "*" || allowed_port == port;
    is_port && allowed.eq_ignore_ascii_case(&format!("{scheme}://{host}"))
}

/// Returns whether a browser asks whether it may ask.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Says that it may; who it is, the request itself will tell.
pub(super) fn preflight() -> Answer {
    let mut answer = answers::empty(StatusCode::NO_CONTENT);
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    answer
}

/// Lets the page of `origin` read `answer`.
pub(super) fn open_to(origin: HeaderValue, answer: &mut Answer) {
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_its_scheme_host_and_port() {
        let allowed = "https://app.example.com:443";
        assert!(matches(allowed, "https://app.example.com") && matches(allowed, "https://app.example.com:443"));
        assert!(matches("http://localhost:*", "http://localhost:5173"));
        assert!(matches("http://[::1]:80", "http://[::1]"));
        for other in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
            "https://evil.example",
            "null",
            "",
        ] {
            assert!(!matches(allowed, other), "{other}");
        }
    }
}
