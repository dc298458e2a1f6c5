"""What an agent does, by the official SDK: `sdk.py SCENARIO DESCRIPTION`, the description of the server in JSON."""

import json
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import jsonschema
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

ABOUT = json.loads(sys.argv[2])
PATIENCE = ABOUT["patience"]
TOOLS = {
    # name: read-only, destructive, open-world
    "sandbox_exec": (False, True, False),
    "sandbox_session_start": (False, False, False),
    "sandbox_session_reset": (False, True, False),
    "sandbox_session_stop": (False, True, False),
    "sandbox_files_list": (True, False, False),
    "sandbox_files_read": (True, False, False),
    "sandbox_files_write": (False, True, False),
    "sandbox_files_remove": (False, True, False),
    "sandbox_install": (False, True, True),
    "sandbox_languages": (True, False, False),
    "sandbox_status": (True, False, False),
}
PNG = """
import struct, zlib
def png(name, shade):
    rows = b''.join(b'\\0' + bytes([x * shade % 256 for x in range(16)]) for _ in range(16))
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    head = chunk(b'IHDR', struct.pack('>IIBBBBB', 16, 16, 8, 0, 0, 0, 0))
    open(name, 'wb').write(b'\\x89PNG\\r\\n\\x1a\\n' + head + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
for shade in range(1, 5):
    png(f'plot{shade}.png', shade)
open('fake.png', 'w').write('no image')
"""
# Tells the time of the last instant at which it lived.
BEATS = """
import time
with open('beat', 'w') as beat:
    while True:
        beat.seek(0)
        beat.write(f'{time.time():.4f}')
        beat.flush()
        time.sleep(0.005)
"""


def figure(text):
    print(f"{ABOUT['name']}: {text}", flush=True)


@asynccontextmanager
async def connect(**options):
    server = ABOUT["server"]
    options.setdefault("mode", ABOUT["mode"])
    async with anyio.create_task_group() as group:
        if "url" in server:
            headers = {"Authorization": f"Bearer {server['token']}"}
            http = await stack(group, httpx2.AsyncClient(headers=headers, timeout=300 * PATIENCE))
            transport = streamable_http_client(server["url"], http_client=http)
        else:
            transport = StdioServerParameters(**server)
        async with Client(transport, **options) as client:
            modern = client.protocol_version >= "2026-07-28"
            assert modern == (ABOUT["mode"] == "auto"), client.protocol_version
            yield client
        group.cancel_scope.cancel()


async def stack(group, http):
    """Keeps a client open for as long as the group is."""

    async def hold(*, task_status=anyio.TASK_STATUS_IGNORED):
        async with http:
            task_status.started()
            await anyio.sleep_forever()

    await group.start(hold)
    return http


class Caller:
    """Calls tools, and holds each result against the schema that its tool declares."""

    def __init__(self, client, tools):
        self.client, self.tools, self.called = client, {tool.name: tool for tool in tools}, set()

    async def __call__(self, name, progress=None, **arguments):
        result = await self.client.call_tool(name, arguments, progress_callback=progress)
        assert not result.is_error, (name, result.content)
        jsonschema.validate(result.structured_content, self.tools[name].output_schema)
        assert result.content[0].type == "text" and result.content[0].text, result
        self.called.add(name)
        return result

    async def refused(self, name, **arguments):
        result = await self.client.call_tool(name, arguments)
        assert result.is_error, (name, arguments, result)
        return result.content[0].text


async def caller(client):
    return Caller(client, (await client.list_tools()).tools)


