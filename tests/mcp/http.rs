//! Who comes in by HTTP, and what sessions are.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::bench::{ALICE, BOB, Bench};
use crate::ensure;
use crate::exchange::{Request, initialize, open_session};

fn languages() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "sandbox_languages" } })
}

fn exec(code: &str) -> Value {
    let arguments = json!({ "language": "bash", "code": code });
    let params = json!({ "name": "sandbox_exec", "arguments": arguments, "_meta": { "progressToken": 1 } });
    json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params })
}

pub(crate) fn only_who_shows_a_token_comes_in(bench: &Bench) -> Result<(), Failed> {
    let server = bench.serve()?;
    let post = |token: &str| Request::post(token, &initialize());
    let scheme = |value: &str| post("").without("Authorization").header("Authorization", value);
    for (what, request) in [
        ("none", post("").without("Authorization")),
        ("an empty one", post("")),
        ("a wrong one", post(&ALICE.replace('a', "b"))),
        ("a part", post(&ALICE[..ALICE.len() - 1])),
        ("another scheme", scheme(&format!("Basic {ALICE}"))),
        ("no scheme", scheme(ALICE)),
        ("two", post(ALICE).header("Authorization", &format!("Bearer {BOB}"))),
    ] {
        for method in ["POST", "GET", "DELETE"] {
            let answer = request.clone().method(method).send(server.address)?;
            let challenge = answer.header("www-authenticate") == Some("Bearer");
            ensure(
                answer.status == 401 && challenge && !answer.body.contains(ALICE),
                || format!("{what}: {answer:?}"),
            )?;
        }
    }
    for request in [post(ALICE), post(BOB), scheme(&format!("bearer {ALICE}"))] {
        let answer = request.send(server.address)?;
        ensure(answer.status == 200, || format!("{answer:?}"))?;
    }
    let elsewhere = post(ALICE).path("/").send(server.address)?;
    ensure(elsewhere.status == 404, || format!("{elsewhere:?}"))?;
    server.stop()
}

pub(crate) fn only_known_hosts_and_origins_come_in(bench: &Bench) -> Result<(), Failed> {
    bench.configure(
        "mcp.allowed_hosts = ['mcp.example.com']\nmcp.allowed_origins = ['https://app.example.com:443']\n",
    )?;
    let server = bench.serve()?;
    let port = server.address.port();
    let host = |host: &str| Request::post(ALICE, &initialize()).header("Host", host);
    let origin = |origin: &str| Request::post(ALICE, &initialize()).header("Origin", origin);
    for (request, status) in [
        (host(&format!("localhost:{port}")), 200),
        (host("mcp.example.com"), 200),
        (host("evil.example.com"), 403),
        (host(&format!("evil.example.com:{port}")), 403),
        (host("mcp.example.com.evil.example"), 403),
        (host(""), 400),
        (origin("https://app.example.com"), 200),
        (origin("https://evil.example.com"), 403),
        (origin("http://app.example.com"), 403),
        (origin(&format!("http://localhost:{port}")), 403),
        (origin("null"), 403),
    ] {
        let answer = request.send(server.address)?;
        ensure(answer.status == status, || format!("{status}: {answer:?}"))?;
    }
    // A browser asks first, without a token, and is told no more than that its page may.
    let page = "https://app.example.com";
    let asks = |page: &str| {
        let request = Request::post("", &json!({})).without("Authorization").method("OPTIONS");
        request
            .header("Origin", page)
            .header("Access-Control-Request-Method", "POST")
            .send(server.address)
    };
    let (known, unknown) = (asks(page)?, asks("https://evil.example.com")?);
    let may = known.status == 204 && known.header("access-control-allow-origin") == Some(page);
    ensure(may && unknown.status == 401, || format!("{known:?} {unknown:?}"))?;
    let answer = origin(page).send(server.address)?;
    ensure(answer.header("access-control-allow-origin") == Some(page), || {
        format!("{answer:?}")
    })?;
    ensure(
        asks("https://evil.example.com")?
            .header("access-control-allow-origin")
            .is_none(),
        || "it may".to_owned(),
    )?;
    server.stop()
}

