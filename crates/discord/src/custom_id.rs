//! What buttons and editors carry, so that they work after a restart too.

/// The longest that Discord takes.
const MAX: usize = 100;
const OURS: &str = "il";

/// Says what a button, or a form that is sent, is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CustomId {
    /// Stops the run.
    Stop { run: String, user: u64 },
    /// Runs the program again.
    Rerun { run: String, user: u64 },
    /// Shows the whole output.
    Full { run: String, user: u64 },
    /// Deletes the answer.
    Delete { user: u64 },
    /// Shows another page of a directory, of the current one if `path` is empty.
    Page { user: u64, offset: usize, path: String },
    /// Deletes the sandbox.
    Wipe { user: u64 },
    /// Keeps the sandbox.
    Keep { user: u64 },
    /// The form in which a program is written; `input` is the interaction that a file came with.
    Editor {
        language: String,
        private: bool,
        input: Option<u64>,
    },
}

impl CustomId {
    /// Returns the text, if it is not too long for Discord.
    pub(crate) fn text(&self) -> Option<String> {
        let text = match self {
            Self::Stop { run, user } => format!("{OURS}:stop:{run}:{user}"),
            Self::Rerun { run, user } => format!("{OURS}:rerun:{run}:{user}"),
            Self::Full { run, user } => format!("{OURS}:full:{run}:{user}"),
            Self::Delete { user } => format!("{OURS}:delete:{user}"),
            Self::Page { user, offset, path } => format!("{OURS}:page:{user}:{offset}:{path}"),
            Self::Wipe { user } => format!("{OURS}:wipe:{user}"),
            Self::Keep { user } => format!("{OURS}:keep:{user}"),
            Self::Editor {
                language,
                private,
                input,
            } => {
                let input = input.map(|id| id.to_string()).unwrap_or_default();
                format!("{OURS}:editor:{}:{input}:{language}", u8::from(*private))
            }
        };
        (text.encode_utf16().count() <= MAX).then_some(text)
    }

    /// Reads a text; `None` if it is none of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.strip_prefix(OURS)?.strip_prefix(':')?.split_once(':')?;
        let of_run = || {
            let (run, user) = rest.split_once(':')?;
            Some((run.to_owned(), user.parse().ok()?))
        };
        Some(match kind {
            "stop" => {
                let (run, user) = of_run()?;
                Self::Stop { run, user }
            }
            "rerun" => {
                let (run, user) = of_run()?;
                Self::Rerun { run, user }
            }
            "full" => {
                let (run, user) = of_run()?;
                Self::Full { run, user }
            }
            "delete" => Self::Delete {
                user: rest.parse().ok()?,
            },
            "page" => {
                let mut parts = rest.splitn(3, ':');
                Self::Page {
                    user: parts.next()?.parse().ok()?,
                    offset: parts.next()?.parse().ok()?,
                    path: parts.next()?.to_owned(),
                }
            }
            "wipe" => Self::Wipe {
                user: rest.parse().ok()?,
            },
            "keep" => Self::Keep {
                user: rest.parse().ok()?,
            },
            "editor" => {
                let mut parts = rest.splitn(3, ':');
                Self::Editor {
                    private: parts.next()? == "1",
                    input: parts.next()?.parse().ok(),
                    language: parts.next()?.to_owned(),
                }
            }
            _ => return None,
        })
    }

    /// Returns whose it is, if it is somebody's.
    pub(crate) fn user(&self) -> Option<u64> {
        match self {
            Self::Stop { user, .. }
            | Self::Rerun { user, .. }
            | Self::Full { user, .. }
            | Self::Delete { user }
            | Self::Page { user, .. }
            | Self::Wipe { user }
            | Self::Keep { user } => Some(*user),
            Self::Editor { .. } => None,
        }
    }

    /// Returns whether moderators may use it as well: what is in a sandbox is its owner's alone.
    pub(crate) fn obeys_moderators(&self) -> bool {
        matches!(
            self,
            Self::Stop { .. } | Self::Rerun { .. } | Self::Full { .. } | Self::Delete { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let run = "0123456789abcdef01234567".to_owned();
        for id in [
            CustomId::Stop {
                run: run.clone(),
                user: 1,
            },
            CustomId::Rerun {
                run: run.clone(),
                user: u64::MAX,
            },
            CustomId::Full { run, user: 2 },
            CustomId::Delete { user: 3 },
            CustomId::Page {
                user: 4,
                offset: 20,
                path: "a:b/c".to_owned(),
            },
            CustomId::Wipe { user: 5 },
            CustomId::Keep { user: 6 },
            CustomId::Editor {
                language: "x".repeat(64),
                private: true,
                input: Some(u64::MAX),
            },
            CustomId::Editor {
                language: "python".to_owned(),
                private: false,
                input: None,
            },
        ] {
            let text = id.text().unwrap();
            assert!(text.len() <= MAX);
            assert_eq!(CustomId::parse(&text), Some(id));
        }
    }

    #[test]
    fn what_is_not_ours_is_none() {
        for text in [
            "",
            "il",
            "il:",
            "il:stop",
            "il:stop:x",
            "il:stop:x:y",
            "il:other:1",
            "xx:delete:1",
            "il:page:1:x:",
        ] {
            assert_eq!(CustomId::parse(text), None, "{text}");
        }
        let page = CustomId::Page {
            user: 1,
            offset: 0,
            path: "p".repeat(100),
        };
        assert_eq!(page.text(), None);
    }
}