async def tools():
    """Every tool is there, is described, does what it says, and answers as it declares."""
    async with connect() as client:
        assert client.server_info.name == "inline" and client.instructions
        call = await caller(client)
        assert set(call.tools) == set(TOOLS)
        for name, tool in call.tools.items():
            hints = tool.annotations
            assert (hints.read_only_hint, hints.destructive_hint, hints.open_world_hint) == TOOLS[name], name
            assert len(tool.description) > 40 and tool.title, name
            for schema in (tool.input_schema, tool.output_schema):
                jsonschema.Draft202012Validator.check_schema(schema)
        await runs(client, call)
        await sessions(call)
        await files(client, call)
        known = (await call("sandbox_languages")).structured_content["languages"]
        assert {one["name"] for one in known} == {"python", "node", "bash"}
        if ABOUT["network"]:
            for manager, package, name in (("pip", "inline-sample", "inline-sample"), ("npm", "inline-one", "inline-one")):
                done = (await call("sandbox_install", manager=manager, packages=[package])).structured_content
                assert done["verdict"] == "ok" and name in [one["name"] for one in done["packages"]], done
            code = "import inline_sample; inline_sample.version"
            assert (await call("sandbox_exec", language="python", code=code)).structured_content["output"] == "2\n"
        else:
            call.called.add("sandbox_install")
        text = await call.refused("sandbox_install", manager="pip", packages=["--index-url=http://example.com", "x"])
        assert "cannot be installed" in text, text
        status = (await call("sandbox_status")).structured_content
        assert status["today"]["runs"] > 0 and status["workspace"]["files"] > 0, status
        assert call.called == set(TOOLS), set(TOOLS) - call.called
        try:
            await client.call_tool("sandbox_nonsense", {})
            raise AssertionError("an unknown tool was called")
        except MCPError as error:
            assert error.error.code == -32602, error


async def runs(client, call):
    for language, code, output, error, exit_code in (
        ("python", "import sys\nprint(input(), file=sys.stderr)\n6 * 7", "42\n", "given\n", 0),
        ("node", "console.log(6 * 7); process.exit(3)", "42\n", "", 3),
        ("bash", "echo 42; cat dir/in.txt >&2; exit 4", "42\n", "é", 4),
    ):
        files = [{"path": "dir/in.txt", "content": "w6k=", "encoding": "base64"}]
        result = await call("sandbox_exec", label="try", language=language, code=code, stdin="given", files=files, timeout=20)
        got = result.structured_content
        assert (got["output"], got["error"], got["exitCode"]) == (output, error, exit_code), got
        assert got["verdict"] == ("ok" if exit_code == 0 else "non_zero") and not got["truncated"], got
        assert got["executionTime"] > 0 and "session" not in got, got
        assert output in result.content[0].text and error in result.content[0].text

    late = await call("sandbox_exec", language="python", code="print('early')\nwhile True: pass", timeout=PATIENCE)
    got = late.structured_content
    assert (got["verdict"], got["exitCode"], got["output"]) == ("timeout", None, "early\n"), got
    assert "took too long" in got["error"] and "took too long" in late.content[0].text

    # What is too long keeps its head and its tail, and all of it can be read.
    code = "import sys\nfor n in range(5000): print(n)\nfor n in range(2000): print(n, file=sys.stderr)"
    result = await call("sandbox_exec", language="python", code=code)
    got = result.structured_content
    links = {block.name: block for block in result.content if block.type == "resource_link"}
    for stream, key, most, count in (("stdout", "output", 3500, 5000), ("stderr", "error", 1000, 2000)):
        text = got[key]
        assert got["truncated"] and most - 3 <= len(text) <= most, len(text)
        assert text.startswith("0\n1\n") and text.endswith(f"{count - 1}\n") and "characters left out" in text, text
        assert str(links[stream].uri) in text
        whole = (await client.read_resource(str(links[stream].uri))).contents[0].text
        assert whole == "".join(f"{n}\n" for n in range(count))

    # All images arrive, as images; what only has the name of one does not.
    result = await call("sandbox_exec", language="python", code=PNG)
    images = [block for block in result.content if block.type == "image"]
    assert [image.mime_type for image in images] == ["image/png"] * 4, result.content
    assert all(image.data.startswith("iVBORw0KGgo") for image in images)
    made = {file["path"]: file for file in result.structured_content["artifacts"]}
    assert set(made) == {"fake.png"} | {f"plot{n}.png" for n in range(1, 5)}, made
    assert "fake.png` has the name of an image" in result.content[0].text

    # No argument widens anything.
    for arguments in ({"network": True}, {"memory": "64g"}, {"image": "debian"}, {"timeout": -1}, {"files": [{"path": "a"}]}):
        await call.refused("sandbox_exec", language="python", code="1", **arguments)
    code = "import socket\ntry: socket.create_connection(('1.1.1.1', 53), 2)\nexcept OSError as e: print('refused')"
    got = (await call("sandbox_exec", language="python", code=code, timeout=100_000)).structured_content
    assert got["output"] == "refused\n", got
    assert "there are: bash, node, python" in await call.refused("sandbox_exec", language="cobol", code="1")
    escape = [{"path": "../../x", "content": ""}]
    assert "leads out" in await call.refused("sandbox_exec", language="python", code="1", files=escape)


