//! Packages for the programs to come.

use std::sync::Arc;

use inline_sandbox::{InstallRequest, Installation, Limits, PackageManager};

use super::ask::refused;
use super::follow::follow;
use crate::answer::Answer;
use crate::bot::{Bot, present};
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::{Message, Style};
use crate::policy::Caller;
use crate::show::{Card, Live, inline};

impl Bot {
    /// Installs `packages`, separated by spaces, and shows that in `answer` until it ends.
    pub(crate) async fn install(
        self: &Arc<Self>,
        caller: &Caller,
        manager: PackageManager,
        packages: &str,
        mut answer: Answer,
    ) {
        let user = caller.user;
        let owner = match caller.owner() {
            Ok(owner) => owner,
            Err(error) => return present(&mut answer, refused(&error.into(), user)).await,
        };
        let request = InstallRequest::new(owner, manager, packages.split_whitespace()).with_place(caller.place());
        let run = self.service.install(request);
        let what = format!("{manager} install {packages}");
        let outcome = follow(run, Live::new(inline(&what)), &mut answer, user).await;
        let message = match outcome {
            Ok(installation) => installed(&what, &installation, &self.install_limits(), user),
            Err(error) => refused(&Failure::Sandbox(error), user),
        };
        present(&mut answer, message).await;
    }

    /// Returns what an installation may use as far as its answer names it.
    fn install_limits(&self) -> Limits {
        let config = self.service.config();
        let mut limits = config.limits.clone();
        limits.timeout = config.packages.timeout;
        limits
    }
}

fn installed(what: &str, installation: &Installation, limits: &Limits, user: u64) -> Message {
    let mut card = Card::new(what, &installation.run, limits);
    if installation.run.verdict.is_ok() {
        let names: Vec<String> = installation
            .packages
            .iter()
            .map(|package| format!("{} {}", package.name, package.version))
            .collect();
        card.say(format!("Installed: {}", inline(&names.join(", "))));
    }
    let shown = card.show();
    let mut message = Message::new(shown.content);
    if let Some(full) = shown.full {
        message = message.with_file(super::finish::OUTPUT_FILE, full);
    }
    message.with_button("Delete", Style::Secondary, &CustomId::Delete { user })
}
