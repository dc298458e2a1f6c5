//! Programs of other languages that this crate gets into: linked, it works; loaded, it says at once why it cannot.
//!
//! What they use is the example `module`, which is a library. It is built here, since Cargo builds examples for some ways to
//! run tests and not for others.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panic, as tests do")]

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Less than any wait for a helper.
const AT_ONCE: Duration = Duration::from_secs(5);
/// What the static archive needs of the system.
const LIBRARIES: [&str; 5] = ["-lpthread", "-ldl", "-lm", "-lrt", "-lgcc_s"];

/// Builds the library; returns its file of this kind.
fn module(extension: &str) -> String {
    let build = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--example", "module", "--message-format", "json"])
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let printed = String::from_utf8(build.stdout).unwrap();
    let messages = printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let files: Vec<_> = messages
        .filter(|message| message["target"]["name"] == "module")
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .collect();
    let mut files = files.iter().filter_map(Value::as_str);
    let file = files.find(|file| file.ends_with(extension));
    file.unwrap_or_else(|| panic!("no `{extension}` in {printed}"))
        .to_owned()
}

fn run(command: &mut Command) -> String {
    let begin = Instant::now();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(begin.elapsed() < AT_ONCE, "it took {:?}", begin.elapsed());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_program_that_loads_it_is_told_what_to_do() {
    let load = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).inline_connect()";
    let module = module(".so");
    let told = run(Command::new("python3").args(["-c", load]).arg(&module));
    assert!(told.starts_with("Unavailable: ") && told.contains(&module), "{told}");
    assert!(
        told.contains("hint: the driver must be linked into the executable"),
        "{told}"
    );
}

#[test]
fn a_program_that_it_is_linked_into_makes_sandboxes() {
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (directory.path().join("main.c"), directory.path().join("program"));
    std::fs::write(
        &source,
        "void inline_connect(void);\nint main(void) { inline_connect(); }\n",
    )
    .unwrap();
    run(Command::new("cc")
        .arg(&source)
        .arg(module(".a"))
        .arg("-o")
        .arg(&program)
        .args(LIBRARIES));
    assert_eq!(run(&mut Command::new(program)), "connected\n");
}