async def sessions(call):
    async def cell(code, **more):
        return (await call("sandbox_exec", language="python", code=code, session=True, **more)).structured_content

    started = (await call("sandbox_session_start", language="python")).structured_content
    assert started == {"language": "python", "open": True, "existed": False}, started
    got = await cell("x = 41")
    assert got["session"] == {"isNew": False, "stateKept": True}, got
    got = await cell("print(x + 1, open('data.txt').read())", files=[{"path": "data.txt", "content": "given"}])
    assert got["output"] == "42 given\n", got
    late = await cell("import time; time.sleep(60)", timeout=PATIENCE)
    assert late["verdict"] == "timeout" and late["session"]["stateKept"], late
    assert (await cell("x"))["output"] == "41\n"
    assert (await call("sandbox_status")).structured_content["sessions"] == ["python"]
    await call.refused("sandbox_exec", language="python", code="1", session=True, stdin="x")
    assert (await call("sandbox_session_reset", language="python")).structured_content["existed"]
    got = await cell("x")
    assert got["verdict"] == "non_zero" and "NameError" in got["error"], got
    stopped = (await call("sandbox_session_stop", language="python")).structured_content
    assert stopped == {"language": "python", "open": False, "existed": True}, stopped
    assert not (await call("sandbox_session_stop", language="python")).structured_content["existed"]
    await call.refused("sandbox_session_stop", language="cobol")


async def files(client, call):
    await call("sandbox_files_write", path="a b/é.txt", content="first\n")
    written = (await call("sandbox_files_write", path="/workspace/a b/é.txt", content="c2Vjb25k", encoding="base64", append=True))
    assert written.structured_content["size"] == 12, written
    read = (await call("sandbox_files_read", path="a b/é.txt")).structured_content
    assert read["content"] == "first\nsecond" and read["nextOffset"] is None, read
    part = (await call("sandbox_files_read", path="a b/é.txt", limit=5)).structured_content
    assert (part["content"], part["nextOffset"]) == ("first", 5), part
    await call("sandbox_files_write", path="raw", content="AP8A", encoding="base64")
    raw = (await call("sandbox_files_read", path="raw")).structured_content
    assert (raw["content"], raw["encoding"]) == ("AP8A", "base64"), raw
    shown = await call("sandbox_files_read", path="plot1.png")
    assert shown.content[1].type == "image" and shown.structured_content["encoding"] == "image"
    listed = (await call("sandbox_files_list")).structured_content
    assert {"path": "a b", "kind": "directory"}.items() <= next(e for e in listed["entries"] if e["path"] == "a b").items()
    page = (await call("sandbox_files_list", limit=1, offset=1)).structured_content
    assert len(page["entries"]) == 1 and page["total"] == listed["total"], page

    resources = {one.name: one for one in (await client.list_resources(cache_mode="bypass")).resources}
    uri = str(resources["a b/é.txt"].uri)
    assert resources["a b/é.txt"].size == 12 and resources["plot1.png"].mime_type == "image/png"
    contents = (await client.read_resource(uri, cache_mode="bypass")).contents[0]
    assert contents.text == "first\nsecond" and contents.mime_type == "text/plain", contents
    blob = (await client.read_resource(str(resources["plot1.png"].uri))).contents[0]
    assert blob.blob.startswith("iVBORw0KGgo") and blob.mime_type == "image/png"
    templates = (await client.list_resource_templates()).resource_templates
    assert [one.uri_template for one in templates] == ["sandbox://files/{+path}"]
    for bad in ("sandbox://files/missing", "sandbox://files/../../etc/passwd", "sandbox://output/x/stdout", "file:///etc/passwd"):
        try:
            await client.read_resource(bad)
            raise AssertionError(f"{bad} was read")
        except MCPError as error:
            assert error.error.code in (-32002, -32602), error

    for path in ("/etc/passwd", "../x", "missing"):
        text = await call.refused("sandbox_files_read", path=path)
        assert str(Path(ABOUT["base"]).parent) not in text, text
    await call("sandbox_exec", language="bash", code="ln -s /etc/passwd link")
    await call.refused("sandbox_files_read", path="link")
    await call.refused("sandbox_files_remove", path="a b")
    await call("sandbox_files_remove", path="a b", recursive=True)
    assert "not found" in await call.refused("sandbox_files_read", path="a b/é.txt")


