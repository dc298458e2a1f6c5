//! What a request asks for: its method and the path's template with its parameters.

use std::fmt;

/// A method and a path without its version, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) method: String,
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
}

impl Route {
    /// Reads the target of a request to the API; none if it is for another version or no API's.
    pub(crate) fn read(method: &str, target: &str) -> Option<Self> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix("/api/v10/")?;
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Some(Self {
            method: method.to_owned(),
            segments: path.split('/').map(unescaped).collect(),
            query: pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (unescaped(name), unescaped(value)))
                .collect(),
        })
    }

    /// Returns the path as a pattern can be matched with.
    pub(super) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.query.iter().any(|(found, value)| found == name && value == "true")
    }

    /// Returns what shares one limit: the template, with the ids that Discord counts apart.
    pub(super) fn bucket(&self) -> String {
        let mut parts = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            let before = at
                .checked_sub(1)
                .and_then(|at| self.segments.get(at))
                .map(String::as_str);
            let is_token = at == 2 && matches!(self.segments[0].as_str(), "webhooks" | "interactions");
            let is_major = is_token || matches!(before, Some("channels" | "guilds" | "webhooks"));
            let is_id = segment.bytes().all(|byte| byte.is_ascii_digit()) || segment == "@original";
            parts.push(if is_id && !is_major { "{id}" } else { segment });
        }
        format!("{} /{}", self.method, parts.join("/"))
    }

    /// Returns whether a method and a path are meant, in which `*` stands for any segment.
    pub(crate) fn is(&self, method: &str, template: &[&str]) -> bool {
        let matches = |(segment, part): (&String, &&str)| *part == "*" || segment == part;
        self.method == method
            && self.segments.len() == template.len()
            && self.segments.iter().zip(template).all(matches)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} /{}", self.method, self.segments.join("/"))
    }
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = more.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(byte)) = (first, escaped) {
            bytes.push(byte);
            rest = &more[2..];
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
