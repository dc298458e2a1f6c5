//! A Discord for tests: the HTTP API and the gateway of one application, on a port of this host.
//!
//! It keeps to what Discord documents and does, where a bot can tell: deadlines, limits, orders, refusals. What a bot
//! should never do is kept as a complaint, and a case fails on it.

mod answer;
mod bucket;
mod callback;
mod check;
mod command;
mod event;
mod gateway;
mod http;
mod interaction;
mod message;
mod multipart;
mod openapi;
mod people;
mod place;
mod post;
mod route;
mod session;
mod state;
mod webhook;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) use bucket::{Injected, Scope};
pub(crate) use event::Fault;
pub(crate) use interaction::{Input, Interaction};
pub(crate) use message::Message;
pub(crate) use multipart::File;
pub(crate) use openapi::{INLINE_DISCORD_OPENAPI, Schema};
pub(crate) use people::{BOT, GUILD, MODERATOR, Person};
pub(crate) use place::{Place, SECRET};
pub(crate) use route::Route;
pub(crate) use session::Session;
pub(crate) use state::{Settings, State};

/// Stops when the last of its clones is dropped.
#[derive(Clone)]
pub(crate) struct Discord(Arc<Inner>);

struct Inner {
    server: Arc<Server>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the tasks of the server share.
pub(crate) struct Server {
    pub(crate) settings: Settings,
    pub(crate) address: SocketAddr,
    schema: Option<Arc<Schema>>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

impl Discord {
    /// Begins to serve.
    pub(crate) async fn start(settings: Settings) -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = Arc::new(Server {
            address: listener.local_addr()?,
            schema: Schema::load()?,
            state: Mutex::new(State::new()),
            changed: watch::Sender::new(()),
            settings,
        });
        let task = tokio::spawn(http::serve(listener, Arc::clone(&server)));
        Ok(Self(Arc::new(Inner { server, task })))
    }

    /// Returns what the application has for `https://discord.com`.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.0.server.address)
    }

    /// Returns what the tasks share.
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.0.server
    }

    /// Looks at the state.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.server.state())
    }

    /// Changes the state.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.0.server.change(change)
    }

    /// Waits until `probe` finds something.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        within: Duration,
        mut probe: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, Failed> {
        let mut changed = self.0.server.changed.subscribe();
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = self.look(&mut probe) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            // A change that comes with the time alone is seen as well.
            let pause = left.min(Duration::from_millis(200));
            if left.is_zero() {
                let last = self.look(State::last_requests);
                return Err(format!("{what} did not happen within {within:?}; the last requests:\n{last}").into());
            }
            drop(tokio::time::timeout(pause, changed.changed()).await);
        }
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.send_replace(());
        result
    }

    fn complain(&self, why: String) {
        self.change(|state| state.complaints.push(why));
    }
}
