//! What users saw when it was last found good.

use std::fs;
use std::path::PathBuf;

use inline_tests::environment::variable;
use libtest_mimic::Failed;

use crate::view::View;

/// Says, by `1`, to write what users see in the place of comparing it.
const INLINE_TEST_BLESS_SNAPSHOTS: &str = "INLINE_TEST_BLESS_SNAPSHOTS";

macro_rules! kept {
    ($($name:literal),* $(,)?) => {
        /// Those that are kept: the suite carries them to where it runs.
        const KEPT: &[(&str, &str)] = &[$(($name, include_str!(concat!("snapshots/", $name, ".txt")))),*];
    };
}

kept![
    "cancelled",
    "cpu_time",
    "disk_full",
    "lost",
    "no_engine",
    "non_zero",
    "ok",
    "out_of_memory",
    "output_limit",
    "running",
    "signal",
    "silent",
    "timeout",
];

/// Compares what a user sees with what is kept under a name.
pub(crate) fn compare(name: &str, view: &View) -> Result<(), Failed> {
    let seen = view.snapshot();
    if variable(INLINE_TEST_BLESS_SNAPSHOTS).is_some() {
        let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/discord/snapshots"));
        fs::create_dir_all(&directory)?;
        return Ok(fs::write(directory.join(name).with_extension("txt"), seen)?);
    }
    match KEPT.iter().find(|(kept, _)| *kept == name) {
        Some((_, kept)) if *kept == seen => Ok(()),
        kept => Err(format!(
            "`{name}` is not what it was; `{INLINE_TEST_BLESS_SNAPSHOTS}=1` writes it\n--- kept\n{}\n--- seen\n{seen}",
            kept.map_or("nothing", |(_, text)| text),
        )
        .into()),
    }
}
