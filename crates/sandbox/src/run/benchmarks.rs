//! How fast the parts are that every byte of a program's output goes through, and what each run pays once.
//!
//! `cargo test --release -p inline-sandbox --lib -- --ignored --nocapture benchmarks`. They stand in a test, as what they
//! measure is nobody's business outside.

use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, Divan, black_box};
use inline_runtime::LimitMechanism;

use super::{Capture, Frame, Mark, MarkFinder, Report, RunEvent};
use crate::{Limits, Program, SandboxConfig};

/// What a pipe holds, and so the most that comes at once.
const CHUNK: usize = 64 << 10;

#[test]
#[ignore = "a benchmark"]
fn run() {
    Divan::default().run_benches();
}

#[divan::bench]
fn frame_of_a_program(bencher: Bencher<'_, '_>) {
    let python = SandboxConfig::default().languages().unwrap().remove("python").unwrap();
    let source = "print('one line of a program')\n".repeat(100);
    bencher
        .counter(BytesCount::of_str(&source))
        .with_inputs(|| Program::new("python", source.clone()).with_args(["one", "two"]))
        .bench_refs(|program| Frame::new(program, &python, "/workspace", true));
}

#[divan::bench]
fn mark_in_text(bencher: Bencher<'_, '_>) {
    find_mark(bencher, b"a line of output\n");
}

/// Each byte may be the first of the mark.
#[divan::bench]
fn mark_in_hostile_output(bencher: Bencher<'_, '_>) {
    find_mark(bencher, b"\x01");
}

fn find_mark(bencher: Bencher<'_, '_>, repeated: &[u8]) {
    let chunk = Bytes::from(repeated.repeat(CHUNK / repeated.len()));
    let finder = || MarkFinder::new(&Mark::fixed("0123456789abcdef0123456789abcdef"));
    bencher
        .counter(BytesCount::of_slice(&chunk))
        .with_inputs(|| (finder(), chunk.clone()))
        .bench_values(|(mut finder, chunk)| finder.push(chunk));
}

/// What is kept is copied.
#[divan::bench]
fn capture_that_keeps(bencher: Bencher<'_, '_>) {
    capture(bencher, u64::MAX);
}

/// What is not kept is counted.
#[divan::bench]
fn capture_that_is_full(bencher: Bencher<'_, '_>) {
    capture(bencher, 0);
}

fn capture(bencher: Bencher<'_, '_>, kept: u64) {
    let limits = Limits {
        output_kept: kept,
        output_max: u64::MAX,
        ..Limits::default()
    };
    let event = RunEvent::Stdout(Bytes::from(vec![b'x'; CHUNK]));
    bencher
        .counter(BytesCount::new(CHUNK))
        .with_inputs(|| (Capture::new(&limits), event.clone()))
        .bench_values(|(mut capture, event)| (capture.push(event), capture));
}

#[divan::bench]
fn report_of_a_run() -> Option<Report> {
    Report::parse(black_box(b"0 123456789 123456 12 3 8388608 0"), LimitMechanism::Cgroup)
}
