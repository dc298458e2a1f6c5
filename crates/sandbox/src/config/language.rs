//! Languages are data: a name, an image, a command, a file name.

use std::collections::{BTreeMap, BTreeSet};

use inline_runtime::ImageReference;
use serde::{Deserialize, Serialize};

use super::{NODE_IMAGE, PYTHON_IMAGE, invalid};
use crate::Result;

/// Stands for the path of the source file in a command.
const FILE: &str = "{file}";

struct BuiltIn {
    name: &'static str,
    aliases: &'static [&'static str],
    image: &'static str,
    command: &'static [&'static str],
    file_name: &'static str,
}

const BUILT_IN: [BuiltIn; 3] = [
    BuiltIn {
        name: "python",
        aliases: &["py", "python3"],
        image: PYTHON_IMAGE,
        command: &["python3", "-u"],
        file_name: "main.py",
    },
    BuiltIn {
        name: "node",
        aliases: &["js", "javascript", "nodejs"],
        image: NODE_IMAGE,
        command: &["node"],
        file_name: "main.js",
    },
    BuiltIn {
        name: "bash",
        aliases: &["sh", "shell"],
        image: PYTHON_IMAGE,
        command: &["bash"],
        file_name: "main.sh",
    },
];

/// Adds a language, or changes a built-in one, of which what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LanguageConfig {
    /// The image that has the interpreter or the compiler.
    pub image: Option<ImageReference>,
    /// The command that runs the source; `{file}` in an argument is its path, which is otherwise added at the end.
    pub command: Option<Vec<String>>,
    /// The name that the source file gets, such as `main.rb`.
    pub file_name: Option<String>,
    /// Other names by which it can be asked for.
    pub aliases: Option<Vec<String>>,
    /// Whether it is offered. Default `true`.
    pub enabled: Option<bool>,
}

/// Describes a language that programs can be written in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Language {
    /// The name: `python`.
    pub name: String,
    /// Other names: `py`.
    pub aliases: Vec<String>,
    /// The image that has the interpreter or the compiler.
    pub image: ImageReference,
    /// The command without the path of the source.
    pub command: Vec<String>,
    /// The name that the source file gets: `main.py`.
    pub file_name: String,
}

impl Language {
    /// Returns the command that runs the source at `path`.
    pub fn command_for(&self, path: &str) -> Vec<String> {
        let mut command: Vec<String> = self
            .command
            .iter()
            .map(|argument| argument.replace(FILE, path))
            .collect();
        if !self.command.iter().any(|argument| argument.contains(FILE)) {
            command.push(path.to_owned());
        }
        command
    }

    /// Returns whether `name` is its name or one of its others.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

pub(super) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|language| language.name)
}

pub(super) fn resolve(configured: &BTreeMap<String, LanguageConfig>) -> Result<BTreeMap<String, Language>> {
    let mut all: BTreeMap<String, LanguageConfig> = BTreeMap::new();
    for BuiltIn {
        name,
        aliases,
        image,
        command,
        file_name,
    } in BUILT_IN
    {
        let owned = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
        let image = image
            .parse()
            .map_err(|_| invalid(key(name, "image"), "it is not an image reference"))?;
        let built_in = LanguageConfig {
            image: Some(image),
            command: owned(command),
            file_name: Some(file_name.to_owned()),
            aliases: owned(aliases),
            enabled: None,
        };
        all.insert(name.to_owned(), built_in);
    }
    for (name, change) in configured {
        let base = all.entry(name.clone()).or_default();
        let change = change.clone();
        *base = LanguageConfig {
            image: change.image.or_else(|| base.image.take()),
            command: change.command.or_else(|| base.command.take()),
            file_name: change.file_name.or_else(|| base.file_name.take()),
            aliases: change.aliases.or_else(|| base.aliases.take()),
            enabled: change.enabled,
        };
    }
    let mut taken = BTreeSet::new();
    all.into_iter()
        .filter(|(_, language)| language.enabled.unwrap_or(true))
        .map(|(name, language)| Ok((name.clone(), complete(name, language, &mut taken)?)))
        .collect()
}

fn complete(name: String, language: LanguageConfig, taken: &mut BTreeSet<String>) -> Result<Language> {
    let missing = |field| invalid(key(&name, field), "it is not set, and the language is not built in");
    let language = Language {
        image: language.image.ok_or_else(|| missing("image"))?,
        command: language.command.ok_or_else(|| missing("command"))?,
        file_name: language.file_name.ok_or_else(|| missing("file_name"))?,
        aliases: language.aliases.unwrap_or_default(),
        name,
    };
    let name = &language.name;
    if language.command.first().is_none_or(String::is_empty) {
        return Err(invalid(key(name, "command"), "it is empty"));
    }
    if language.command.iter().any(|argument| argument.contains('\0')) {
        return Err(invalid(key(name, "command"), "it has a zero byte in it"));
    }
    if !is_file_name(&language.file_name) {
        return Err(invalid(
            key(name, "file_name"),
            "it is not a plain name of letters, digits, `.`, `_` and `-` that begins with a letter or a digit",
        ));
    }
    for word in std::iter::once(name).chain(&language.aliases) {
        if word.is_empty()
            || !word
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase())
        {
            return Err(invalid(
                key(name, "aliases"),
                "a name is lower-case printable ASCII without spaces",
            ));
        }
        if !taken.insert(word.clone()) {
            return Err(invalid(
                key(name, "aliases"),
                format!("`{word}` is the name of another language"),
            ));
        }
    }
    Ok(language)
}

fn is_file_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn key(name: &str, field: &str) -> String {
    format!("languages.{}.{field}", name.escape_debug())
}
