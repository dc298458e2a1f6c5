//! Metrics and health for machines, on an address of their own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::bot::Bot;

/// How many are served at once.
const MAX_CONNECTIONS: usize = 32;
/// How long one may take to ask, and to take the answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the engine is given to say that it is there.
const ENGINE_PATIENCE: Duration = Duration::from_secs(5);
/// How often what is measured is put together.
const UPKEEP: Duration = Duration::from_secs(5);

/// Listens, if it is to.
#[derive(Debug)]
pub(crate) struct Server {
    listener: Option<TcpListener>,
}

impl Server {
    pub(crate) async fn bind(address: Option<SocketAddr>) -> Result<Self, Error> {
        let listener = match address {
            Some(address) => {
                let bound = TcpListener::bind(address).await;
                Some(bound.map_err(|source| Error::Listen { address, source })?)
            }
            None => None,
        };
        Ok(Self { listener })
    }

    /// Serves until `closing`.
    pub(crate) async fn serve(self, bot: Arc<Bot>, closing: CancellationToken) {
        let Some(listener) = self.listener else {
            return;
        };
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("what is measured goes elsewhere already");
        }
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
            let (Ok((stream, _)), Ok(permit)) = (accepted, Arc::clone(&room).try_acquire_owned()) else {
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
    if request.method() != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is known\n");
    }
    match request.uri().path() {
        "/metrics" => text(StatusCode::OK, metrics.render()),
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" => match unready(bot).await {
            None => text(StatusCode::OK, "ready\n"),
            Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
        },
        _ => text(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n"),
    }
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
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
