//! The HTTP side: requests in, answers out, all of it recorded.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::answer::{self, Answer};
use super::bucket::{Refusal, Scope, Standing};
use super::multipart::{self, File};
use super::route::Route;
use super::state::Request;
use super::{Server, callback, command, gateway, message, people, webhook};

/// The most bytes of a request: ten files of the largest size and the rest of a form.
const MAX_REQUEST_BYTES: usize = 128 << 20;

pub(super) async fn serve(listener: TcpListener, server: Arc<Server>) {
    // Connections end with this task.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Small answers must not wait for the next.
        drop(stream.set_nodelay(true));
        let server = Arc::clone(&server);
        connections.spawn(async move {
            let service = service_fn(|request| respond(Arc::clone(&server), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            // Who asked may have gone.
            drop(connection.await);
        });
    }
}

async fn respond(server: Arc<Server>, request: HttpRequest<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if path == "/gateway" {
        return Ok(gateway::upgrade(server, request));
    }
    if let Some(rest) = path.strip_prefix("/attachments/") {
        return Ok(attachment(&server, rest));
    }
    let at = Instant::now();
    let target = request
        .uri()
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let Some(route) = Route::read(request.method().as_str(), &target) else {
        server.complain(format!("{} {target} is not below `/api/v10`", request.method()));
        return Ok(response(&answer::unknown_route(), None));
    };
    let header = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let (kind, authorization) = (header(CONTENT_TYPE).to_owned(), header(AUTHORIZATION).to_owned());
    let is_bot = header(USER_AGENT).starts_with("DiscordBot (");
    let body = Limited::new(request.into_body(), MAX_REQUEST_BYTES).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let read = multipart::read(&kind, &body);
    let (payload, files) = read.clone().unwrap_or_default();

    if !is_bot {
        server.complain(format!("{route} has no user agent as Discord asks for"));
    }
    if target.contains(&server.settings.token) || payload.to_string().contains(&server.settings.token) {
        server.complain(format!("{route} has the token where it does not belong"));
    }
    if let Some(schema) = &server.schema {
        let is_form = kind.starts_with("multipart/");
        for broken in schema.check(&route, &payload, is_form) {
            server.complain(format!("{route} breaks Discord's schema: {broken}"));
        }
    }
    let (counted, early) = server.change(|state| state.buckets.count(&route, at));
    if let Some(early) = early {
        server.complain(early);
    }
    let (answer, response) = match counted {
        Err(refusal) => limited(refusal),
        Ok(standing) => {
            let outage = server.change(|state| {
                let at = state
                    .outages
                    .iter()
                    .position(|(method, template)| route.is(method, template));
                at.map(|at| state.outages.remove(at))
            });
            let answer = match read {
                _ if outage.is_some() => answer::unavailable(),
                Err(why) => answer::not_json(&why),
                Ok(_) => handle(&server, &route, &authorization, &payload, &files).unwrap_or_else(|refusal| refusal),
            };
            let response = response(&answer, standing.as_ref());
            (answer, response)
        }
    };
    server.change(|state| {
        if let Answer::Refused(status, code, why) = &answer
            && ![429, 503].contains(status)
            && !state.expected_refusals.contains(code)
        {
            state
                .complaints
                .push(format!("{route} was refused: {status} {code} {why}: {payload}"));
        }
        state.requests.push(Request {
            at,
            body: payload,
            status: answer.status(),
            route,
        });
    });
    Ok(response)
}

fn handle(
    server: &Server,
    route: &Route,
    authorization: &str,
    payload: &Value,
    files: &[File],
) -> answer::Result<Answer> {
    let is_open = matches!(
        route.path().as_slice(),
        ["interactions", ..] | ["webhooks", _, _, ..] | ["gateway"]
    );
    if !is_open && authorization != format!("Bot {}", server.settings.token) {
        return Err(answer::unauthorized());
    }
    let method = route.method.as_str();
    match (method, route.path().as_slice()) {
        ("GET", ["gateway", rest @ ..]) => Ok(Answer::Json(gateway::address(server, rest == ["bot"]))),
        ("GET", ["users", "@me"]) => Ok(Answer::Json(people::bot())),
        ("GET", ["applications" | "oauth2", ..]) if route.segments.last().is_some_and(|last| last == "@me") => {
            Ok(Answer::Json(people::application(server.settings.message_content)))
        }
        (_, ["applications", application, rest @ ..]) => command::handle(server, method, application, rest, payload),
        ("POST", ["interactions", id, token, "callback"]) => {
            callback::handle(server, id, token, payload, files, route.flag("with_response"))
        }
        (_, ["webhooks", application, token, rest @ ..]) => {
            webhook::handle(server, method, application, token, rest, payload, files)
        }
        ("POST", ["users", "@me", "channels"]) => people::direct(payload).map(Answer::Json),
        (_, ["channels", channel, rest @ ..]) => message::handle(server, method, channel, rest, payload, files),
        ("GET", ["guilds", guild, rest @ ..]) => people::of_guild(guild, rest).map(Answer::Json),
        _ => Err(answer::unknown_route()),
    }
}

fn response(answer: &Answer, standing: Option<&Standing>) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status());
    if let Some(standing) = standing {
        let after = standing.reset_after.as_secs_f64();
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let reset = since_1970.map(|now| now.as_secs_f64()).unwrap_or_default() + after;
        builder = builder
            .header("X-RateLimit-Limit", standing.limit)
            .header("X-RateLimit-Remaining", standing.remaining)
            .header("X-RateLimit-Reset", format!("{reset:.3}"))
            .header("X-RateLimit-Reset-After", format!("{after:.3}"))
            .header("X-RateLimit-Bucket", hash(&standing.bucket));
    }
    finish(builder, answer.body())
}

fn limited(refusal: Refusal) -> (Answer, Response<Full<Bytes>>) {
    let seconds = refusal.retry_after.as_secs_f64();
    let is_global = refusal.scope == Scope::Global;
    let message = "You are being rate limited.";
    let mut builder = Response::builder()
        .status(429)
        // The header has whole seconds, the body has the rest.
        .header("Retry-After", format!("{}", seconds.ceil()))
        .header("X-RateLimit-Scope", refusal.scope.name());
    if is_global {
        builder = builder.header("X-RateLimit-Global", "true");
    } else {
        builder = builder
            .header("X-RateLimit-Limit", 5)
            .header("X-RateLimit-Remaining", 0)
            .header("X-RateLimit-Reset-After", format!("{seconds:.3}"));
    }
    let body = json!({"message": message, "retry_after": seconds, "global": is_global});
    (Answer::Refused(429, 0, message.to_owned()), finish(builder, Some(body)))
}

fn finish(builder: hyper::http::response::Builder, body: Option<Value>) -> Response<Full<Bytes>> {
    let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    let built = builder.header(CONTENT_TYPE, "application/json").body(Full::new(bytes));
    built.unwrap_or_default()
}

/// Returns a name that tells nothing, as Discord's do.
fn hash(bucket: &str) -> String {
    let template: String = bucket.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    format!("{:016x}", template.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
}

fn attachment(server: &Server, path: &str) -> Response<Full<Bytes>> {
    let id = path.split('/').nth(1).and_then(|id| id.parse().ok()).unwrap_or(0);
    let Some(file) = server.state().files.get(&id).cloned() else {
        return response(&answer::unknown_route(), None);
    };
    let built = Response::builder()
        .header(CONTENT_TYPE, file.kind)
        .body(Full::new(Bytes::from(file.bytes)));
    built.unwrap_or_default()
}
