//! The house keeps its plan: who may depend on whom, and how the sources are cut.

#![expect(clippy::unwrap_used, reason = "a tree that cannot be read fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Which crates of the workspace each may use; tests, examples and benchmarks are held to their own lines below.
const ALLOWED: &[(&str, &[&str])] = &[
    ("inline-runtime", &[]),
    ("inline-docker", &["inline-runtime"]),
    ("inline-podman", &["inline-runtime"]),
    ("inline-embedded", &["inline-runtime"]),
    ("inline-kubernetes", &["inline-runtime"]),
    ("inline-fake", &["inline-runtime"]),
    ("inline-conformance", &["inline-runtime"]),
    ("inline-sandbox", &["inline-runtime"]),
    ("inline", DRIVERS_AND_RUNTIME),
    ("inline-discord", FACES_SEE),
    ("inline-mcp", FACES_SEE),
    (
        "inline-cli",
        &[
            "inline",
            "inline-sandbox",
            "inline-runtime",
            "inline-discord",
            "inline-mcp",
        ],
    ),
    ("inline-examples", FACES_SEE),
    ("inline-bench", FACES_SEE),
];
const DRIVERS_AND_RUNTIME: &[&str] = &[
    "inline-runtime",
    "inline-docker",
    "inline-podman",
    "inline-embedded",
    "inline-kubernetes",
];
const FACES_SEE: &[&str] = &["inline", "inline-sandbox", "inline-runtime"];
/// Tests of any crate may use these.
const FOR_TESTS: &[&str] = &["inline-fake", "inline-conformance"];

/// Libraries of an engine, and the one crate that may use each; the benchmark measures what they do by hand.
const ENGINE_LIBRARIES: &[(&str, &str)] = &[
    ("bollard", "inline-docker"),
    ("podman-api", "inline-podman"),
    ("containers-api", "inline-podman"),
    ("hyperlocal", "inline-podman"),
];

/// The files by which one driver can be read beside another.
const DRIVER_FILES: &[&str] = &[
    "capability.rs",
    "config.rs",
    "create.rs",
    "error.rs",
    "exec.rs",
    "image.rs",
    "lib.rs",
    "runtime.rs",
    "start.rs",
];
const DRIVERS: &[&str] = &["docker", "embedded", "podman"];

const MAX_LINES: usize = 500;

#[test]
fn crates_see_only_what_is_below_them() {
    for (name, manifest) in manifests() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            assert_eq!(name, "inline-tests", "the plan does not know `{name}`");
            continue;
        };
        let ours = |dependency: &&String| *dependency == "inline" || dependency.starts_with("inline-");
        for dependency in dependencies(&manifest, "dependencies").iter().filter(ours) {
            assert!(allowed.contains(&dependency.as_str()), "`{name}` uses `{dependency}`");
        }
        for dependency in dependencies(&manifest, "dev-dependencies").iter().filter(ours) {
            let both = allowed.iter().chain(FOR_TESTS);
            assert!(
                both.into_iter().any(|allowed| allowed == dependency),
                "tests of `{name}` use `{dependency}`"
            );
        }
    }
}

#[test]
fn libraries_of_an_engine_are_used_by_its_driver_alone() {
    for (name, manifest) in manifests() {
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for dependency in dependencies(&manifest, table) {
                let owner = ENGINE_LIBRARIES.iter().find(|(library, _)| *library == dependency);
                assert!(
                    name == "inline-bench" || owner.is_none_or(|(_, owner)| *owner == name),
                    "`{name}` uses `{dependency}`"
                );
            }
        }
    }
}

#[test]
fn drivers_can_be_read_side_by_side() {
    for driver in DRIVERS {
        for file in DRIVER_FILES {
            let path = root().join("crates").join(driver).join("src").join(file);
            assert!(path.is_file(), "{} is missing", path.display());
        }
    }
}

#[test]
fn crate_roots_hold_no_code() {
    for path in sources().iter().filter(|path| path.ends_with("src/lib.rs")) {
        for line in read(path).lines().filter(|line| !line.trim_start().starts_with("//")) {
            assert!(
                !line.split_whitespace().any(|word| word == "fn"),
                "{}: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn sources_are_short() {
    for path in sources() {
        let lines = read(&path).lines().count();
        assert!(lines < MAX_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn sources_hold_nothing_unfinished_or_silenced() {
    // Written in two parts, so that this file holds none of them.
    let unwanted = [
        concat!("#[", "allow("),
        concat!("#![", "allow("),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    for path in sources() {
        let text = read(&path);
        for pattern in unwanted {
            assert!(!text.contains(pattern), "{} holds `{pattern}`", path.display());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the directories of all packages.
fn packages() -> Vec<PathBuf> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let crates = crates.map(|entry| entry.unwrap().path());
    let others = ["examples", "tests", "benches"].map(|name| root().join(name));
    let all = crates.chain(others);
    all.filter(|path| path.join("Cargo.toml").is_file()).collect()
}

fn manifests() -> Vec<(String, Table)> {
    let manifest = |path: PathBuf| {
        let table: Table = read(&path.join("Cargo.toml")).parse().unwrap();
        (table["package"]["name"].as_str().unwrap().to_owned(), table)
    };
    packages().into_iter().map(manifest).collect()
}

/// Returns the names of what a manifest depends on, also for single targets.
fn dependencies(manifest: &Table, table: &str) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let of_targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(of_targets)
        .filter_map(|section| section.get(table)?.as_table())
        .flat_map(Table::keys)
        .cloned()
        .collect()
}

fn sources() -> Vec<PathBuf> {
    let mut sources = Vec::new();
    let mut directories = packages();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    assert!(!sources.is_empty());
    sources
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
