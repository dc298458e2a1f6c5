//! Runs one program in a container: `cargo run --example minimal`.

use inline::{Config, ContainerRuntimeExt, ContainerSpec, Environment, Result};

/// More than this of each stream is left out.
const MAX_OUTPUT: usize = 1 << 20;

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::load(None, &Environment::of_process(), &[])?;
    let runtime = inline::connect(&config.runtime).await?;
    let spec = ContainerSpec::new("python:3.11-slim".parse()?, "inline-minimal")
        .with_cmd(["python3", "-c", "print(6 * 7)"])
        .with_user("65534:65534");
    runtime.ensure_image(&spec.image).await?;
    let output = runtime.run(&spec, MAX_OUTPUT).await?;
    eprintln!("{}: {}", output.status, String::from_utf8_lossy(&output.stdout));
    Ok(())
}
