//! The packages of the tests: small ones that are made here, and the wheels that `INLINE_TEST_WHEELS` has.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::environment::{INLINE_TEST_WHEELS, variable};

/// One wheel: name, version, what it needs, its files.
type Wheel = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const WHEELS: &[Wheel] = &[
    (
        "inline_sample",
        "1.0",
        "inline-shared-a",
        &[
            ("inline_sample/__init__.py", "version = 1\n"),
            ("inline_sample/old.py", ""),
        ],
    ),
    (
        "inline_sample",
        "2.0",
        "inline-shared-a",
        &[("inline_sample/__init__.py", "version = 2\n")],
    ),
    ("inline_shared_a", "1.0", "", &[("inline_shared/a.py", "name = 'a'\n")]),
    ("inline_shared_b", "1.0", "", &[("inline_shared/b.py", "name = 'b'\n")]),
];
const MODULES: &[(&str, &str)] = &[("inline-one", "1.0.0"), ("inline-two", "2.0.0")];

/// Returns the names of the files of a project, whose name has `_` between its words.
pub(super) fn files_of(project: &str) -> Vec<String> {
    let made = WHEELS.iter().filter(|wheel| wheel.0 == project).map(file_name);
    let is_of = |file: &String| {
        let name = file.split('-').next().unwrap_or_default();
        name.to_lowercase().replace('.', "_") == project
    };
    made.chain(brought().filter(is_of)).collect()
}

/// Returns a wheel by the name of its file.
pub(super) fn wheel(file: &str) -> Option<Vec<u8>> {
    if let Some(wheel) = WHEELS.iter().find(|wheel| file_name(wheel) == file) {
        return packed(wheel);
    }
    let name = brought().find(|name| name == file)?;
    fs::read(wheels()?.join(name)).ok()
}

/// Returns the version of a module for npm.
pub(super) fn version_of(module: &str) -> Option<&'static str> {
    let found = MODULES.iter().find(|(name, _)| *name == module)?;
    Some(found.1)
}

fn wheels() -> Option<PathBuf> {
    variable(INLINE_TEST_WHEELS).map(PathBuf::from)
}

/// Returns the names of the files in the directory of wheels.
fn brought() -> impl Iterator<Item = String> {
    let entries = wheels().and_then(|directory| fs::read_dir(directory).ok());
    let names = entries.into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().into_string().ok())
}

fn file_name(wheel: &Wheel) -> String {
    format!("{}-{}-py3-none-any.whl", wheel.0, wheel.1)
}

fn packed((name, version, needs, files): &Wheel) -> Option<Vec<u8>> {
    let info = format!("{name}-{version}.dist-info");
    let needs = if needs.is_empty() {
        String::new()
    } else {
        format!("Requires-Dist: {needs}\n")
    };
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}");
    let about = "Wheel-Version: 1.0\nGenerator: inline\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let mut all: Vec<(String, String)> = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    all.push((format!("{info}/METADATA"), metadata));
    all.push((format!("{info}/WHEEL"), about.to_owned()));
    let record: String = all.iter().flat_map(|(path, _)| [path, ",,\n"]).collect();
    all.push((format!("{info}/RECORD"), format!("{record}{info}/RECORD,,\n")));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in all {
        zip.start_file(path, SimpleFileOptions::default()).ok()?;
        zip.write_all(text.as_bytes()).ok()?;
    }
    Some(zip.finish().ok()?.into_inner())
}

/// Returns the tarball of a module whose install script would leave a trace.
pub(super) fn module(name: &str, version: &str) -> Option<Vec<u8>> {
    let directory = tempfile::tempdir().ok()?;
    let package = directory.path().join("package");
    fs::create_dir(&package).ok()?;
    let about = serde_json::json!({
        "name": name, "version": version, "main": "index.js",
        "scripts": {"postinstall": "touch /packages/ran /workspace/ran"},
    });
    fs::write(package.join("package.json"), about.to_string()).ok()?;
    fs::write(package.join("index.js"), format!("module.exports = '{version}'\n")).ok()?;
    let mut tar = Command::new("tar")
        .args(["-czf", "-", "-C"])
        .arg(directory.path())
        .arg("package")
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut packed = Vec::new();
    tar.stdout.take()?.read_to_end(&mut packed).ok()?;
    tar.wait().ok()?;
    Some(packed)
}
