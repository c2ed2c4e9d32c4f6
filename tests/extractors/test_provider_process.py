"""The provider in its own process: what crosses over, and what happens when either side dies."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from coderai_pipeline.domain.errors import BudgetExhausted, ContextTooLong, InvalidInput, ProviderUnavailable
from coderai_pipeline.domain.project import ExtractorSettings, Limits
from coderai_pipeline.extractors import provider_process
from coderai_pipeline.extractors.archive import ReplyArchive, call_id, next_attempt
from coderai_pipeline.extractors.clients import Endpoint, make_client
from coderai_pipeline.extractors.provider_process import ProviderProcess, started_ahead
from coderai_pipeline.extractors.sending import Sender
from tests.extractors.calls import KEY, QUICK, answer, request
from tests.server_moods import Moods
from tests.servers import ModelServer

WIDE = {"requests_per_minute": 10**6, "tokens_per_minute": 10**9, "in_flight": 16, "tokens": 10**8}


@contextmanager
def process_for(base_url: str, folder: Path, **limits: int) -> Iterator[ProviderProcess]:
    settings = ExtractorSettings(base_url=base_url, model="test-model", timeout_s=20.0)
    held = Limits(**{**WIDE, **limits})
    with ProviderProcess(settings, held, KEY, folder / "p", folder / "shared", patience=QUICK) as provider:
        yield provider


def senders() -> list[psutil.Process]:
    """Processes of this one that send, or are about to."""
    return [child for child in psutil.Process().children() if provider_process.__name__ in child.cmdline()]


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


def test_replies_and_counts_come_over(tmp_path: Path) -> None:
    with ModelServer(answer) as server, process_for(server.base_url, tmp_path) as provider:
        replies = [future.result(60) for future in [provider.submit(request(number)) for number in range(40)]]
        again = provider.ask_again(request(7), "it could not be read").result(60)
        stats = provider.stats()
    assert [json.loads(reply.text)["total"]["value"] for reply in replies] == [str(number) for number in range(40)]
    assert [reply.call_id for reply in replies] == [call_id(request(number)) for number in range(40)]
    assert again.call_id == call_id(next_attempt(request(7)))
    assert (stats.answered, stats.breaker, stats.asked_again) == (41, "closed", {"it could not be read": 1})
    assert set(ReplyArchive(tmp_path / "p" / "replies").ids()) == {reply.call_id for reply in (*replies, again)}


def test_a_process_started_ahead_is_the_one_that_sends(tmp_path: Path) -> None:
    with ModelServer(answer) as server, started_ahead():
        (ahead,) = senders()
        with process_for(server.base_url, tmp_path) as provider:
            assert senders() == [ahead]
            assert provider.submit(request(1)).result(60).call_id == call_id(request(1))
        assert not ahead.is_running()
        with process_for(server.base_url, tmp_path) as provider:
            assert provider.submit(request(2)).result(60).call_id == call_id(request(2))


def test_a_process_started_ahead_ends_where_nothing_is_asked(capfd: pytest.CaptureFixture[str]) -> None:
    with started_ahead():
        (ahead,) = senders()
    assert not ahead.is_running()
    assert capfd.readouterr().err == ""


def test_counts_come_over_while_no_reply_does(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=3)) as server, process_for(server.base_url, tmp_path) as provider:
        for number in range(3):
            provider.submit(request(number))
        until(lambda: provider.stats().in_flight == 3)


def test_errors_come_over_with_their_kind_and_what_the_server_said(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(context_tokens=1)) as server, process_for(server.base_url, tmp_path) as provider:
        error = provider.submit(request(1)).exception(60)
    assert isinstance(error, ContextTooLong)
    assert error.raw
    assert "context" in error.raw


def test_the_budget_holds_over_there(tmp_path: Path) -> None:
    with ModelServer(answer) as server, process_for(server.base_url, tmp_path, tokens=10) as provider:
        assert isinstance(provider.submit(request(1)).exception(60), BudgetExhausted)
        assert server.counts()["received"] == 0


def test_the_key_is_on_no_command_line(tmp_path: Path) -> None:
    with ModelServer(answer) as server, process_for(server.base_url, tmp_path) as provider:
        provider.submit(request(1)).result(60)
        lines = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "coderai_pipeline.extractors.provider_process" in lines
    assert KEY not in lines


def test_what_was_not_sent_is_cancelled_on_leaving_and_what_was_is_kept(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=0.5)) as server:  # noqa: SIM117 - the server outlives the provider
        with process_for(server.base_url, tmp_path, in_flight=2) as provider:
            futures = [provider.submit(request(number)) for number in range(6)]
            until(lambda: server.counts()["received"] == 2)
    assert [future.cancelled() for future in futures] == [False, False, True, True, True, True]
    assert ReplyArchive(tmp_path / "p" / "replies").count() == 2


def test_when_the_process_dies_every_call_hears_of_it_and_nothing_hangs(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=30)) as server, process_for(server.base_url, tmp_path) as provider:
        future = provider.submit(request(1))
        until(lambda: server.counts()["received"] == 1)
        os.kill(process_of(os.getpid()), signal.SIGKILL)
        assert isinstance(future.exception(60), ProviderUnavailable)
        assert isinstance(provider.submit(request(2)).exception(60), ProviderUnavailable)
        assert provider.stats().breaker == "open"


def test_when_the_asking_process_is_killed_replies_under_way_are_still_written_down(tmp_path: Path) -> None:
    with ModelServer(answer, Moods(latency_s=1.0)) as server:
        asking = subprocess.Popen([sys.executable, "-c", ASKING, server.base_url, str(tmp_path)])
        until(lambda: server.counts()["received"] == 3)
        sending = process_of(asking.pid)
        asking.kill()
        asking.wait()
        until(lambda: not Path(f"/proc/{sending}").exists())
    assert ReplyArchive(tmp_path / "p" / "replies").count() == 3


ASKING = """
import sys, time
from pathlib import Path
from tests.extractors.calls import request
from tests.extractors.test_provider_process import process_for
with process_for(sys.argv[1], Path(sys.argv[2])) as provider:
    calls = [provider.submit(request(number)) for number in range(3)]
    time.sleep(60)
