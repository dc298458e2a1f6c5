//! How fast output becomes text that Discord may show: the bot does so again each time that a running program prints.
//!
//! `cargo test --release -p inline-discord --lib -- --ignored --nocapture benchmarks`. They stand in a test, as what they
//! measure is nobody's business outside.

use divan::counter::BytesCount;
use divan::{Bencher, Divan};

use super::block::{clean, file_text};

/// As much as is kept of a program's output by default.
const PRINTED: usize = 64 << 10;

/// What is printed again and again.
#[derive(Clone, Copy, Debug)]
enum Output {
    Plain,
    Coloured,
    /// What would lead out of a block, call people and hide itself.
    Hostile,
}

const OUTPUTS: [Output; 3] = [Output::Plain, Output::Coloured, Output::Hostile];

impl Output {
    fn text(self) -> String {
        let repeated = match self {
            Self::Plain => "a line of output, and what it says\n",
            Self::Coloured => "\u{1b}[1;31merror\u{1b}[0m: something is wrong\n",
            Self::Hostile => "``` @everyone <@1> \u{202e}\u{200b}\u{7}`",
        };
        repeated.repeat(PRINTED / repeated.len())
    }
}

#[test]
#[ignore = "a benchmark"]
fn run() {
    Divan::default().run_benches();
}

#[divan::bench(args = OUTPUTS)]
fn escaped_for_a_block(bencher: Bencher<'_, '_>, output: Output) {
    let printed = output.text();
    bencher.counter(BytesCount::of_str(&printed)).bench(|| clean(&printed));
}

#[divan::bench(args = OUTPUTS)]
fn written_to_a_file(bencher: Bencher<'_, '_>, output: Output) {
    let printed = output.text();
    bencher
        .counter(BytesCount::of_str(&printed))
        .bench(|| file_text(&printed));
}
