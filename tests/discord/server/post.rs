//! Messages of users.

use libtest_mimic::Failed;
use serde_json::json;

use super::Discord;
use super::answer::Answer;
use super::message::Origin;
use super::people::Person;
use super::place::Place;

impl Discord {
    /// Writes a message, and returns its id.
    pub(crate) fn post(&self, person: Person, place: Place, content: &str) -> Result<u64, Failed> {
        let origin = Origin {
            place,
            author: Some(person),
            interaction: None,
            is_promise: false,
        };
        self.server()
            .create(&origin, &json!({"content": content}), &[])
            .map_err(failed)
    }

    /// Writes a message anew.
    pub(crate) fn rewrite(&self, message: u64, content: &str) -> Result<(), Failed> {
        let payload = json!({"content": content, "allowed_mentions": {"parse": []}});
        self.server().edit(message, &payload, &[]).map(drop).map_err(failed)
    }

    /// Takes a message away.
    pub(crate) fn take_back(&self, message: u64) -> Result<(), Failed> {
        self.server().delete(message).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(refusal: Answer) -> Failed {
    format!("{refusal:?}").into()
}