"""


def process_of(asking: int) -> int:
    """The process that sends for another."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    of_asking = [line.split(maxsplit=2) for line in listed.splitlines() if "extractors.provider_process" in line]
    return next(int(pid) for pid, parent, _ in of_asking if int(parent) == asking)


@pytest.mark.parametrize("name", ["http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with ModelServer(answer) as server:
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}")
        with process_for("http://model-server.invalid/v1", tmp_path) as provider:
            assert provider.submit(request(1)).result(60).finish_reason == "stop"
        assert server.counts()["answered"] == 1


def test_a_redirect_is_not_followed_since_the_key_would_go_along(tmp_path: Path) -> None:
    with (
        ModelServer(answer) as elsewhere,
        ModelServer(answer, Moods(redirect=f"{elsewhere.base_url}/chat/completions")) as server,
        process_for(server.base_url, tmp_path) as provider,
    ):
        error = provider.submit(request(1)).exception(60)
        assert elsewhere.counts()["received"] == 0
    assert "extractor.base_url" in str(error)
    assert elsewhere.base_url in str(error)


def test_a_proxy_of_a_kind_that_is_not_spoken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(InvalidInput, match="ALL_PROXY: names a proxy of another kind"):
        make_client(ExtractorSettings(base_url="http://model-server.invalid/v1"), KEY)
    with pytest.raises(InvalidInput, match="ALL_PROXY: names a socks5 proxy"):
        Sender(Endpoint("http://model-server.invalid/v1", {}, {}, is_azure=False), KEY).start()


def test_what_keeps_the_sender_from_starting_is_raised_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    with pytest.raises(OSError, match="No such file"):
        Sender(Endpoint("https://127.0.0.1:1/v1", {}, {}, is_azure=False), KEY).start()