async def notices():
    """Output comes while the program runs, the log says what ran, and lists of files are told of."""
    told, logged, changed = [], [], anyio.Event()

    async def on_message(message):
        if getattr(message, "method", "") == "notifications/resources/list_changed":
            changed.set()

    async def on_log(params):
        logged.append(params)

    async def on_progress(progress, total, message):
        told.append((time.monotonic(), progress, message))

    async with connect(message_handler=on_message, logging_callback=on_log, log_level="info") as client:
        call = await caller(client)

        async def run():
            code = f"import time\nprint('one', flush=True)\ntime.sleep(1)\nprint('two')\nopen('{time.time_ns()}', 'w').close()"
            await call("sandbox_exec", progress=on_progress, language="python", code=code)
            return time.monotonic()

        if ABOUT["mode"] == "auto":
            async with client.listen(resources_list_changed=True) as changes:
                ended = await run()
                with anyio.fail_after(10 * PATIENCE):
                    await anext(aiter(changes))
        else:
            ended = await run()
            with anyio.fail_after(10 * PATIENCE):
                await changed.wait()
        steps = [progress for _, progress, _ in told]
        assert steps == sorted(set(steps)), steps
        early = next(at for at, _, message in told if "one" in message)
        assert ended - early > 0.9 and any("two" in message for _, _, message in told), told
        assert any(entry.data.get("tool") == "sandbox_exec" and entry.level == "info" for entry in logged), logged


async def cancelling():
    """A call that is given up ends its program within 250 ms; the server goes on."""
    async with connect() as client:
        call = await caller(client)
        await call("sandbox_exec", language="python", code="1")
        lived = []
        for _ in range(5):
            for beat in Path(ABOUT["base"]).rglob("beat"):
                beat.unlink()
            async with anyio.create_task_group() as group:
                group.start_soon(lambda: client.call_tool("sandbox_exec", {"language": "python", "code": BEATS}))
                with anyio.fail_after(60 * PATIENCE):
                    while not (beats := [beat for beat in Path(ABOUT["base"]).rglob("beat") if beat.stat().st_size]):
                        await anyio.sleep(0.01)
                await anyio.sleep(0.3)
                given_up = time.time()
                group.cancel_scope.cancel()
            await anyio.sleep(1 * PATIENCE)
            last = float(beats[0].read_text())
            assert last > given_up - 0.2, "it had ended before"
            lived.append(last - given_up)
        lived.sort()
        figure(f"a cancelled program lived on for {lived[2] * 1000:.0f} ms, {lived[-1] * 1000:.0f} ms at most")
        # A busy host may be late once.
        assert lived[2] < 0.25 * PATIENCE and lived[-1] < PATIENCE, lived
        with anyio.fail_after(10 * PATIENCE):
            while (await call("sandbox_status")).structured_content["running"]:
                await anyio.sleep(0.1)


async def parallel():
    """Eight calls go on at once."""
    async with connect() as client:
        call = await caller(client)
        begun = time.monotonic()
        outputs = [None] * 8

        async def one(number):
            code = f"import time; time.sleep(2); print({number})"
            outputs[number] = (await call("sandbox_exec", language="python", code=code)).structured_content["output"]

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(one, number)
        took = time.monotonic() - begun
        figure(f"8 calls of 2 s took {took:.1f} s")
        assert outputs == [f"{number}\n" for number in range(8)], outputs
        # One after the other they would take more than 16 s.
        assert took < 14 * PATIENCE, took


anyio.run({"tools": tools, "notices": notices, "cancelling": cancelling, "parallel": parallel}[sys.argv[1]])
