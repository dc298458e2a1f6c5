//! Metrics and health for machines, on an address of their own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::bot::Bot;

/// How many are served at once.
const MAX_CONNECTIONS: usize = 32;
/// How long one may take to ask, and to take the answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long nobody is served after the system has refused a connection, as it does where too many files are open.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the engine is given to say that it is there.
const ENGINE_PATIENCE: Duration = Duration::from_secs(5);
/// How often what is measured is put together.
const UPKEEP: Duration = Duration::from_secs(5);
/// The bounds of histograms, which all measure seconds.
const BUCKETS: [f64; 13] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
];
/// The version of what Prometheus reads.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Listens, and keeps what is measured from then on.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    metrics: PrometheusHandle,
}

impl Server {
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, Error> {
        let bound = TcpListener::bind(address).await;
        let listener = bound.map_err(|source| Error::Listen { address, source })?;
        let builder = PrometheusBuilder::new();
        // They are refused where there are none.
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_default();
        let recorder = builder.build_recorder();
        let metrics = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("what is measured goes elsewhere already");
        }
        Ok(Self { listener, metrics })
    }

    /// Serves until `closing`.
    pub(crate) async fn serve(self, bot: Arc<Bot>, closing: CancellationToken) {
        let Self { listener, metrics } = self;
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut upkeep = interval(UPKEEP);
        loop {
            let accepted = tokio::select! {
                () = closing.cancelled() => return,
                _ = upkeep.tick() => {
                    metrics.run_upkeep();
                    continue;
                }
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection for metrics or health was refused");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                continue;
            };
            let (bot, metrics) = (Arc::clone(&bot), metrics.clone());
            drop(tokio::spawn(async move {
                drop(timeout(CONNECTION_TIMEOUT, connection(stream, bot, metrics)).await);
                drop(permit);
            }));
        }
    }
}

async fn connection(stream: TcpStream, bot: Arc<Bot>, metrics: PrometheusHandle) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let (bot, metrics) = (Arc::clone(&bot), metrics.clone());
        async move { Ok::<_, Infallible>(respond(&request, &bot, &metrics).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection for metrics or health broke off");
    }
}

async fn respond(request: &Request<Incoming>, bot: &Bot, metrics: &PrometheusHandle) -> Response<Full<Bytes>> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are known\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => {
            measure_load(bot);
            let mut response = text(StatusCode::OK, metrics.render());
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(PROMETHEUS));
            response
        }
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" => match unready(bot).await {
            None => text(StatusCode::OK, "ready\n"),
            Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
        },
        _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n"),
    }
}

/// Measures what goes on at this moment: the service does so once a minute, which for a run is long.
fn measure_load(bot: &Bot) {
    let load = bot.service.load();
    let number = |count| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    gauge!(inline_sandbox::metric::RUNNING).set(number(load.running));
    gauge!(inline_sandbox::metric::WAITING).set(number(load.waiting));
}

/// Returns why the bot is not ready.
async fn unready(bot: &Bot) -> Option<&'static str> {
    if bot.closing.is_cancelled() {
        return Some("ending\n");
    }
    if !bot.shards.are_connected() {
        return Some("not connected to discord\n");
    }
    match timeout(ENGINE_PATIENCE, bot.service.runtime().info()).await {
        Ok(Ok(_)) => None,
        _ => Some("the engine does not answer\n"),
    }
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN));
    response
}
