//! What a further process reads and prints: every byte, in order, apart, and no faster than it is read.

use futures::StreamExt;
use inline_runtime::{ContainerId, ContainerSpec, Event, ExecSpec, Tmpfs};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::bench::Bench;
use crate::failure::{Failure, Outcome, ensure, ensure_eq};
use crate::programs;
use crate::reader::Printed;

/// Where programs that count keep their count.
pub(crate) const COUNTER: &str = "/files/counter";

pub(crate) async fn stdin_to_eof(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let cat = ExecSpec::new(programs::CAT.alone()).with_stdin(true);
    let mut open = bench.exec(&idle.id, &cat).await?;
    open.write(b"first\n").await?;
    open.until_stdout("first\n").await?;
    open.write(b"last").await?;
    let limit = bench.seconds(10);
    let printed = bench
        .within(limit, "the end after that of the input", open.end())
        .await?;
    printed.ensure_code(0)?;
    ensure_eq!(printed.text()?, "first\nlast", "the input, printed");

    // Shutting the input down ends it as well as dropping it.
    let mut shut = bench.exec(&idle.id, &cat).await?;
    shut.write(b"all").await?;
    let stdin = shut.process.stdin.as_mut().ok_or_else(|| Failure::new("no stdin"))?;
    stdin.shutdown().await?;
    while shut.next().await?.is_none() {}
    ensure_eq!(shut.stdout.as_slice(), b"all", "the input, printed");

    let closed = bench
        .exec(&idle.id, &ExecSpec::new(programs::COUNT_INPUT.alone()))
        .await?;
    ensure!(closed.process.stdin.is_none(), "standard input is open unasked");
    ensure_eq!(closed.end().await?.text()?.trim(), "0", "the bytes of closed input");
    Ok(())
}

/// More than any pipe holds goes in and comes out at the same time.
pub(crate) async fn stdin_while_reading(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let cat = ExecSpec::new(programs::CAT.alone()).with_stdin(true);
    let mut reader = bench.exec(&idle.id, &cat).await?;
    let mut stdin = reader.process.stdin.take().ok_or_else(|| Failure::new("no stdin"))?;
    let input = numbered(0, 4096);
    let write = async {
        stdin.write_all(&input).await?;
        stdin.shutdown().await?;
        Ok(())
    };
    let ((), printed) = futures::try_join!(write, reader.end())?;
    printed.ensure_code(0)?;
    ensure!(
        printed.stdout == input,
        "{} bytes came back of {}",
        printed.stdout.len(),
        input.len()
    );
    Ok(())
}

/// A process may leave its input unread. Whoever writes it must not hang, and the exit must come; where an engine loses
/// output over more input than a pipe holds, the stream must say so.
pub(crate) async fn stdin_closed_early(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    for (kibibytes, may_lose) in [(16, false), (1024, true)] {
        let left = leave_input(bench, &idle.id, kibibytes);
        match bench
            .within(bench.seconds(20), "a process that left its input", left)
            .await
        {
            Err(failure) if !may_lose => return Err(failure),
            Err(failure) => ensure!(failure.is_of_driver(), "{}", failure.into_message()),
            Ok(printed) => {
                printed.ensure_code(0)?;
                ensure_eq!(
                    printed.text()?,
                    "line",
                    "the output of a process that left {kibibytes} KiB"
                );
            }
        }
    }
    Ok(())
}

async fn leave_input(bench: &Bench, id: &ContainerId, kibibytes: usize) -> Outcome<Printed> {
    let spec = ExecSpec::new(programs::ONE_LINE.alone()).with_stdin(true);
    let mut reader = bench.exec(id, &spec).await?;
    let mut stdin = reader.process.stdin.take().ok_or_else(|| Failure::new("no stdin"))?;
    let write = async {
        // Whether what is not read is taken or refused is up to the engine.
        if stdin.write_all(b"line\n").await.is_ok() {
            drop(stdin.write_all(&numbered(0, kibibytes)).await);
        }
        drop(stdin.shutdown().await);
        Ok(())
    };
    let ((), printed) = futures::try_join!(write, reader.end())?;
    Ok(printed)
}

pub(crate) async fn streams_are_apart(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let lines = 2000;
    let printed = bench.exec_to_end(&idle.id, programs::ALTERNATE.cmd(&[lines])).await?;
    printed.ensure_code(0)?;
    let expected = |word: &str| (0..lines).fold(String::new(), |text, line| text + &format!("{word} {line}\n"));
    ensure!(
        printed.stdout == expected("out").as_bytes(),
        "standard output is not what was printed to it: {}",
        printed.describe()
    );
    ensure!(
        printed.stderr == expected("err").as_bytes(),
        "standard error is not what was printed to it: {}",
        printed.describe()
    );
    Ok(())
}

pub(crate) async fn split_characters(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let text = "é€🦀";
    let bytes: Vec<_> = text.bytes().map(|byte| format!("{byte:o}")).collect();
    let printed = bench.exec_to_end(&idle.id, programs::BYTE_BY_BYTE.cmd(&bytes)).await?;
    printed.ensure_code(0)?;
    ensure_eq!(printed.stdout.as_slice(), text.as_bytes(), "the bytes of `{text}`");
    Ok(())
}