pub(crate) fn a_session_belongs_to_its_client(bench: &Bench) -> Result<(), Failed> {
    let server = bench.serve()?;
    let id = open_session(server.address, ALICE)?;
    let call = |token: &str| Request::post(token, &languages()).session(&id).send(server.address);
    let answer = call(ALICE)?;
    ensure(answer.status == 200 && answer.body.contains("python"), || {
        format!("{answer:?}")
    })?;
    // Whoever knows the id of a session has nothing of it.
    for request in [
        Request::post(BOB, &languages()),
        Request::post(BOB, &languages()).method("GET"),
    ] {
        let answer = request.session(&id).send(server.address)?;
        ensure(answer.status == 404, || format!("{answer:?}"))?;
    }
    Request::post(BOB, &languages())
        .method("DELETE")
        .session(&id)
        .send(server.address)?;
    ensure(call(ALICE)?.status == 200, || {
        "another client ended the session".to_owned()
    })?;
    let written = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "sandbox_files_write", "arguments": { "path": "alice.txt", "content": "secret" } },
    });
    Request::post(ALICE, &written).session(&id).send(server.address)?;
    let listed = json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/list" });
    let of_bob = open_session(server.address, BOB)?;
    let files = |token: &str, id: &str| Request::post(token, &listed).session(id).send(server.address);
    let (alice, bob) = (files(ALICE, &id)?, files(BOB, &of_bob)?);
    ensure(
        alice.body.contains("alice.txt") && !bob.body.contains("alice.txt"),
        || format!("{alice:?} {bob:?}"),
    )?;

    let ended = Request::post(ALICE, &languages())
        .method("DELETE")
        .session(&id)
        .send(server.address)?;
    ensure(ended.status == 204 && call(ALICE)?.status == 404, || {
        format!("{ended:?}")
    })?;
    server.stop()
}

pub(crate) fn a_stream_that_broke_is_resumed(bench: &Bench) -> Result<(), Failed> {
    let server = bench.serve()?;
    let id = open_session(server.address, ALICE)?;
    let mut stream = Request::post(ALICE, &exec("echo first; sleep 2; echo last"))
        .session(&id)
        .stream(server.address)?;
    ensure(stream.status == 200, || "no stream".to_owned())?;
    let event = stream.line_with("id:")?;
    stream.line_with("first")?;
    drop(stream);
    let seen = event.trim_start_matches("id:").trim();
    let resumed = Request::post(ALICE, &languages())
        .method("GET")
        .session(&id)
        .header("Last-Event-ID", seen)
        .stream(server.address)?
        .line_with("structuredContent")?;
    let message: Value = serde_json::from_str(resumed.trim_start_matches("data:").trim())?;
    ensure(
        message["id"] == 2 && message["result"]["structuredContent"]["output"] == "first\nlast\n",
        || resumed,
    )?;
    server.stop()
}

pub(crate) fn there_are_only_so_many_sessions(bench: &Bench) -> Result<(), Failed> {
    bench.configure("mcp.max_sessions = 2\n")?;
    let server = bench.serve()?;
    let sessions: Vec<String> = (0..4)
        .map(|_| open_session(server.address, ALICE))
        .collect::<Result<_, _>>()?;
    let status = |id: &String| Request::post(ALICE, &languages()).session(id).send(server.address);
    for (number, id) in sessions.iter().enumerate() {
        let answer = status(id)?;
        let expected = if number < 2 { 404 } else { 200 };
        ensure(answer.status == expected, || format!("session {number}: {answer:?}"))?;
    }
    // Those that are in use do not give way.
    let streams: Vec<_> = sessions[2..]
        .iter()
        .map(|id| {
            Request::post(ALICE, &languages())
                .method("GET")
                .session(id)
                .stream(server.address)
        })
        .collect::<Result<_, _>>()?;
    let refused = Request::post(ALICE, &initialize()).send(server.address)?;
    ensure(refused.status == 503 && refused.header("retry-after").is_some(), || {
        format!("{refused:?}")
    })?;
    // Another client has sessions of its own.
    open_session(server.address, BOB)?;
    drop(streams);
    server.stop()
}

pub(crate) fn what_would_serve_everybody_does_not_start(bench: &Bench) -> Result<(), Failed> {
    let refused = |address: &str, told: &str| {
        let output = bench.command(&["mcp", "--http", address])?.output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure(
            output.status.code() == Some(1) && stderr.contains(told) && output.stdout.is_empty(),
            || format!("{output:?}"),
        )
    };
    bench.write_tokens("# nobody\n", "600")?;
    refused("127.0.0.1:0", "there is no token in it")?;
    bench.write_tokens(&format!("alice {ALICE}\n"), "644")?;
    refused("127.0.0.1:0", "everybody may use it")?;
    bench.write_tokens("alice short\n", "600")?;
    refused("127.0.0.1:0", "the token is shorter than 16 bytes")?;
    bench.configure_without_tokens()?;
    for address in ["0.0.0.0:0", "[::]:0"] {
        refused(address, "can be reached from elsewhere, and there is no token")?;
    }
    // On this machine alone, nobody needs a token.
    let server = bench.serve()?;
    let answer = Request::post("", &initialize())
        .without("Authorization")
        .send(server.address)?;
    ensure(answer.status == 200, || format!("{answer:?}"))?;
    server.stop()
}
