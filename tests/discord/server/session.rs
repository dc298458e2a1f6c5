//! The sessions of the gateway, which outlive their connections.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::event::Fault;

/// The intents that matter here.
pub(crate) struct Intents;

impl Intents {
    pub(crate) const GUILDS: u64 = 1;
    pub(crate) const GUILD_MEMBERS: u64 = 1 << 1;
    pub(crate) const GUILD_PRESENCES: u64 = 1 << 8;
    pub(crate) const GUILD_MESSAGES: u64 = 1 << 9;
    pub(crate) const DIRECT_MESSAGES: u64 = 1 << 12;
    pub(crate) const MESSAGE_CONTENT: u64 = 1 << 15;
}

/// What goes down a connection.
#[derive(Debug)]
pub(super) enum Down {
    Payload(Value),
    Fault(Fault),
}

/// What the gateway knows.
pub(crate) struct Gateway {
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) identified: Vec<Instant>,
    pub(crate) resumed: Vec<Instant>,
    /// How many heartbeats came.
    pub(crate) beats: usize,
    /// The most that a heartbeat came after its time.
    pub(crate) latest: Duration,
}

/// A session.
pub(crate) struct Session {
    pub(crate) shard: (u64, u64),
    pub(crate) intents: u64,
    sequence: u64,
    /// All that was sent, for whoever comes back.
    events: Vec<Value>,
    sender: Option<UnboundedSender<Down>>,
}

impl Gateway {
    pub(super) fn new() -> Self {
        Self {
            sessions: BTreeMap::new(),
            identified: Vec::new(),
            resumed: Vec::new(),
            beats: 0,
            latest: Duration::ZERO,
        }
    }
}

impl Session {
    pub(super) fn new(shard: (u64, u64), intents: u64, sender: UnboundedSender<Down>) -> Self {
        Self {
            shard,
            intents,
            sequence: 0,
            events: Vec::new(),
            sender: Some(sender),
        }
    }

    /// Sends an event, or keeps it for when the application is back.
    pub(super) fn dispatch(&mut self, name: &str, data: &Value) {
        self.sequence += 1;
        let payload = json!({"op": 0, "s": self.sequence, "t": name, "d": data});
        self.send(Down::Payload(payload.clone()));
        self.events.push(payload);
    }

    pub(super) fn send(&self, down: Down) {
        if let Some(sender) = &self.sender {
            // The connection may have ended.
            drop(sender.send(down));
        }
    }

    /// Gives the session to another connection, and sends what was missed.
    pub(super) fn resume(&mut self, seen: u64, sender: UnboundedSender<Down>) {
        self.sender = Some(sender);
        for event in &self.events {
            if event["s"].as_u64() > Some(seen) {
                self.send(Down::Payload(event.clone()));
            }
        }
        self.dispatch("RESUMED", &json!({}));
    }

    /// Returns whether there is a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }
}
