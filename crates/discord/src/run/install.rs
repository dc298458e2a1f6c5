//! Packages for the programs to come.

use std::sync::Arc;

use inline_sandbox::{InstallRequest, Installation, Limits, PackageManager, Verdict};

use super::ask::refused;
use super::audit;
use super::follow::follow;
use crate::answer::Answer;
use crate::bot::{Bot, present};
use crate::config::Rule;
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::{Message, Style};
use crate::policy::Caller;
use crate::show::{Card, Live, inline};

impl Bot {
    /// Installs `packages`, separated by spaces, and shows that in `answer` until it ends; `rule` has let it in.
    pub(crate) async fn install(
        self: &Arc<Self>,
        (caller, rule): (&Caller, &Rule),
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
        let id = run.id().to_owned();
        let what = format!("{manager} install {packages}");
        let outcome = follow(run, Live::new(inline(&what)), &mut answer, user).await;
        let message = match outcome {
            Ok(installation) => {
                audit::tell(self, rule, caller, &what, (&id, &installation.run));
                installed(&what, &installation, &self.install_limits(), user)
            }
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
    match installation.run.verdict {
        Verdict::Ok => {
            let mut names = installation
                .packages
                .iter()
                .map(|package| format!("{} {}", package.name, package.version));
            card.say(match names.next() {
                Some(first) => format!(
                    "Installed: {}",
                    inline(&names.fold(first, |all, name| all + ", " + &name))
                ),
                None => "All of that was there already.".to_owned(),
            });
            card.leave_output_out();
        }
        Verdict::NonZero(code) => card.say(format!("The packages could not be installed (exit code {code}).")),
        _ => {}
    }
    let shown = card.show();
    let mut message = Message::new(shown.content);
    if let Some(full) = shown.full {
        message = message.with_file(super::finish::OUTPUT_FILE, full);
    }
    message.with_button("Delete", Style::Secondary, &CustomId::Delete { user })
}
