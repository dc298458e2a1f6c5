//! A library that another program loads, as a module of Python or Node.js is: the driver cannot make sandboxes there, and says
//! so. It is loaded by `tests/hosts.rs`.

#![expect(clippy::print_stdout, reason = "how it ended is told to whoever runs the program")]

use inline_embedded::{EmbeddedConfig, EmbeddedRuntime};

/// Connects, and prints how that ended: nothing, or the kind of the error and its text.
#[expect(unsafe_code, reason = "a program of another language looks for the name")]
#[unsafe(no_mangle)]
pub extern "C" fn inline_connect() {
    let end = tokio::runtime::Runtime::new()
        .map(|runtime| runtime.block_on(EmbeddedRuntime::connect(&EmbeddedConfig::default())));
    match end {
        Ok(Ok(_)) => println!("connected"),
        Ok(Err(error)) => println!("{:?}: {error}", error.kind()),
        Err(error) => println!("{error}"),
    }
}
