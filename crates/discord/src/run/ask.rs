//! What a user wants to run, and the run.

use std::sync::Arc;

use inline_sandbox::{CellRequest, Program, Run, RunRequest};

use super::finish::Finished;
use super::follow::follow;
use crate::answer::Answer;
use crate::bot::{Bot, present};
use crate::config::Rule;
use crate::custom_id::CustomId;
use crate::failure::Failure;
use crate::message::{Message, Style};
use crate::policy::Caller;
use crate::show::{Live, inline};

/// Holds what a user wants to run.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) caller: Caller,
    /// The language by its name.
    pub(crate) language: String,
    pub(crate) source: String,
    pub(crate) stdin: Option<String>,
    pub(crate) is_private: bool,
}

impl Bot {
    /// Runs what was asked and was let in under `rule`, and shows that in `answer` until it ends.
    ///
    /// # Cancellation
    ///
    /// The run is cancelled; the answer stays as it was shown last.
    pub(crate) async fn run(self: &Arc<Self>, ask: Ask, rule: Rule, answer: &mut Answer) {
        let begun = async {
            self.check_use(&ask.caller, &rule, &ask.language).await?;
            self.begin(&ask, &rule)
        };
        match begun.await {
            Ok(Begun::Once(run)) => {
                let id = run.id().to_owned();
                let outcome = follow(run, live(&ask), answer, ask.caller.user).await;
                let finished = outcome.map(|result| Finished {
                    result,
                    is_new_session: None,
                });
                self.finish(&id, ask, &rule, finished, answer).await;
            }
            Ok(Begun::Cell(run)) => {
                let id = run.id().to_owned();
                let outcome = follow(run, live(&ask), answer, ask.caller.user).await;
                let finished = outcome.map(|cell| Finished {
                    result: cell.run,
                    is_new_session: Some(cell.is_new),
                });
                self.finish(&id, ask, &rule, finished, answer).await;
            }
            Err(failure) => present(answer, refused(&failure, ask.caller.user)).await,
        }
    }

    fn begin(&self, ask: &Ask, rule: &Rule) -> Result<Begun, Failure> {
        let owner = ask.caller.owner()?;
        if self.modes.contains(&owner, &ask.language) {
            if ask.stdin.is_some() {
                return Err(Failure::told(
                    "A program in a session has no input: end the session with `/il session action:stop`, or leave out `stdin`.",
                ));
            }
            let request = CellRequest::new(owner, &ask.language, &ask.source)
                .with_place(ask.caller.place())
                .with_limits(rule.limits());
            return Ok(Begun::Cell(self.service.run_cell(request)));
        }
        let mut program = Program::new(&ask.language, &ask.source).with_limits(rule.limits());
        if let Some(stdin) = &ask.stdin {
            program = program.with_stdin(stdin.clone());
        }
        let request = RunRequest::new(owner, program).with_place(ask.caller.place());
        Ok(Begun::Once(self.service.run(request)))
    }
}

enum Begun {
    Once(Run),
    Cell(Run<inline_sandbox::CellResult>),
}

fn live(ask: &Ask) -> Live {
    Live::new(inline(&ask.language))
}

/// Returns the answer to what was not done.
pub(super) fn refused(failure: &Failure, user: u64) -> Message {
    Message::new(failure.tell()).with_button("Delete", Style::Secondary, &CustomId::Delete { user })
}
