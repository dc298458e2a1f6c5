//! `/il help`.

use super::{Context, answer, il};
use crate::failure::Failure;
use crate::message::Message;

/// Shows what there is
#[poise::command(slash_command)]
pub(super) async fn help(asked: Context<'_>) -> Result<(), Failure> {
    answer(asked, |_, _| async move { Ok(Message::new(text())) }).await
}

fn text() -> String {
    let mut lines = vec!["**What you can do**".to_owned()];
    for command in il().subcommands {
        let description = command.description.unwrap_or_default();
        lines.push(format!("- `/il {}`: {description}", command.name));
    }
    lines.push(
        "- *Run code* in the menu of a message (Apps), or mention me with code between \\`\\`\\`\n\
         -# Programs have no network and cannot see the files of others."
            .to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::{MAX_CONTENT, length};

    #[test]
    fn all_of_it_fits() {
        let text = text();
        assert!(length(&text) <= MAX_CONTENT, "{} characters", length(&text));
        assert!(text.contains("`/il history`"));
    }
}
