//! A message as the bot sends it.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::custom_id::CustomId;
use crate::show::fitting;

/// The most buttons of a row, and there is one row.
const MAX_BUTTONS: usize = 5;
/// The most files that Discord takes with one message.
pub(crate) const MAX_FILES: usize = 10;
const ACTION_ROW: u8 = 1;
const BUTTON: u8 = 2;
const EPHEMERAL: u64 = 1 << 6;

/// Holds what a message says, carries and offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) content: String,
    pub(crate) files: Vec<File>,
    pub(crate) buttons: Vec<Button>,
}

/// Is a file that a message carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: Bytes,
}

/// Is a button below a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Button {
    label: &'static str,
    style: Style,
    id: String,
}

/// Says how a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Primary = 1,
    Secondary = 2,
    Danger = 4,
}

impl Message {
    pub(crate) fn new(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            ..Self::default()
        }
    }

    pub(crate) fn with_file(mut self, name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        self.files.push(File {
            name: name.into(),
            content: content.into(),
        });
        self
    }

    /// Adds a button, if what it carries is not too long.
    pub(crate) fn with_button(mut self, label: &'static str, style: Style, id: &CustomId) -> Self {
        if let Some(id) = id.text().filter(|_| self.buttons.len() < MAX_BUTTONS) {
            self.buttons.push(Button { label, style, id });
        }
        self
    }

    /// Returns the body that replaces all of a message, also what an earlier state had; nobody is ever mentioned.
    pub(crate) fn body(&self) -> Value {
        let attachments: Vec<Value> = self
            .files
            .iter()
            .enumerate()
            .map(|(number, file)| json!({"id": number.to_string(), "filename": file.name}))
            .collect();
        let buttons: Vec<Value> = self
            .buttons
            .iter()
            .map(|button| {
                json!({
                    "type": BUTTON,
                    "style": button.style as u8,
                    "label": button.label,
                    "custom_id": button.id,
                })
            })
            .collect();
        let rows = if buttons.is_empty() {
            json!([])
        } else {
            json!([{"type": ACTION_ROW, "components": buttons}])
        };
        json!({
            "content": fitting(&self.content),
            "allowed_mentions": {"parse": []},
            "components": rows,
            "attachments": attachments,
        })
    }

    /// Returns the body of a new message.
    pub(crate) fn new_body(&self, is_private: bool) -> Value {
        let mut body = self.body();
        if is_private {
            body["flags"] = EPHEMERAL.into();
        }
        body
    }
}

/// Returns the data of an answer that is yet to come.
pub(crate) fn deferred(is_private: bool) -> Value {
    if is_private {
        json!({"flags": EPHEMERAL})
    } else {
        json!({})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_mentioned_and_nothing_of_before_stays() {
        let body = Message::new("hi").body();
        assert_eq!(
            body,
            json!({"content": "hi", "allowed_mentions": {"parse": []}, "components": [], "attachments": []})
        );
    }

    #[test]
    fn buttons_and_files_are_named() {
        let message = Message::new("hi").with_file("a.txt", "x").with_button(
            "Delete",
            Style::Danger,
            &CustomId::Delete { user: 1 },
        );
        let body = message.new_body(true);
        assert_eq!(body["attachments"], json!([{"id": "0", "filename": "a.txt"}]));
        assert_eq!(body["components"][0]["components"][0]["custom_id"], "il:delete:1");
        assert_eq!(body["components"][0]["components"][0]["style"], 4);
        assert_eq!(body["flags"], 64);
    }
}
