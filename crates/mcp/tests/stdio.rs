//! A client on two pipes, by hand, and a service whose engine is none.

#![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use inline::{Capability, ContainerRuntime, Support};
use inline_fake::FakeRuntime;
use inline_mcp::{McpConfig, serve_stdio};
use inline_sandbox::{CancellationToken, SandboxConfig, SandboxService};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_mins(1);

/// A client that speaks to a server.
struct Client {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    server: JoinHandle<inline_mcp::Result<()>>,
    service: SandboxService,
    _directory: tempfile::TempDir,
}

impl Client {
    async fn connect() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let fake = FakeRuntime::builder().build();
        // The tests may run as anybody.
        let capabilities = fake
            .capabilities()
            .with(Capability::UserNamespace, Support::absent("not here"));
        let fake = FakeRuntime::builder().with_capabilities(capabilities).build();
        let mut config = SandboxConfig::default();
        config.base_dir = Some(directory.path().to_owned());
        config.pull_on_startup = false;
        let service = SandboxService::open(Arc::new(fake), config).await.unwrap();
        let (input, theirs) = tokio::io::duplex(64 << 10);
        let (ours, output) = tokio::io::duplex(64 << 10);
        let server = tokio::spawn(serve_stdio(
            service.clone(),
            McpConfig::default(),
            "local:alice".parse().unwrap(),
            (theirs, ours),
            CancellationToken::new(),
        ));
        Self {
            input,
            output: BufReader::new(output).lines(),
            server,
            service,
            _directory: directory,
        }
    }

    async fn say(&mut self, line: &[u8]) {
        self.input.write_all(line).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
    }

    async fn ask(&mut self, message: Value) -> Value {
        self.say(message.to_string().as_bytes()).await;
        self.answer().await
    }

    async fn answer(&mut self) -> Value {
        let line = timeout(PATIENCE, self.output.next_line()).await.unwrap();
        serde_json::from_str(&line.unwrap().unwrap()).unwrap()
    }

    async fn call(&mut self, name: &str, arguments: Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        let message = json!({ "jsonrpc": "2.0", "id": name, "method": "tools/call", "params": params });
        self.say(message.to_string().as_bytes()).await;
        // What is told besides is no answer.
        loop {
            let answer = self.answer().await;
            if answer["id"] == name {
                return answer["result"].clone();
            }
        }
    }

    async fn shake_hands(&mut self) {
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "by hand", "version": "0" },
        });
        let answer = self
            .ask(json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }))
            .await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
        self.say(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
    }

    async fn leave(self) {
        drop((self.input, self.output));
        timeout(PATIENCE, self.server).await.unwrap().unwrap().unwrap();
        self.service.shutdown().await;
    }
}

#[tokio::test]
async fn what_comes_before_the_handshake_ends_nothing() {
    let mut client = Client::connect().await;
    client
        .say(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        .await;
    client.say(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    client.say(b"{").await;
    assert_eq!(client.answer().await["error"]["code"], -32_700);
    let early = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    assert!(client.ask(early).await["error"]["code"].is_number());
    client.say(&vec![b'x'; 5 << 20]).await;
    let told = client.answer().await;
    assert_eq!(told["error"]["message"], "a message has at most 4194304 bytes");
    client.shake_hands().await;
    client.leave().await;
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_told_from_methods_that_there_are_not() {
    let mut client = Client::connect().await;
    client.shake_hands().await;
    for (method, params, code) in [
        ("tools/call", json!({ "name": 17 }), -32_602),
        ("tools/call", json!({ "name": "sandbox_nonsense" }), -32_602),
        ("resources/read", json!({}), -32_602),
        ("resources/read", json!({ "uri": "sandbox://files/missing" }), -32_002),
        ("no/such/method", json!({}), -32_601),
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params });
        let answer = client.ask(message).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(code), &json!(method)),
            "{answer}"
        );
    }
    client.leave().await;
}

#[tokio::test]
async fn what_goes_wrong_on_the_host_is_not_told() {
    let mut client = Client::connect().await;
    client.shake_hands().await;
    // The engine has no image, and knows no registry.
    let refused = client
        .call("sandbox_exec", json!({ "language": "python", "code": "1" }))
        .await;
    assert_eq!(refused["isError"], true);
    let text = refused["content"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("the sandbox cannot do this now; its operator finds the cause in the log, as `"),
        "{text}"
    );
    client.leave().await;
}

#[tokio::test]
async fn each_tool_is_described_and_files_are_kept() {
    let mut client = Client::connect().await;
    client.shake_hands().await;
    let listed = client
        .ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }))
        .await;
    let tools: BTreeMap<&str, &Value> = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| (tool["name"].as_str().unwrap(), tool))
        .collect();
    assert_eq!(tools.len(), 11);
    let exec = tools["sandbox_exec"];
    assert_eq!(exec["inputSchema"]["properties"]["timeout"]["maximum"], 120.0);
    assert_eq!(exec["inputSchema"]["additionalProperties"], false);
    let written = client
        .call("sandbox_files_write", json!({ "path": "a/b.txt", "content": "here" }))
        .await;
    assert_eq!(written["structuredContent"], json!({ "path": "a/b.txt", "size": 4 }));
    let read = client
        .call("sandbox_files_read", json!({ "path": "/workspace/a/b.txt" }))
        .await;
    assert_eq!(read["structuredContent"]["content"], "here");
    let refused = client
        .call("sandbox_files_read", json!({ "path": "/etc/passwd" }))
        .await;
    assert_eq!(refused["isError"], true);
    client.leave().await;
}
