//! The images that programs run in: chosen by users, and fetched before their eyes.

use std::time::Duration;

use inline_tests::environment::{INLINE_TEST_REGISTRY, variable};
use inline_tests::registry;
use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::registry::Registry;
use crate::server::{Input, Person, Place};
use crate::view::View;

const ALICE: Person = Person::ALICE;
/// Tells one image from another.
const WHICH: &str = "command -v python3 > /dev/null && echo large || echo small";

/// Lets users choose `image`, with more of the configuration, and chooses it for `bash`.
async fn choose(bench: &Bench, image: &str, tables: &str) -> Result<View, Failed> {
    bench.configure(&format!("allowed_images = ['{image}']\n{tables}"))?;
    bench.terminate()?;
    bench.ended().await?;
    bench.start_again().await?;
    let options = [("language", Input::Text("bash")), ("image", Input::Text(image))];
    bench.ask(ALICE, "il image", &options).await
}

/// Returns an image that is not that of `bash`, what a program in it prints, and what the engine is to be told of it.
fn other(bench: &Bench) -> Result<(String, &'static str, String), Failed> {
    let registry = variable(INLINE_TEST_REGISTRY).ok_or("`INLINE_TEST_REGISTRY` is not set")?;
    if bench.engine.driver() != "embedded" {
        return Ok((format!("{registry}/python:3.11-slim"), "\nlarge\n", String::new()));
    }
    let archive = bench.directory.path().join("alpine.tar.gz");
    std::fs::write(&archive, registry::layer(&registry)?)?;
    let tables = format!("embedded.images = {{ 'alpine:1' = '{}' }}\n", archive.display());
    Ok(("alpine:1".to_owned(), "\nsmall\n", tables))
}

pub(crate) async fn an_allowed_one_is_chosen(bench: &Bench) -> Result<(), Failed> {
    let (image, printed, tables) = other(bench)?;
    let view = bench.run(ALICE, "bash", WHICH).await?;
    ensure(!view.content.contains(printed), || format!("{view:?}"))?;
    let language = ("language", Input::Text("bash"));
    // What the operator does not allow is not there.
    let options = [language.clone(), ("image", Input::Text(&image))];
    let view = bench.ask(ALICE, "il image", &options).await?;
    ensure(view.content.contains("may not be chosen"), || format!("{view:?}"))?;
    let options = [language.clone(), ("image", Input::Text("not an image `"))];
    let view = bench.ask(ALICE, "il image", &options).await?;
    ensure(view.content.contains("is not the name of an image"), || {
        format!("{view:?}")
    })?;

    let view = choose(bench, &image, &tables).await?;
    ensure(view.content.contains(&image), || format!("{view:?}"))?;
    let view = bench.run(ALICE, "bash", WHICH).await?;
    ensure(view.content.contains(printed), || format!("{view:?}"))?;
    let view = bench.ask(ALICE, "il image", &[language]).await?;
    ensure(
        view.content.contains("run in") && view.content.contains("others"),
        || format!("{view:?}"),
    )?;
    // Others have their own choice.
    let view = bench.run(Person::BOB, "bash", WHICH).await?;
    ensure(!view.content.contains(printed), || format!("{view:?}"))?;
    // The policy has the last word.
    bench.configure(&format!(
        "allowed_images = ['{image}']\n{tables}[discord.policy]\nimages = ['{}']\n",
        bench.engine.image("bash")?
    ))?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let view = bench.run(ALICE, "bash", WHICH).await?;
    ensure(view.content.contains("may not be used here"), || format!("{view:?}"))
}

pub(crate) async fn one_that_is_not_here_is_fetched_for_all_to_see(bench: &Bench) -> Result<(), Failed> {
    let engine = variable("DOCKER_HOST").ok_or("`DOCKER_HOST` is not set")?;
    let socket = engine.strip_prefix("unix://").ok_or("`DOCKER_HOST` is no socket")?;
    let registry = Registry::start().await?;
    choose(bench, &registry.image, "").await?;
    let options = [("code", Input::Text(WHICH))];
    let asked = bench.discord.command(ALICE, Place::GENERAL, "il bash", &options)?;
    let fetched = bench.shown(asked, "an image on its way", |view| {
        view.content.contains("Getting the image") && view.content.contains(" of 3 MiB")
    });
    let fetched = fetched.await?;
    // It goes on, for all who wait for it.
    bench.discord.press(ALICE, fetched.id, "Stop")?;
    let view = bench.answer(asked).await?;
    ensure(view.content.contains("was stopped"), || format!("{view:?}"))?;
    let asked = bench.discord.command(ALICE, Place::GENERAL, "il bash", &options)?;
    bench
        .shown(asked, "the same image", |view| {
            view.content.contains("Getting the image")
        })
        .await?;
    // There is nothing in it that could run.
    let view = bench.answer(asked).await?;
    ensure(view.content.starts_with("⚠️"), || format!("{view:?}"))?;
    bench.terminate()?;
    bench.ended().await?;
    registry.remove(socket).await
}
