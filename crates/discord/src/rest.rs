//! Discord's REST interface, as far as the bot needs it.
//!
//! It is reached by a client of our own, since serenity's keeps its limits per kind of request: the answers of all users
//! would wait for each other, and its limits do not hold where requests go elsewhere than to Discord itself.

mod bucket;
mod error;
mod limiter;
mod route;
mod token;

use std::time::Duration;

use bytes::Bytes;
use metrics::counter;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;
use tokio::time::sleep;

pub(crate) use error::RestError;
use limiter::{Limiter, Turn};
pub(crate) use route::Route;
pub use token::Token;

use crate::message::File;
use crate::metric;

/// Where Discord is.
const DISCORD: &str = "https://discord.com";
const API: &str = "/api/v10";
/// The hosts of what users attach.
const ATTACHMENT_HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// The bound on a call that sends or receives files.
const FILES_TIMEOUT: Duration = Duration::from_mins(2);
/// How often a call is tried where Discord itself is in trouble.
const ATTEMPTS: u32 = 3;
/// How often a call waits because there were too many.
const MAX_WAITS: u32 = 20;
/// The most of an answer that is read.
const MAX_ANSWER_BYTES: usize = 4 << 20;
const USER_AGENT: &str = concat!(
    "DiscordBot (https://github.com/inline-sandbox/inline, ",
    env!("CARGO_PKG_VERSION"),
    ")"
);

/// Speaks to Discord, within its limits.
#[derive(Debug)]
pub(crate) struct Rest {
    client: Client,
    origin: Url,
    token: Token,
    limiter: Limiter,
}

/// Holds what a call sends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    None,
    Json(&'a Value),
    /// JSON with files; without any it is JSON alone.
    Files(&'a Value, &'a [File]),
}

impl Rest {
    /// Creates a client of Discord, or of what stands for it at `origin`.
    pub(crate) fn new(token: Token, origin: Option<&str>) -> Result<Self, RestError> {
        let origin = Url::parse(origin.unwrap_or(DISCORD))
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or(RestError::Origin)?;
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect could lead the token, or a download, anywhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(RestError::unreachable)?;
        Ok(Self {
            client,
            origin,
            token,
            limiter: Limiter::default(),
        })
    }

    /// Returns the origin without a slash at its end.
    pub(crate) fn origin(&self) -> &str {
        self.origin.as_str().trim_end_matches('/')
    }

    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    /// Makes a call, in its turn, and again where that helps; returns what was answered, `null` for nothing.
    pub(crate) async fn call(&self, route: Route<'_>, body: Body<'_>) -> Result<Value, RestError> {
        let mut failures = 0;
        let mut waits = 0;
        loop {
            let turn = self.limiter.turn(route.bucket()).await;
            let attempted = self.attempt(route, body, &turn).await;
            drop(turn);
            match attempted {
                Ok(answer) => return Ok(answer),
                Err(RestError::TooMany { after }) if waits < MAX_WAITS => {
                    waits += 1;
                    sleep(after).await;
                }
                Err(error) if error.is_passing() && failures + 1 < ATTEMPTS => {
                    failures += 1;
                    sleep(Duration::from_millis(250) * 2_u32.pow(failures)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn attempt(&self, route: Route<'_>, body: Body<'_>, turn: &Turn<'_>) -> Result<Value, RestError> {
        let url = format!("{}{API}{}", self.origin(), route.path());
        let mut request = self.client.request(route.method(), url);
        if !route.has_own_token() {
            request = request.header(AUTHORIZATION, self.token.header());
        }
        request = match body {
            Body::None => request.timeout(CALL_TIMEOUT),
            Body::Json(json) | Body::Files(json, []) => request
                .timeout(CALL_TIMEOUT)
                .header(CONTENT_TYPE, "application/json")
                .body(json.to_string()),
            Body::Files(json, files) => request.timeout(FILES_TIMEOUT).multipart(form(json, files)?),
        };
        let response = request.send().await.map_err(RestError::unreachable)?;
        let status = response.status();
        counter!(metric::CALLS, "status" => status.as_str().to_owned()).increment(1);
        turn.learn(response.headers());
        let headers = response.headers().clone();
        let answer = read(response, MAX_ANSWER_BYTES).await?;
        if status.is_success() {
            // Some calls are answered with nothing.
            return Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null));
        }
        let answer: Value = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        if status == StatusCode::TOO_MANY_REQUESTS {
            counter!(metric::RATE_LIMITED).increment(1);
            let after = retry_after(&headers, &answer);
            turn.hold(after, is_global(&headers, &answer));
            return Err(RestError::TooMany { after });
        }
        Err(RestError::refused(status.as_u16(), &answer))
    }

    /// Fetches what a user has attached, if it has at most `max_bytes`.
    pub(crate) async fn fetch(&self, url: &str, max_bytes: u64) -> Result<Bytes, RestError> {
        let url = Url::parse(url).map_err(|_| RestError::Attachment)?;
        let is_ours = url.origin() == self.origin.origin();
        let is_discords =
            url.scheme() == "https" && url.host_str().is_some_and(|host| ATTACHMENT_HOSTS.contains(&host));
        if !is_ours && !is_discords {
            return Err(RestError::Attachment);
        }
        let sent = self.client.get(url).timeout(FILES_TIMEOUT).send().await;
        let response = sent.map_err(RestError::unreachable)?;
        if !response.status().is_success() {
            return Err(RestError::Attachment);
        }
        read(response, usize::try_from(max_bytes).unwrap_or(usize::MAX)).await
    }
}

fn form(json: &Value, files: &[File]) -> Result<Form, RestError> {
    let payload = Part::text(json.to_string())
        .mime_str("application/json")
        .map_err(RestError::unreachable)?;
    let form = Form::new().part("payload_json", payload);
    Ok(files.iter().enumerate().fold(form, |form, (number, file)| {
        let length = file.content.len() as u64;
        let part = Part::stream_with_length(file.content.clone(), length).file_name(file.name.clone());
        form.part(format!("files[{number}]"), part)
    }))
}

async fn read(mut response: Response, max_bytes: usize) -> Result<Bytes, RestError> {
    let mut content = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(RestError::unreachable)? {
        if content.len() + chunk.len() > max_bytes {
            return Err(RestError::TooLarge { max: max_bytes as u64 });
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.into())
}

fn retry_after(headers: &HeaderMap, answer: &Value) -> Duration {
    /// Nobody waits longer for one message.
    const MAX: f64 = 60.0;
    const DEFAULT: f64 = 1.0;
    let header = headers
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let seconds = answer["retry_after"].as_f64().or(header).unwrap_or(DEFAULT);
    Duration::from_secs_f64(if seconds.is_finite() {
        seconds.clamp(0.05, MAX)
    } else {
        DEFAULT
    })
}

fn is_global(headers: &HeaderMap, answer: &Value) -> bool {
    headers.contains_key("x-ratelimit-global") || answer["global"].as_bool() == Some(true)
}
