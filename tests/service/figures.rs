//! Figures, drawn with the matplotlib that a user installs.

use std::sync::Arc;

use inline_sandbox::{LeftOut, PackageManager, Program};
use inline_tests::service::{owner, told};
use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;
use crate::packages::install;

/// Without a word of Inline, and with a window that nobody has.
const PROGRAM: &str = "\
import matplotlib.pyplot as plt
plt.figure()
plt.figure()
plt.plot([1, 4, 9])
plt.show()
print('shown')
";

pub(crate) async fn a_plot_that_is_shown_is_an_artifact(bench: &Bench) -> Result<(), Failed> {
    let roomy = Bench::on(bench.engine, Arc::clone(&bench.runtime), |config| {
        config.limits.workspace_bytes = 512 << 20;
        config.limits.memory = 512 << 20;
    })
    .await?;
    let shown = show(&roomy).await;
    shown.and(roomy.close().await)
}

async fn show(bench: &Bench) -> Result<(), Failed> {
    install(&bench.service, "alice", PackageManager::Pip, &["matplotlib"]).await?;
    let result = bench.run(&owner("alice")?, Program::new("python", PROGRAM)).await?;
    // What a library has to say of fonts, where the machine itself is the image, is its own.
    let is_right = result.verdict.is_ok() && result.stdout.to_text() == "shown\n";
    ensure(is_right, || {
        format!("{:?}\n{}", result.verdict, result.stderr.to_text())
    })?;
    let (files, left_out) = (&result.artifacts.files, &result.artifacts.left_out);
    let figure = files.iter().map(|file| (file.path.to_string(), file.is_image));
    ensure(
        figure.collect::<Vec<_>>() == [("figure-2.png".to_owned(), true)],
        || format!("{files:?}"),
    )?;
    let blank = left_out.iter().map(|(file, why)| (file.path.to_string(), *why));
    ensure(
        blank.collect::<Vec<_>>() == [("figure-1.png".to_owned(), LeftOut::Blank)],
        || format!("{left_out:?}"),
    )?;
    let files = bench.service.files(&owner("alice")?).await.map_err(told)?;
    let png = files.read("figure-2.png", 0, 8).await.map_err(told)?;
    ensure(png.bytes == b"\x89PNG\r\n\x1a\n", || format!("{png:?}"))
}
