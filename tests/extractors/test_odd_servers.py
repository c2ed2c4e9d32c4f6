"""Bodies and connections as odd servers send them. The server here writes raw bytes; one that behaves is in `tests.servers`."""

import contextlib
import gzip
import json
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from coderai_pipeline.domain.cells import Reply
from coderai_pipeline.domain.errors import (
    AccessRefused,
    ContextTooLong,
    ProviderError,
    ProviderUnavailable,
    RequestRefused,
)
from coderai_pipeline.domain.project import ExtractorSettings, Limits
from coderai_pipeline.extractors import chat, responses
from coderai_pipeline.extractors.archive import ReplyArchive
from coderai_pipeline.extractors.bodies import json_in
from coderai_pipeline.extractors.budget import TokenBudget
from coderai_pipeline.extractors.clients import endpoint_of, make_client
from coderai_pipeline.extractors.provider import Provider
from coderai_pipeline.extractors.retrying import Patience
from coderai_pipeline.extractors.wire import Malformed
from tests.extractors.calls import KEY, QUICK, request

TEXT = '{"total": {"value": "Zürich"}}'
USAGE = {"prompt_tokens": 50, "completion_tokens": 9}


def body(content: Any = TEXT, usage: Any = USAGE, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content, **message}, "finish_reason": finish}], "usage": usage}


def http(status: int, content: Any, *headers: str) -> bytes:
    given = content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(given)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + given


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return (
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()
        + b"\r\n\r\n"
    )


def tool(arguments: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "reply", "arguments": arguments}}


STREAM = (
    b": ping\n\n"
    + chunk({"role": "assistant", "content": TEXT[:9]})
    + chunk({"content": TEXT[9:]})
    + chunk({}, "stop")
    + b'data: {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 9}}\n\ndata: [DONE]\n\n'
)
TOO_DEEP = b"[" * 100_000
USED_UP_TODAY = {
    "error": {
        "code": 429,
        "status": "RESOURCE_EXHAUSTED",
        "message": "You exceeded your current quota, please check your plan and billing details. Please retry in 1.5s.",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "50"}],
            },
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"},
        ],
    }
}


