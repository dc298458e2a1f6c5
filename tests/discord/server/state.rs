//! All that the server knows.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::bucket::Buckets;
use super::interaction::Interaction;
use super::message::Message;
use super::multipart::File;
use super::route::Route;
use super::session::Gateway;

/// The first second of 2015, from which Discord counts, in milliseconds since 1970.
const EPOCH_MS: u128 = 1_420_070_400_000;
/// How many requests a failure tells.
const LAST_REQUESTS: usize = 12;

/// What can be chosen about the server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The application's token.
    pub(crate) token: String,
    pub(crate) heartbeat_interval: Duration,
    /// How long an interaction waits for its first answer; Discord's is 3 seconds.
    pub(crate) answer_within: Duration,
    /// How long a token of an interaction can be used; Discord's is 15 minutes.
    pub(crate) token_lifetime: Duration,
    /// Whether the application may have the content of messages.
    pub(crate) message_content: bool,
    /// How many shards the gateway asks for.
    pub(crate) shards: u64,
    /// The most bytes of one file.
    pub(crate) upload_limit: usize,
}

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    pub(crate) route: Route,
    pub(crate) body: Value,
    /// The status of the answer.
    pub(crate) status: u16,
}

/// Everything that changes.
pub(crate) struct State {
    /// What the application did wrong.
    pub(crate) complaints: Vec<String>,
    /// The `code` of refusals that a case provokes: they are no complaints.
    pub(crate) expected_refusals: Vec<u64>,
    /// Requests that Discord fails to answer, each once: a method, and a path as [`Route::is`] has it.
    pub(crate) outages: Vec<(&'static str, &'static [&'static str])>,
    pub(crate) requests: Vec<Request>,
    /// The commands, with the guild that they are registered for.
    pub(crate) commands: BTreeMap<Option<u64>, Vec<Value>>,
    pub(crate) interactions: BTreeMap<u64, Interaction>,
    pub(crate) messages: BTreeMap<u64, Message>,
    /// The content of attachments by their id.
    pub(crate) files: HashMap<u64, File>,
    pub(crate) buckets: Buckets,
    pub(crate) gateway: Gateway,
    last_snowflake: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            complaints: Vec::new(),
            expected_refusals: Vec::new(),
            outages: Vec::new(),
            requests: Vec::new(),
            commands: BTreeMap::new(),
            interactions: BTreeMap::new(),
            messages: BTreeMap::new(),
            files: HashMap::new(),
            buckets: Buckets::default(),
            gateway: Gateway::new(),
            last_snowflake: 0,
        }
    }

    /// Returns a new id, higher than all before.
    pub(crate) fn snowflake(&mut self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = u64::try_from(now.as_millis().saturating_sub(EPOCH_MS)).unwrap_or_default() << 22;
        self.last_snowflake = since.max(self.last_snowflake + 1);
        self.last_snowflake
    }

    /// Tells the last requests, one a line.
    pub(super) fn last_requests(&self) -> String {
        let from = self.requests.len().saturating_sub(LAST_REQUESTS);
        let mut told = String::new();
        for request in &self.requests[from..] {
            let mut body = request.body.to_string();
            if body.len() > 300 {
                body = body.chars().take(300).chain(['…']).collect();
            }
            let ago = request.at.elapsed().as_millis();
            // Writing to a string never fails.
            let _ = writeln!(told, "  {ago} ms ago: {} -> {} {body}", request.route, request.status);
        }
        for complaint in &self.complaints {
            let _ = writeln!(told, "  complaint: {complaint}");
        }
        told
    }
}
