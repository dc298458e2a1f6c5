//! `/il image`: what programs of a language run in.

use std::collections::BTreeSet;

use inline_runtime::ImageReference;
use inline_sandbox::Language;

use super::{Context, answer, complete};
use crate::bot::Bot;
use crate::config::Rule;
use crate::failure::Failure;
use crate::message::Message;
use crate::policy::Caller;
use crate::show::inline;

/// Shows or chooses the image that your programs run in
#[poise::command(slash_command)]
pub(super) async fn image(
    asked: Context<'_>,
    #[description = "The language"]
    #[autocomplete = "complete::language"]
    language: String,
    #[description = "The image; without it you see which there are"]
    #[autocomplete = "complete::image"]
    image: Option<String>,
) -> Result<(), Failure> {
    answer(asked, move |bot, caller| async move {
        let language = bot.language(&language)?;
        let rule = bot.rule(&caller)?;
        rule.check_language(&language.name)?;
        match image {
            Some(image) => choose(&bot, &caller, &rule, language, &image).await,
            None => shown(&bot, &caller, &rule, language).await,
        }
    })
    .await
}

async fn choose(bot: &Bot, caller: &Caller, rule: &Rule, language: &Language, image: &str) -> Result<Message, Failure> {
    let image: ImageReference = image
        .trim()
        .parse()
        .map_err(|_| Failure::told(format!("{} is not the name of an image.", inline(image))))?;
    rule.check_image(&image)?;
    let owner = caller.owner()?;
    let mut settings = bot.service.ensure_sandbox(&owner).await?.settings;
    if image == language.image {
        settings.images.remove(&language.name);
    } else {
        settings.images.insert(language.name.clone(), image.clone());
    }
    bot.service.set_settings(&owner, &settings).await?;
    Ok(Message::new(format!(
        "🖼️ From now on your programs in {} run in {}.",
        inline(&language.name),
        inline(&image.to_string())
    )))
}

async fn shown(bot: &Bot, caller: &Caller, rule: &Rule, language: &Language) -> Result<Message, Failure> {
    let chosen = bot.image(&caller.owner()?, language).await?;
    let mut lines = vec![format!(
        "🖼️ Your programs in {} run in {}.",
        inline(&language.name),
        inline(&chosen.to_string())
    )];
    let others: Vec<String> = images(bot, rule, language)
        .into_iter()
        .filter(|image| *image != chosen.to_string())
        .map(|image| inline(&image))
        .collect();
    if !others.is_empty() {
        lines.push(format!("-# others: {}", others.join(", ")));
    }
    Ok(Message::new(lines.join("\n")))
}

/// Returns the images that somebody under `rule` may choose for `language`.
pub(super) fn images(bot: &Bot, rule: &Rule, language: &Language) -> BTreeSet<String> {
    std::iter::once(&language.image)
        .chain(&bot.service.config().allowed_images)
        .filter(|image| rule.check_image(image).is_ok())
        .map(ToString::to_string)
        .collect()
}
