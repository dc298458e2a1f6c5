//! What no client should send, ten thousand times: the server lives, and its memory does not grow.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use inline_tests::environment::patient;
use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::bench::{ALICE, Bench, memory};
use crate::ensure;
use crate::exchange::{Request, connect, initialize, open_session};

const MESSAGES: usize = 10_000;
/// So many come first, so that all that is allocated once is.
const WARM_UP: usize = 1_000;
/// One message in so many is longer than may be.
const OVERSIZED: usize = 500;
const OVERSIZED_BYTES: usize = 5 << 20;
/// How much the memory may grow meanwhile.
const GROWTH: u64 = 16 << 20;
/// How long the last answer may take, times `INLINE_TEST_PATIENCE`.
const PATIENCE: Duration = Duration::from_mins(2);

/// Returns a message that is none, or one that asks for what there is not.
fn nonsense(number: usize) -> Vec<u8> {
    if number % OVERSIZED == OVERSIZED - 1 {
        return vec![b'x'; OVERSIZED_BYTES];
    }
    let call = |name: Value, arguments: Value| {
        let params = json!({ "name": name, "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params }).to_string()
    };
    let text = match number % 16 {
        0 => "nonsense".to_owned(),
        1 => r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sandbox_exec","argu"#.to_owned(),
        2 => "[".repeat(10_000),
        3 => json!({ "jsonrpc": "1.0", "id": number, "method": "tools/list" }).to_string(),
        4 => json!([{ "jsonrpc": "2.0", "id": number, "method": "tools/list" }]).to_string(),
        5 => json!({ "jsonrpc": "2.0", "id": number, "method": "no/such/method", "params": [1, 2] }).to_string(),
        6 => call(json!("sandbox_nonsense"), json!({})),
        7 => call(json!(17), json!("x")),
        8 => call(json!("sandbox_exec"), json!({ "language": "python" })),
        9 => call(
            json!("sandbox_exec"),
            json!({ "language": "x".repeat(1_000), "code": "1" }),
        ),
        10 => call(json!("sandbox_files_read"), json!({ "path": "../".repeat(2_000) })),
        11 => json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": number } })
            .to_string(),
        12 => json!({ "jsonrpc": "2.0", "id": number, "result": { "never": "asked" } }).to_string(),
        13 => json!({ "jsonrpc": "2.0", "id": "x".repeat(10_000), "method": 3 }).to_string(),
        14 => {
            json!({ "jsonrpc": "2.0", "id": number, "method": "resources/read", "params": { "uri": "x:".repeat(500) } })
                .to_string()
        }
        _ => return vec![0xff, 0xfe, 0x00, b'{', 0xc3],
    };
    text.into_bytes()
}

pub(crate) fn nonsense_on_standard_input_ends_nothing(bench: &Bench) -> Result<(), Failed> {
    let mut child = bench
        .command(&["mcp"])?
        .env("RUST_LOG", "info")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
    let (sender, answers) = mpsc::channel();
    // Reads as fast as it comes, so that nothing waits for us; and all of it is of the protocol.
    std::thread::spawn(move || {
        for line in stdout.lines() {
            let message = line
                .map_err(|error| error.to_string())
                .and_then(|line| serde_json::from_str::<Value>(&line).map_err(|error| format!("{error}: {line}")));
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    let mut say = |message: &[u8]| {
        let line = [message, b"\n"].concat();
        stdin.write_all(&line).and_then(|()| stdin.flush())
    };
    // Also before the handshake.
    for number in 0..50 {
        say(&nonsense(number))?;
    }
    say(initialize().to_string().as_bytes())?;
    say(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)?;
    let (mut refused, mut before) = (0, 0);
    for number in 0..WARM_UP + MESSAGES {
        if number == WARM_UP {
            refused = 0;
            before = settled(&mut say, &answers, &mut 0, child.id())?;
        }
        say(&nonsense(number))?;
    }
    let after = settled(&mut say, &answers, &mut refused, child.id())?;
    println!(
        "{}: {MESSAGES} messages of nonsense, {refused} answered; {} KiB before, {} KiB after",
        bench.engine.name(),
        before >> 10,
        after >> 10
    );
    // All but notifications and answers to what was never asked.
    let least = MESSAGES * 13 / 16;
    ensure(refused >= least, || format!("{refused} errors, not {least}"))?;
    ensure(after < before + GROWTH, || {
        format!("{before} bytes before, {after} after")
    })?;
    drop(stdin);
    let status = child.wait()?;
    ensure(status.success(), || format!("it ended with {status}"))
}

/// Waits until all is answered, and returns the memory of the server; counts what was refused.
fn settled(
    say: &mut impl FnMut(&[u8]) -> std::io::Result<()>,
    answers: &mpsc::Receiver<Result<Value, String>>,
    refused: &mut usize,
    process: u32,
) -> Result<u64, Failed> {
    const LAST: &str = "the last";
    let call =
        json!({ "jsonrpc": "2.0", "id": LAST, "method": "tools/call", "params": { "name": "sandbox_languages" } });
    say(call.to_string().as_bytes())?;
    let patience = patient(PATIENCE)?;
    loop {
        let message = answers.recv_timeout(patience)??;
        ensure(message["jsonrpc"] == "2.0", || {
            format!("not of the protocol: {message}")
        })?;
        if message["id"] == LAST {
            ensure(message["result"]["isError"] == false, || message.to_string())?;
            return memory(process);
        }
        *refused += usize::from(message["error"].is_object() || message["result"]["isError"] == true);
    }
}

pub(crate) fn nonsense_by_http_ends_nothing(bench: &Bench) -> Result<(), Failed> {
    let server = bench.serve()?;
    let session = open_session(server.address, ALICE)?;
    let mut before = 0;
    let mut refused = 0;
    let mut stream = connect(server.address)?;
    for number in 0..WARM_UP + MESSAGES {
        if number == WARM_UP {
            before = memory(server.id())?;
            refused = 0;
        }
        let body = nonsense(number);
        let request = Request::raw(ALICE, body).session(&session);
        if number % 100 == 50 {
            // It breaks off in the middle, or never begins.
            let text = request.text(server.address, "close");
            connect(server.address)?.write_all(&text[..text.len() / 2])?;
            continue;
        }
        if number % OVERSIZED == OVERSIZED - 1 {
            let answer = request.send(server.address)?;
            ensure(answer.status == 413, || format!("{answer:?}"))?;
            refused += 1;
            continue;
        }
        stream.write_all(&request.text(server.address, "keep-alive"))?;
        let answer = read_answer(&mut stream)?;
        ensure(!answer.starts_with("HTTP/1.1 5"), || answer.clone())?;
        refused += usize::from(answer.contains("\"error\"") || answer.contains("\"isError\":true"));
    }
    let languages =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "sandbox_languages" } });
    let answer = Request::post(ALICE, &languages)
        .session(&session)
        .send(server.address)?;
    ensure(answer.status == 200 && answer.body.contains("python"), || {
        format!("{answer:?}")
    })?;
    let after = memory(server.id())?;
    println!(
        "{}: {MESSAGES} requests of nonsense, {refused} answered; {} KiB before, {} KiB after",
        bench.engine.name(),
        before >> 10,
        after >> 10
    );
    ensure(refused >= MESSAGES * 12 / 16, || format!("{refused} errors"))?;
    ensure(after < before + GROWTH, || {
        format!("{before} bytes before, {after} after")
    })?;
    server.stop()
}

/// Reads one answer of a connection that stays open.
fn read_answer(stream: &mut std::net::TcpStream) -> Result<String, Failed> {
    let mut all = Vec::new();
    let mut buffer = [0; 8 << 10];
    loop {
        let count = stream.read(&mut buffer)?;
        ensure(count > 0, || {
            format!("the connection ended: {}", String::from_utf8_lossy(&all))
        })?;
        all.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&all);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let is_whole = match length {
            Some(length) => body.len() >= length.parse()?,
            None if head.contains("transfer-encoding: chunked") => body.ends_with("0\r\n\r\n"),
            None => true,
        };
        if is_whole {
            return Ok(text.into_owned());
        }
    }
}
