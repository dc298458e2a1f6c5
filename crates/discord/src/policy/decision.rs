//! The rule that holds for somebody somewhere, and what it forbids.

use std::time::Duration;

use inline_runtime::ImageReference;

use super::Caller;
use crate::config::{Access, DiscordConfig, Rule};
use crate::show::{inline, span};

/// Says why somebody may not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Denied,
    Maintenance,
    Language { language: String, allowed: Vec<String> },
    Image { image: String },
    Install,
    Cooldown { left: Duration },
    DailyCpu { allowed: Duration },
}

/// Returns the rule for `caller`: key by key the most specific that says something decides.
///
/// The order is the user, the roles (the strictest of several), the channel, what the channel is in, the guild, everybody.
pub(crate) fn decide(config: &DiscordConfig, caller: &Caller) -> Rule {
    let find = |rules: &std::collections::BTreeMap<String, Rule>, id: u64| rules.get(&id.to_string()).cloned();
    let of_user = find(&config.users, caller.user).unwrap_or_default();
    let of_roles = caller
        .roles
        .iter()
        .filter_map(|role| find(&config.roles, *role))
        .reduce(|one, other| one.and(&other))
        .unwrap_or_default();
    let of_channel = find(&config.channels, caller.channel).unwrap_or_default();
    // A thread would be a way around the rules of its channel.
    let of_parent = caller
        .parent
        .and_then(|parent| find(&config.channels, parent))
        .unwrap_or_default();
    let of_guild = caller
        .guild
        .and_then(|guild| find(&config.guilds, guild))
        .unwrap_or_default();
    of_user
        .or(&of_roles)
        .or(&of_channel)
        .or(&of_parent)
        .or(&of_guild)
        .or(&config.policy)
}

impl Rule {
    /// Checks that the bot may be used at all.
    pub(crate) fn check_access(&self) -> Result<(), Refused> {
        if self.access == Some(Access::Deny) {
            return Err(Refused::Denied);
        }
        match self.maintenance {
            Some(true) => Err(Refused::Maintenance),
            _ => Ok(()),
        }
    }

    /// Checks that programs may be in `language`, given by its name.
    pub(crate) fn check_language(&self, language: &str) -> Result<(), Refused> {
        match &self.languages {
            Some(allowed) if !allowed.iter().any(|name| name == language) => Err(Refused::Language {
                language: language.to_owned(),
                allowed: allowed.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Checks that programs may run in `image`.
    pub(crate) fn check_image(&self, image: &ImageReference) -> Result<(), Refused> {
        match &self.images {
            Some(allowed) if !allowed.contains(image) => Err(Refused::Image {
                image: image.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Checks that packages may be installed.
    pub(crate) fn check_install(&self) -> Result<(), Refused> {
        match self.install {
            Some(false) => Err(Refused::Install),
            _ => Ok(()),
        }
    }

    /// Checks that the day's CPU time is not used up.
    pub(crate) fn check_daily_cpu(&self, used: Duration) -> Result<(), Refused> {
        match self.daily_cpu {
            Some(allowed) if used >= allowed => Err(Refused::DailyCpu { allowed }),
            _ => Ok(()),
        }
    }
}

impl Refused {
    /// Returns what the user is told.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Denied => "🚫 The bot may not be used here, or not by you.".to_owned(),
            Self::Maintenance => "🔧 The bot is being worked on: try again later.".to_owned(),
            Self::Language { language, allowed } if allowed.is_empty() => {
                format!("🚫 No programs may be run here, {} neither.", inline(language))
            }
            Self::Language { language, allowed } => {
                let allowed: Vec<String> = allowed.iter().map(|name| inline(name)).collect();
                format!(
                    "🚫 {} may not be run here, but {} may.",
                    inline(language),
                    allowed.join(", ")
                )
            }
            Self::Image { image } => format!("🚫 The image {} may not be used here.", inline(image)),
            Self::Install => "🚫 Packages may not be installed here.".to_owned(),
            Self::Cooldown { left } => format!("⏳ That was too soon: try again in {}.", span(*left)),
            Self::DailyCpu { allowed } => format!(
                "⏳ Today's computing time of {} is used up; the day ends at midnight UTC.",
                span(*allowed)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> DiscordConfig {
        serde_json::from_str(text).unwrap()
    }

    fn caller() -> Caller {
        Caller {
            user: 1,
            guild: Some(2),
            channel: 3,
            parent: Some(6),
            roles: vec![4, 5],
            is_moderator: false,
            upload_limit: 0,
        }
    }

    #[test]
    fn the_most_specific_decides() {
        let levels = [
            ("policy", r#"{"timeout": "1s"}"#),
            ("guilds", r#"{"2": {"timeout": "2s"}}"#),
            ("channels", r#"{"6": {"timeout": "3s"}}"#),
            ("channels", r#"{"6": {"timeout": "3s"}, "3": {"timeout": "4s"}}"#),
            ("roles", r#"{"4": {"timeout": "5s"}, "5": {"timeout": "9s"}}"#),
            ("users", r#"{"1": {"timeout": "6s"}}"#),
        ];
        for seconds in 1..=levels.len() {
            // Of two for one table the later is taken.
            let tables: std::collections::BTreeMap<_, _> = levels[..seconds].iter().copied().collect();
            let text: Vec<String> = tables
                .iter()
                .map(|(table, rules)| format!(r#""{table}": {rules}"#))
                .collect();
            let rule = decide(&config(&format!("{{{}}}", text.join(","))), &caller());
            assert_eq!(rule.timeout, Some(Duration::from_secs(seconds as u64)));
        }
    }

    #[test]
    fn a_list_of_the_allowed_and_of_the_denied() {
        let allowed = config(r#"{"policy": {"access": "deny"}, "guilds": {"2": {"access": "allow"}}}"#);
        assert_eq!(decide(&allowed, &caller()).check_access(), Ok(()));
        let mut elsewhere = caller();
        elsewhere.guild = None;
        assert_eq!(decide(&allowed, &elsewhere).check_access(), Err(Refused::Denied));
        let denied = config(r#"{"users": {"1": {"access": "deny"}}}"#);
        assert_eq!(decide(&denied, &caller()).check_access(), Err(Refused::Denied));
    }

    #[test]
    fn maintenance_can_leave_some_out() {
        let config = config(r#"{"policy": {"maintenance": true}, "roles": {"4": {"maintenance": false}}}"#);
        assert_eq!(decide(&config, &caller()).check_access(), Ok(()));
        let mut other = caller();
        other.roles.clear();
        assert_eq!(decide(&config, &other).check_access(), Err(Refused::Maintenance));
    }

    #[test]
    fn what_is_not_listed_is_refused() {
        let rule = decide(
            &config(
                r#"{"policy": {"languages": ["python"], "images": ["a:1"], "install": false, "daily_cpu": "10s"}}"#,
            ),
            &caller(),
        );
        assert_eq!(rule.check_language("python"), Ok(()));
        assert!(rule.check_language("bash").unwrap_err().text().contains("`python`"));
        assert_eq!(rule.check_image(&"a:1".parse().unwrap()), Ok(()));
        assert!(rule.check_image(&"a:2".parse().unwrap()).is_err());
        assert!(rule.check_install().is_err());
        assert_eq!(rule.check_daily_cpu(Duration::from_secs(9)), Ok(()));
        assert!(rule.check_daily_cpu(Duration::from_secs(10)).is_err());
    }
}