pub(crate) async fn large_output(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    let lines = 64 << 10;
    let spec = ExecSpec::new(programs::NUMBERED.cmd(&[lines]));
    let mut events = bench.runtime.exec(&idle.id, &spec).await?.events;
    let (mut line, mut pending) = (0, Vec::new());
    let status = loop {
        match events.next().await {
            Some(Ok(Event::Stdout(bytes))) => pending.extend_from_slice(&bytes),
            Some(Ok(Event::Stderr(bytes))) => return Err(Failure::new(format_args!("standard error: {bytes:?}"))),
            Some(Ok(Event::Exited(status))) => break status,
            Some(Err(error)) => return Err(error.into()),
            None => return Err(Failure::new("the stream ended without an exit")),
        }
        let whole = pending.len() / LINE_BYTES;
        ensure!(
            pending[..whole * LINE_BYTES] == numbered(line, whole),
            "the lines after {line} are not those that were printed"
        );
        pending.drain(..whole * LINE_BYTES);
        line += whole;
    };
    ensure_eq!(status.code(), Some(0), "the exit code");
    ensure_eq!((line, pending.len()), (lines, 0), "the lines, and the bytes after them");
    Ok(())
}

/// Engines frame the two streams on one connection; what looks like a frame is the program's all the same.
pub(crate) async fn frame_like_bytes(bench: &Bench) -> Outcome {
    let idle = bench.idle().await?;
    for bytes in [
        b"\x01\0\0\0\xff\xff\xff\xff".as_slice(),
        b"\x02\0\0\0\0\0\0\x05",
        b"\0\0\0\0\0\0\0\0",
        b"\x01\0\0\0\0\0\0\x10HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let escapes: Vec<_> = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
        let escapes = escapes.concat();
        let spec = ExecSpec::new(programs::RAW.cmd(&[&escapes, &escapes])).with_stdin(true);
        let mut reader = bench.exec(&idle.id, &spec).await?;
        let delivered = async {
            while reader.stdout.len() < bytes.len() || reader.stderr.len() < bytes.len() {
                ensure!(reader.next().await?.is_none(), "the process ended early");
            }
            Ok(())
        };
        bench
            .within(bench.seconds(10), "the delivery of the bytes", delivered)
            .await?;
        let printed = reader.end().await?;
        ensure_eq!(printed.stdout.as_slice(), bytes, "standard output");
        ensure_eq!(printed.stderr.as_slice(), bytes, "standard error");
    }
    Ok(())
}

pub(crate) async fn back_pressure(bench: &Bench) -> Outcome {
    /// What may lie between process and reader: pipes, sockets, and the buffers of engine and driver.
    const MAX_BUFFERED_LINES: u64 = 32 << 10;
    let idle = bench.start(&with_files(bench)).await?;
    let spec = ExecSpec::new(programs::FLOOD.cmd(&[COUNTER]));
    let mut reader = bench.exec(&idle.id, &spec).await?;
    reader.next().await?;

    let stopped = stopped_at(bench, &idle.id).await?;
    ensure!(
        stopped <= MAX_BUFFERED_LINES,
        "{stopped} lines of 1 KiB were printed that nobody had read"
    );
    // It goes on once it is read.
    let more = usize::try_from(stopped).unwrap_or(usize::MAX).saturating_add(1024) * LINE_BYTES;
    while reader.stdout.len() < more {
        ensure!(reader.next().await?.is_none(), "the process ended");
    }
    ensure!(
        reader.stdout[..more] == numbered(0, more / LINE_BYTES),
        "lines were lost meanwhile"
    );
    Ok(())
}

/// Waits until the counter stands still, which it must do while nobody reads.
async fn stopped_at(bench: &Bench, id: &ContainerId) -> Outcome<u64> {
    let mut last = read_counter(bench, id).await?;
    let pause = bench.millis(500);
    let same_twice = async {
        loop {
            sleep(pause).await;
            let now = read_counter(bench, id).await?;
            if now == last {
                return Ok(now);
            }
            last = now;
        }
    };
    bench
        .within(bench.seconds(30), "the stop of an unread process", same_twice)
        .await
}

/// Describes an idle container with a filesystem for [`COUNTER`].
pub(crate) fn with_files(bench: &Bench) -> ContainerSpec {
    bench.idle_spec().with_tmpfs(Tmpfs::new("/files", 1 << 20))
}

/// Reads the counter of a program that counts.
pub(crate) async fn read_counter(bench: &Bench, id: &ContainerId) -> Outcome<u64> {
    let number = || async {
        let printed = bench.exec_to_end(id, programs::READ_FILES.cmd(&[COUNTER])).await?;
        // The file is empty for the moment in which it is written.
        Ok(printed.text()?.parse().ok())
    };
    bench.until(bench.seconds(10), "a number in the counter", number).await
}

const LINE_BYTES: usize = 1024;

/// Returns what [`NUMBERED`](programs::NUMBERED) and [`FLOOD`](programs::FLOOD) print after `first` lines.
pub(crate) fn numbered(first: usize, lines: usize) -> Vec<u8> {
    let line = |number| format!("{number:01023}\n").into_bytes();
    (first..first + lines).flat_map(line).collect()
}
