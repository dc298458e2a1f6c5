//! What a user sees of a message, as text.

use serde_json::Value;

use crate::server::Message;

/// A message as it is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) id: u64,
    pub(crate) content: String,
    /// The names and sizes in bytes.
    pub(crate) files: Vec<(String, u64)>,
    /// The labels of buttons that can be pressed.
    pub(crate) buttons: Vec<String>,
    pub(crate) is_private: bool,
    pub(crate) is_loading: bool,
}

impl View {
    pub(crate) fn of(message: &Message) -> Self {
        let body = &message.body;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut content = text(&body["content"]);
        for embed in list(&body["embeds"]) {
            for part in [&embed["title"], &embed["description"]] {
                content = content + "\n" + &text(part);
            }
            for field in list(&embed["fields"]) {
                content = content + "\n" + &text(&field["name"]) + ": " + &text(&field["value"]);
            }
            content = content + "\n" + &text(&embed["footer"]["text"]);
        }
        let buttons = list(&body["components"])
            .into_iter()
            .flat_map(|row| list(&row["components"]));
        Self {
            id: message.id,
            content,
            files: list(&body["attachments"])
                .iter()
                .map(|file| (text(&file["filename"]), file["size"].as_u64().unwrap_or(0)))
                .collect(),
            buttons: buttons
                .filter(|button| button["disabled"] != true)
                .map(|button| text(&button["label"]))
                .collect(),
            is_private: message.is_ephemeral(),
            is_loading: message.is_loading(),
        }
    }

    pub(crate) fn has_button(&self, label: &str) -> bool {
        self.buttons.iter().any(|button| button == label)
    }

    /// Returns whether nothing more will come: there is an answer, and nothing to stop.
    pub(crate) fn is_final(&self) -> bool {
        !self.is_loading && !self.has_button("Stop")
    }

    /// Returns all of it, without what differs from time to time.
    pub(crate) fn snapshot(&self) -> String {
        let mut text = normal(&self.content);
        for (name, size) in &self.files {
            text = text + "\n[file] " + name + ", " + &size.to_string() + " bytes";
        }
        if !self.buttons.is_empty() {
            text = text + "\n[buttons] " + &self.buttons.join(" | ");
        }
        if self.is_private {
            text += "\n[only you can see this]";
        }
        text + "\n"
    }
}

/// What comes after a number that is measured.
const UNITS: &[&str] = &["ms", "s", "min", "KiB", "MiB", "GiB", "KB", "MB", "B"];

/// Writes `N` for each number that is measured.
fn normal(text: &str) -> String {
    let mut normal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        normal += before;
        let end = number
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(number.len());
        let (digits, after) = number.split_at(end);
        let is_word = before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        let word = after.strip_prefix(' ').unwrap_or(after);
        let unit: &str = &word[..word
            .find(|letter: char| !letter.is_alphanumeric())
            .unwrap_or(word.len())];
        let is_measured = !is_word && UNITS.contains(&unit) || before.ends_with("<t:");
        normal += if is_measured { "N" } else { digits };
        rest = after;
    }
    normal += rest;
    // Of a program that was stopped the engine may know no more.
    for usage in [" · CPU N s", " · memory N KiB", " · memory N MiB"] {
        normal = normal.replace(usage, "");
    }
    normal
}
