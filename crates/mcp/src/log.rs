//! What a client is told beside its results: MCP logging. The operator's own log is on standard error.

#![expect(
    deprecated,
    reason = "clients of the handshake still show log messages; later ones ask for them by request"
)]

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam, ProtocolVersion, SetLevelRequestParams};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;

use crate::departure;

const LOGGER: &str = "inline";
/// How long a client may take to be told.
const PATIENCE: Duration = Duration::from_secs(1);
/// The levels in the order of their weight.
const LEVELS: [LoggingLevel; 8] = [
    LoggingLevel::Debug,
    LoggingLevel::Info,
    LoggingLevel::Notice,
    LoggingLevel::Warning,
    LoggingLevel::Error,
    LoggingLevel::Critical,
    LoggingLevel::Alert,
    LoggingLevel::Emergency,
];

/// Tells one connection what is logged, from the level on that it has set; `info` until then.
#[derive(Debug)]
pub(crate) struct Log {
    least: AtomicU8,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            least: AtomicU8::new(weight(LoggingLevel::Info)),
        }
    }
}

impl Log {
    pub(crate) fn set_level(&self, request: &SetLevelRequestParams) {
        self.least.store(weight(request.level), Ordering::Relaxed);
    }

    /// Tells what happens.
    pub(crate) async fn info(&self, context: &RequestContext<RoleServer>, data: Value) {
        self.tell(context, LoggingLevel::Info, data).await;
    }

    /// Tells what does not work, and is the operator's to mend.
    pub(crate) async fn error(&self, context: &RequestContext<RoleServer>, data: Value) {
        self.tell(context, LoggingLevel::Error, data).await;
    }

    async fn tell(&self, context: &RequestContext<RoleServer>, level: LoggingLevel, data: Value) {
        if self.least_of(context).is_none_or(|least| weight(level) < least) {
            return;
        }
        let message = LoggingMessageNotificationParam::new(level, data).with_logger(LOGGER);
        // A client that does not take it goes without.
        let telling = context.peer.notify_logging_message(message);
        drop(departure::tell(context, PATIENCE, telling).await);
    }

    /// Returns the least weight that is told; `None` for nothing.
    fn least_of(&self, context: &RequestContext<RoleServer>) -> Option<u8> {
        if let Some(level) = context.meta.log_level() {
            return Some(weight(level));
        }
        // Since that version, whoever wants messages says so in each request.
        let asks_each_time = context
            .protocol_version()
            .is_none_or(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
        (!asks_each_time).then(|| self.least.load(Ordering::Relaxed))
    }
}

fn weight(level: LoggingLevel) -> u8 {
    (0..)
        .zip(LEVELS)
        .find(|(_, known)| *known == level)
        .map_or(0, |(weight, _)| weight)
}