@contextmanager
def raw_server(*answers: bytes, kept: bool = True) -> Generator[tuple[str, list[int]]]:
    """Gives the answers in turn, the last one for ever; b"" = closes without one. Also the connection each request came by."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[int] = []

    def serve(connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                length = 0
                while (line := stream.readline()).strip():
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                stream.read(length)
                asked.append(number)
                given = answers[min(len(asked), len(answers)) - 1]
                connection.sendall(given)
                if not given or not kept:
                    return

    def accept() -> None:
        for number in range(1_000):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection, number), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", asked
    finally:
        listener.close()


@contextmanager
def asking(base_url: str, folder: Path, patience: Patience = QUICK) -> Generator[Callable[[int], Reply]]:
    settings = ExtractorSettings(base_url=base_url, model="m", timeout_s=20.0, api="chat")
    limits = Limits(requests_per_minute=10**6, tokens_per_minute=10**9, in_flight=4, tokens=10**8)
    endpoint = endpoint_of(make_client(settings, KEY), KEY)
    archive, budget = ReplyArchive(folder / "replies"), TokenBudget(folder / "budget", limits.tokens)
    with Provider(settings, limits, KEY, endpoint, archive, budget, folder / "shared", patience) as provider:
        yield lambda number: provider.submit(request(number)).result(timeout=20)


@pytest.mark.parametrize(
    "answer",
    [
        http(200, b"\xef\xbb\xbf" + json.dumps(body(), indent=4).encode()),
        http(200, json.dumps(body()).encode("utf-16")),
        http(200, json.dumps(body(), ensure_ascii=False).encode("latin-1"), "Content-Type: text/json; charset=ISO-8859-1"),
        http(200, json.dumps(body(), ensure_ascii=False).encode(), "Content-Type: application/json; charset=iso-8859-1"),
        http(200, b'{"id": "\xff\xfe",' + json.dumps(body()).encode()[1:], "Content-Type: application/json; charset=what"),
        http(200, gzip.compress(json.dumps(body()).encode(), mtime=0), "content-ENCODING: gzip"),
        http(200, gzip.compress(json.dumps(body()).encode(), mtime=0)),
        http(200, gzip.compress(gzip.compress(json.dumps(body()).encode(), mtime=0), mtime=0), "Content-Encoding: gzip"),
        http(200, zlib.compress(json.dumps(body()).encode()), "Content-Encoding: deflate"),
        http(200, zlib.compress(json.dumps(body()).encode())[2:-4], "Content-Encoding: deflate"),
        *(http(200, body(), f"Content-Encoding: {name}") for name in ("gzip", "deflate", "br", "zstd", "utf-8")),
        http(200, body("", reasoning_content=TEXT)),
        http(200, body(None, reasoning=TEXT)),
        http(200, body(), "X-Long: " + "a" * 20_000, *(f"X-{number}: v" for number in range(300))),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + http(201, body()),
        http(200, STREAM, "Content-Type: text/event-stream"),
        http(200, b"data: " + json.dumps(body()).encode() + b"\n\ndata: [DONE]\n\n"),
        http(200, {**body(), "more": json.loads("[" * 500 + "]" * 500)}),
    ],
)  # fmt: skip
def test_a_reply_is_read_in_whatever_way_it_is_sent(tmp_path: Path, answer: bytes) -> None:
    with raw_server(answer) as (base_url, _), asking(base_url, tmp_path) as ask:
        reply = ask(1)
        assert (reply.text, reply.attempts, reply.input_tokens, reply.output_tokens) == (TEXT, 1, 50, 9)
        assert ReplyArchive(tmp_path / "replies").count() == 1


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (http(204, b""), ProviderUnavailable, "the body is empty"),
        (http(200, TOO_DEEP), ProviderUnavailable, "nested too deeply"),
        (http(200, b"<html>", "Content-Type: text/html"), ProviderUnavailable, "text/html, not JSON"),
        (http(200, STREAM[:150]), ProviderUnavailable, "broke off"),
        (http(200, {"error": {"message": "overloaded", "code": 503}}), ProviderUnavailable, "503: overloaded"),
        (http(200, {"error": "out of order"}), ProviderUnavailable, "out of order"),
        (http(200, {"status_msg": "out of order"}), ProviderUnavailable, "no choices: .*out of order"),
        (http(200, {"error": {"message": "flagged", "code": 400}}), RequestRefused, "400: flagged"),
        (http(200, {"error": {"message": "no", "code": "insufficient_quota"}}), AccessRefused, "no credit left"),
        (http(200, {"error": {"message": "Incorrect key", "code": "invalid_api_key"}}), AccessRefused, "check the key"),
        (http(200, {"error": {"message": "odd", "type": "invalid_request_error"}}), RequestRefused, "400: odd"),
        (http(429, {"error": {"code": "billing_not_active"}}), AccessRefused, "no credit left"),
        (http(400, TOO_DEEP), RequestRefused, "400"),
        (http(400, gzip.compress(b'{"error": "odd"}', mtime=0)), RequestRefused, "400: odd"),
        (http(400, json.dumps({"error": "odd"}).encode("utf-16")), RequestRefused, "400: odd"),
        (http(307, b"", "Location: http://elsewhere/"), AccessRefused, "redirected to http://elsewhere/"),
        (http(402, {"detail": "Payment Required"}), AccessRefused, "no credit left"),
        (http(429, {"error": {"message": "Request too large: tokens must be reduced"}}), ContextTooLong, "too large"),
        (http(429, {"error": "slow"}, "Retry-After: 99999"), ProviderUnavailable, "asks to wait 99,999 s"),
        (http(429, USED_UP_TODAY), ProviderUnavailable, "its daily quota is used up"),
        (http(429, [USED_UP_TODAY]), ProviderUnavailable, "its daily quota is used up"),
        (b"", ProviderUnavailable, "connection failed"),
    ],
)  # fmt: skip
def test_what_is_no_reply_ends_with_the_reason(tmp_path: Path, answer: bytes, error: type[Exception], why: str) -> None:
    with (
        raw_server(answer) as (base_url, _),
        asking(base_url, tmp_path) as ask,
        pytest.raises(error, match=why) as caught,
    ):
        ask(1)
    assert type(caught.value) is error


def test_an_error_that_comes_with_200_counts_as_what_it_says(tmp_path: Path) -> None:
    limited = http(200, {"error": {"message": "Rate limit reached, try again in 20ms", "type": "rate_limit_error"}})
    patience = Patience(backoffs_s=())
    with raw_server(limited, http(200, body())) as (base_url, _), asking(base_url, tmp_path / "a", patience) as ask:
        assert ask(1).attempts == 2
    filtered = http(200, {"error": {"message": "blocked", "code": "content_filter"}})
    with raw_server(filtered) as (base_url, _), asking(base_url, tmp_path / "b") as ask:
        assert ask(1).finish_reason == "content_filter"


def test_a_server_without_tls_is_told_from_one_that_is_down(tmp_path: Path) -> None:
    def answer_in_plain_text() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            connection.sendall(http(400, b""))
            connection.recv(10_000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer_in_plain_text, daemon=True).start()
        address = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        with asking(address, tmp_path) as ask, pytest.raises(AccessRefused, match="no TLS is spoken there"):
            ask(1)


UNCHARGED = http(200, {"choices": []})
CHARGED = http(200, body(None))


@pytest.mark.parametrize(("answer", "tries", "spent"), [(UNCHARGED, 6, 0), (CHARGED, 3, 3 * 59)])
def test_what_cannot_be_read_is_kept_and_counted_but_answers_no_call(
    tmp_path: Path, answer: bytes, tries: int, spent: int
) -> None:
    with raw_server(answer) as (base_url, asked), asking(base_url, tmp_path) as ask:
        with pytest.raises(ProviderError):
            ask(1)
        assert len(asked) == tries
    archive = ReplyArchive(tmp_path / "replies")
    kept = list(archive.unread())
    assert (archive.count(), len(kept)) == (0, tries)
    assert '"choices": ' in json.loads(kept[0].read_text())["unread"]["body"]
    assert TokenBudget(tmp_path / "budget", 10**8).spent() == spent


@pytest.mark.parametrize("packed", [bytes, gzip.compress, lambda content: content.decode().encode("utf-16")])
def test_a_reply_that_shows_the_key_is_kept_without_it(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    showing = packed(json.dumps(body(f"Bearer {KEY}", id=KEY)).encode())
    with raw_server(http(200, showing)) as (base_url, _), asking(base_url, tmp_path) as ask:
        reply = ask(1)
        assert reply.text == "Bearer [key]"
    assert KEY not in ReplyArchive(tmp_path / "replies").path(reply.call_id).read_text()


def test_one_document_without_replies_is_no_outage(tmp_path: Path) -> None:
    with raw_server(*[CHARGED] * 9, http(200, body())) as (base_url, _), asking(base_url, tmp_path) as ask:
        for number in range(3):
            with pytest.raises(RequestRefused, match="charged for and say nothing"):
                ask(number)
        assert ask(4).attempts == 1


@pytest.mark.parametrize("lie", [{"prompt_tokens": 50_000_000}, {"completion_tokens": 50_000_000}])
def test_a_count_that_no_call_could_have_takes_no_budget(tmp_path: Path, lie: dict[str, int]) -> None:
    with raw_server(http(200, body(usage={**USAGE, **lie}))) as (base_url, _), asking(base_url, tmp_path) as ask:
        assert ask(1).input_tokens < 1_000
    assert TokenBudget(tmp_path / "budget", 10**8).spent() < 1_000


def test_limits_that_never_end_are_left_to_a_later_run(tmp_path: Path) -> None:
    patience = Patience(limit_s=0.2)
    limited = http(429, {"error": "slow"}, "Retry-After: 0.05")
    with raw_server(limited) as (base_url, asked), asking(base_url, tmp_path, patience) as ask:
        with pytest.raises(ProviderUnavailable, match="answered nothing else"):
            ask(1)
        before = len(asked)
        with pytest.raises(ProviderUnavailable, match="resume later"):
            ask(2)
        assert len(asked) == before


def test_a_kept_connection_that_the_server_has_closed_costs_no_try(tmp_path: Path) -> None:
    slow = Patience(backoffs_s=())
    with (
        raw_server(http(200, body()), b"", http(200, body())) as (base_url, asked),
        asking(base_url, tmp_path, slow) as ask,
    ):
        assert [ask(number).attempts for number in (1, 2)] == [1, 1]
        assert asked == [0, 0, 1]


def test_a_certificate_that_is_not_trusted_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(tmp_path / "own.pem"))

        def accept() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                context.wrap_socket(connection, server_side=True)

        threading.Thread(target=accept, daemon=True).start()
        base_url = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        with asking(base_url, tmp_path) as ask, pytest.raises(AccessRefused, match="self-signed certificate"):
            ask(1)


def self_signed(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(secret + made.sign(key, hashes.SHA256()).public_bytes(encoding))
    return file


@pytest.mark.parametrize(
    ("given", "text", "finish"),
    [
        (body([{"type": "text", "text": TEXT[:5]}, TEXT[5:]]), TEXT, "stop"),
        (body(json.loads(TEXT)), TEXT, "stop"),
        (body(None, function_call={"arguments": TEXT}, finish="function_call"), TEXT, "stop"),
        (body(None, tool_calls=[{}, {"function": {"arguments": json.loads(TEXT)}}]), TEXT, "stop"),
        (body([{"type": "refusal", "refusal": "No."}]), "No.", "refusal"),
        (body(TEXT, finish="MAX_TOKENS"), TEXT, "length"),
        (body(TEXT, finish="eos_token"), TEXT, "stop"),
        (body("Let me look.", tool_calls=[tool(TEXT)], finish="tool_calls"), TEXT, "stop"),
        (body(None, tool_calls=[tool(TEXT), tool('{"date": 1}')]), f'{TEXT}\n{{"date": 1}}', "stop"),
        *(
            (body(None, finish=finish), "", "content_filter")
            for finish in (
                "SAFETY",
                "content_filter: RECITATION",
                "PROHIBITED_CONTENT",
                "guardrail_intervened",
                "sensitive",
            )
        ),
        (body(None, finish="refusal"), "", "refusal"),
        ({"choices": [{"text": TEXT}]}, TEXT, "stop"),
        ({"choices": [*body(None)["choices"], *body()["choices"]]}, TEXT, "stop"),
    ],
)
def test_the_text_is_found_wherever_it_stands(given: Any, text: str, finish: str) -> None:
    said = chat.said_in(given)
    assert (said.text, said.finish_reason) == (text, finish)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": "50", "completion_tokens": 9.0}, (50, 9)),
        ({"prompt_tokens": 50, "completion_tokens": 0}, (50, 0)),
        ({"prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 559}, (50, 509)),
        ({"prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 0}, (50, 9)),
        *(({"prompt_tokens": count, "completion_tokens": 9}, None) for count in (0, -5, 10**15, float("inf"), float("nan"), True, "x")),
        ({"prompt_tokens": 50}, None),
        ({"total_tokens": 59}, None),
        ([1], None),
    ],
)  # fmt: skip
def test_a_count_of_tokens_that_cannot_be_is_none(usage: Any, tokens: tuple[int, int] | None) -> None:
    read = chat.said_in(body(usage=usage)).usage
    assert (read and (read.input_tokens, read.output_tokens)) == tokens


ANSWERED = {"type": "output_text", "text": TEXT}


@pytest.mark.parametrize(
    "given",
    [
        {"output": [{"type": "function_call", "name": "reply", "arguments": json.loads(TEXT)}]},
        {"output": [{"type": "reasoning", "summary": []}, {"type": "message", "content": TEXT}]},
        {"output": [{"type": "message", "content": [{"type": "text", "text": TEXT}]}]},
        {"output": [{"role": "assistant", "content": [ANSWERED]}]},
        {"output": [], "output_text": TEXT},
    ],
)
def test_the_text_of_the_other_protocol_is_found_wherever_it_stands(given: Any) -> None:
    assert responses.said_in({"status": "completed", **given}).text == TEXT


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x0c", "\x1e"])
def test_only_line_breaks_end_the_lines_of_a_stream(mark: str) -> None:
    first = json.dumps({"choices": [{"delta": {"content": f"a{mark}"}}]}, ensure_ascii=False)
    first = first.encode() if mark in first else json.dumps({"choices": [{"delta": {"content": f"a{mark}"}}]}).encode()
    stream = b"data: " + first + b"\r\n\r\n" + chunk({"content": "b"}, "stop") + b"data: [DONE]\n\n"
    assert chat.said_in(json_in(stream.decode(), "text/event-stream")).text == f"a{mark}b"


def test_a_stream_with_a_part_that_cannot_be_read_is_no_reply() -> None:
    stream = chunk({"content": "a"}) + b'data: {"choices": [{"del\n\n' + chunk({"content": "b"}, "stop")
    with pytest.raises(Malformed, match="cannot be read"):
        json_in(stream.decode(), "text/event-stream")


def test_tool_calls_of_a_stream_are_put_together_one_by_one() -> None:
    parts = [(0, TEXT[:7]), (1, '{"date"'), (0, TEXT[7:]), (1, ": 1}")]
    stream = b"".join(chunk({"tool_calls": [{"index": n, "function": {"arguments": part}}]}) for n, part in parts)
    said = chat.said_in(json_in((stream + chunk({}, "tool_calls")).decode(), "text/event-stream"))
    assert said.text == f'{TEXT}\n{{"date": 1}}'


def test_a_stream_of_the_other_protocol_gives_its_last_response() -> None:
    events = b'event: x\ndata: {"response": {"status": "in_progress"}}\n\ndata: {"response": {"status": "completed"}}\n'
    assert json_in(events.decode(), "text/event-stream") == {"status": "completed"}
    with pytest.raises(Malformed, match="no stated type"):
        json_in("words", "")
