//! `inline run --artifacts`.

use std::fs;

use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::ensure;

/// Makes what is to be copied, and what must not lead anywhere.
const PROGRAM: &str = r"
import os
os.makedirs('plots/deep')
open('plots/deep/a.csv', 'w').write('1,2')
open(b'\xff\x1b[2J', 'w').write('odd')
open('.profile', 'w').write('hidden')
open('large', 'wb').truncate(2 << 20)
os.symlink('/etc/passwd', 'link')
os.mkfifo('fifo')
";

pub(crate) fn what_a_program_makes_is_copied_to_an_empty_directory_alone(bench: &Bench) -> Result<(), Failed> {
    bench.configure("artifacts.file_bytes = '1m'\n")?;
    let here = bench.directory.path();
    for owner in [&[][..], &["--owner", "alice"]] {
        let target = here.join(format!("made/{}", owner.len()));
        let line = ["--artifacts", &target.to_string_lossy(), "-c", PROGRAM].map(ToOwned::to_owned);
        let line: Vec<&str> = [&["run"], owner]
            .concat()
            .into_iter()
            .chain(line.iter().map(String::as_str))
            .collect();
        let output = bench.run(&line)?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure(
            output.status.success() && told == "left out: large (too large)\n",
            || format!("{output:?}"),
        )?;
        for (name, content) in [
            ("plots/deep/a.csv", "1,2"),
            (r"\xff\x1b[2J", "odd"),
            (".profile", "hidden"),
        ] {
            let copied = fs::read_to_string(target.join(name))?;
            ensure(copied == content, || format!("{name}: {copied}"))?;
        }
        let names = fs::read_dir(&target)?.count();
        ensure(names == 3, || format!("{names} names in {}", target.display()))?;

        // Nothing that is there is ever replaced.
        let output = bench.run(&line)?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure(
            output.status.code() == Some(125) && told.contains("is not empty"),
            || format!("{output:?}"),
        )?;
    }
    Ok(())
}
