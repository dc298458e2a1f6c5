//! Labels find containers, all of them and no others.

use inline_runtime::{Container, ContainerId, ListFilter, State};

use crate::bench::{Bench, random_token};
use crate::case::{Case, case_table};
use crate::failure::{Outcome, ensure, ensure_eq};

pub(crate) const CASES: &[Case] = case_table!["list": by_label, any_state];

async fn by_label(bench: &Bench) -> Outcome {
    let token = random_token();
    let value = "a=b, \"c\" {d} é";
    let (both, one) = (
        bench.idle_spec().with_label("token", &token).with_label("value", value),
        bench
            .idle_spec()
            .with_label("token", &token)
            .with_label("value", "other"),
    );
    for spec in [&both, &one, &bench.idle_spec()] {
        bench.runtime.create(spec).await?;
    }
    let by_token = ListFilter::default().with_label("token", &token);
    ensure_eq!(
        names(&bench.runtime.list(&by_token).await?),
        sorted([&both.name, &one.name]),
        "by one label"
    );

    let by_both = by_token.clone().with_label("value", value);
    let listed = bench.runtime.list(&by_both).await?;
    ensure_eq!(names(&listed), sorted([&both.name]), "by two labels");
    for (name, value) in &both.labels {
        ensure_eq!(listed[0].labels.get(name), Some(value), "label `{name}`");
    }
    ensure_eq!(
        listed[0].id,
        bench.runtime.inspect(&both.name.parse()?).await?.id,
        "the id"
    );

    let by_none = by_token.with_label("value", "");
    ensure_eq!(
        names(&bench.runtime.list(&by_none).await?),
        sorted([]),
        "by a value that none has"
    );
    let all = bench.runtime.list(&ListFilter::default()).await?;
    ensure!(names(&all).contains(&both.name), "an empty filter leaves some out");
    Ok(())
}

async fn any_state(bench: &Bench) -> Outcome {
    let created = bench.runtime.create(&bench.idle_spec()).await?;
    let running = bench.idle().await?;
    let ended = bench.idle().await?;
    bench.kill(&ended.id).await?;
    ended.main.end().await?;
    let listed = || async {
        let listed = bench.list().await?;
        let state = |id: &ContainerId| listed.iter().find(|listed| listed.id == *id).map(|listed| listed.state);
        let all = (state(&created), state(&running.id), state(&ended.id));
        let as_expected = matches!(
            all,
            (Some(State::Created), Some(State::Running), Some(State::Exited(_)))
        );
        Ok(as_expected.then_some(()))
    };
    bench
        .until(
            bench.seconds(5),
            "a list of one created, one running, one exited",
            listed,
        )
        .await
}

fn names(containers: &[Container]) -> Vec<String> {
    let mut names: Vec<_> = containers.iter().map(|container| container.name.clone()).collect();
    names.sort();
    names
}

fn sorted<const N: usize>(names: [&String; N]) -> Vec<String> {
    let mut names = names.map(String::clone).to_vec();
    names.sort();
    names
}
