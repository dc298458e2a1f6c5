//! Runs one program in a container it throws away: `cargo run --example minimal`.

use std::error::Error;
use std::time::Duration;

use inline::{Environment, Settings};
use inline_sandbox::{SandboxConfig, SandboxService};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut settings = Settings::load(None, &Environment::of_process(), &[])?;
    let runtime = inline::connect(&settings.take()?).await?;
    let config: SandboxConfig = settings.take()?;
    settings.finish()?;
    let service = SandboxService::open(runtime, config.with_env(|name| settings.variable(name))?).await?;
    let result = service.run_python("print(6 * 7)", Duration::from_secs(30)).await?;
    eprintln!("{}: {}", result.verdict, result.stdout.to_text());
    service.shutdown().await;
    Ok(())
}
