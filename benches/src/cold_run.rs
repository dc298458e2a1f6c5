//! A whole container for one program: create, start, collect, remove.

use std::sync::Arc;
use std::time::{Duration, Instant};

use inline::{
    ContainerRuntime, ContainerRuntimeExt, ContainerSpec, Error, ErrorKind, ImageReference, Result, RuntimeConfig,
};

use crate::by_hand::ByHand;
use crate::figure::{Figure, Floor, Summary};

const INSTANCE: &str = "inline-bench";
/// The contract's own cost may be a twentieth of the engine's.
const GOAL: f64 = 1.05;
const WARM_UP: usize = 3;

/// Measures ours and the same calls made by hand, in turn, so that both meet the same noise.
pub(crate) async fn measure(
    runtime: Arc<dyn ContainerRuntime>,
    config: &RuntimeConfig,
    image: &ImageReference,
    samples: usize,
) -> Result<Figure> {
    runtime.ensure_image(image).await?;
    let by_hand = ByHand::connect(runtime.driver(), config).await?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for round in 0..samples + WARM_UP {
        // Who goes first changes, so that neither always finds the machine as the other left it.
        let (one, other) = if round % 2 == 0 {
            let one = run_ours(&runtime, image).await?;
            (one, run_by_hand(&by_hand, image).await?)
        } else {
            let other = run_by_hand(&by_hand, image).await?;
            (run_ours(&runtime, image).await?, other)
        };
        if round >= WARM_UP {
            ours.push(one);
            floor.push(other);
        }
    }
    let floor = Floor {
        name: "engine calls by hand",
        summary: Summary::of(floor),
    };
    Ok(Figure::new(
        "cold run",
        runtime.driver(),
        Summary::of(ours),
        floor,
        GOAL,
    ))
}

fn spec(image: &ImageReference) -> ContainerSpec {
    ContainerSpec::new(image.clone(), INSTANCE)
        .with_cmd(["echo", "hello"])
        .with_user("65534:65534")
}

async fn run_ours(runtime: &Arc<dyn ContainerRuntime>, image: &ImageReference) -> Result<Duration> {
    let begin = Instant::now();
    let output = Arc::clone(runtime).run(&spec(image), 1024).await?;
    check(&output.stdout, i64::from(output.status.shell_code()))?;
    Ok(begin.elapsed())
}

async fn run_by_hand(by_hand: &ByHand, image: &ImageReference) -> Result<Duration> {
    let spec = spec(image);
    let begin = Instant::now();
    let (stdout, code) = by_hand
        .run(&spec)
        .await
        .map_err(|error| Error::new(ErrorKind::Unexpected, "a call by hand failed").with_source(error))?;
    check(&stdout, code)?;
    Ok(begin.elapsed())
}

/// A wrong answer is no sample.
fn check(stdout: &[u8], code: i64) -> Result<()> {
    if stdout == b"hello\n" && code == 0 {
        return Ok(());
    }
    let text = String::from_utf8_lossy(stdout);
    Err(Error::new(
        ErrorKind::Unexpected,
        format!("a run printed `{}` and ended with {code}", text.escape_debug()),
    ))
}
