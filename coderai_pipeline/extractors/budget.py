"""The project's token budget: reserved before each call, settled after it, never overrun, whatever runs or dies.

What a call is expected to take is estimated here too; what tokens cost is in `prices`.
"""

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import cast

from coderai_pipeline.domain.cells import CallRequest
from coderai_pipeline.domain.errors import BudgetExhausted, InvalidInput, Problem
from coderai_pipeline.domain.tokens import count_tokens
from coderai_pipeline.extractors.schema_text import Schema, most_tokens

_MESSAGE_OVERHEAD = 4
_PAGE_BYTES = 4096
_MOST_BYTES = 1 << 20
_SCHEMAS_KNOWN = 64
_MOST_AHEAD = 64
_PLENTY = 64
_counting = threading.Lock()
"""Calls that start together would all count the part that they share."""
_FOREIGN_STALE_S = 900.0
"""Processes of other machines cannot be looked at; their reservations lapse when they have not moved for so long."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens that a call may take at most. The schema is part of the prompt."""

    prompt: int
    completion: int

    @property
    def total(self) -> int:
        return self.prompt + self.completion


def estimate(request: CallRequest) -> Estimate:
    """The prompt as o200k counts it, the schema included, and the most that a reply of this schema should hold."""
    with _counting:
        of_schema = _of_schema(request.schema)
        prompt = of_schema.prompt + sum(_counted(message.content) + _MESSAGE_OVERHEAD for message in request.messages)
    cap = request.parameters.get("max_output_tokens")
    return Estimate(prompt, of_schema.completion if cap is None else int(cap))


@dataclass(slots=True)
class _Ledger:
    spent: int = 0
    reserved: dict[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])
    """Process -> (tokens reserved, when it last changed)."""

    @property
    def held(self) -> int:
        return sum(count for count, _ in self.reserved.values())


class TokenBudget:
    """`limit` tokens for all runs of a project; the account is kept in `file`."""

    def __init__(self, file: Path, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._lock = threading.Lock()
        self._spare_lock = threading.Lock()
        self._me = _this_process()
        self._spare = 0
        self._room = 0
        self._descriptor = _opened(file)

    def reserve(self, tokens: int) -> int | None:
        """Reserves; the tokens left beyond all reservations. None: nothing was reserved, since there is room only if calls in
        flight take less than was reserved for them; ask again. Raises BudgetExhausted where there is no room at all."""
        if self._take_spare(tokens):
            return self._room
        with self._lock:
            return self._room if self._take_spare(tokens) else self._reserve_in_file(tokens)

    def settle(self, reserved: int, actual: int) -> None:
        """Turns a reservation into what was spent."""
        with self._lock, self._ledger() as ledger:
            ledger.spent += actual
            self._change(ledger, -reserved)
            with self._spare_lock:
                if ledger.reserved.get(self._me, (0, 0.0))[0] <= self._spare:
                    # No call is under way: what was set aside for the next ones is free for other runs.
                    self._change(ledger, -self._spare)
                    self._spare = 0

    def release(self, reserved: int) -> None:
        self.settle(reserved, 0)

    def commit(self, tokens: int) -> None:
        """Counts as spent what is bound to be, such as a batch's estimate, or with a negative number takes back what was not."""
        with self._lock, self._ledger() as ledger:
            self._drop_dead(ledger)
            if tokens > 0 and ledger.spent + ledger.held + tokens > self._limit:
                raise BudgetExhausted(self._message(ledger.spent, tokens))
            ledger.spent += tokens

    def spent(self) -> int:
        with self._lock, self._ledger() as ledger:
            return ledger.spent

    def reserved(self) -> int:
        """Tokens reserved by living processes."""
        with self._lock, self._ledger() as ledger:
            self._drop_dead(ledger)
            return ledger.held

    def left(self) -> int:
        with self._lock, self._ledger() as ledger:
            return max(0, self._limit - ledger.spent)

    def close(self) -> None:
        """Lets go of the account's file; what is reserved stays so while the process lives."""
        os.close(self._descriptor)

    def _take_spare(self, tokens: int) -> bool:
        """Takes from what was set aside, without waiting for whoever has the file in hand."""
        with self._spare_lock:
            is_enough = self._spare >= tokens
            self._spare -= tokens * is_enough
            return is_enough

    def _reserve_in_file(self, tokens: int) -> int | None:
        with self._ledger() as ledger:
            with self._spare_lock:
                self._change(ledger, -self._spare)
                self._spare = 0
            if ledger.spent + ledger.held + tokens > self._limit:
                self._drop_dead(ledger)
            room = self._limit - ledger.spent - ledger.held - tokens
            if room < 0:
                self._write(ledger)
                if ledger.held and ledger.spent + tokens <= self._limit:
                    return None
                raise BudgetExhausted(self._message(ledger.spent, tokens))
            # Where there is plenty, the next calls need not touch the file.
            spare = tokens * min(_MOST_AHEAD, room // (_PLENTY * max(1, tokens)))
            self._change(ledger, tokens + spare)
            self._room, self._spare = room - spare, spare
            return self._room

    def _change(self, ledger: _Ledger, tokens: int) -> None:
        mine = ledger.reserved.get(self._me, (0, 0.0))[0] + tokens
        if mine > 0:
            ledger.reserved[self._me] = (mine, time.time())
        else:
            ledger.reserved.pop(self._me, None)

    def _drop_dead(self, ledger: _Ledger) -> None:
        for process, (_, changed_at) in list(ledger.reserved.items()):
            if process != self._me and not _is_alive(process, changed_at):
                del ledger.reserved[process]

    def _message(self, spent: int, tokens: int) -> str:
        return (
            f"the token budget is used up: {spent:,} of {self._limit:,} tokens are spent and the next call may take "
            f"{tokens:,}; raise `limits.tokens` in project.yaml and resume, what is done is kept"
        )

    @contextmanager
    def _ledger(self) -> Generator[_Ledger]:
        """The account, to be changed; what is not saved after an error stays as it was. Held under `_lock`."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            before = self._read()
            ledger = _Ledger(before.spent, dict(before.reserved))
            yield ledger
            if ledger != before:
                self._write(ledger)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _read(self) -> _Ledger:
        try:
            held = cast(dict[str, object], json.loads(os.pread(self._descriptor, _MOST_BYTES, 0).rstrip()))
            reserved = cast(dict[str, list[float]], held["reserved"])
            entries = {who: (int(count), float(at)) for who, (count, at) in reserved.items()}
            return _Ledger(int(cast(int, held["spent"])), entries)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidInput([_damaged(self._file)]) from None

    def _write(self, ledger: _Ledger) -> None:
        os.pwrite(self._descriptor, _page(ledger), 0)


def _opened(file: Path) -> int:
    """The account, begun where there is none. It is put in place whole: an empty one would count as nothing spent."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        temporary = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        temporary.write_bytes(_page(_Ledger()))
        try:
            os.link(temporary, file)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return os.open(file, os.O_RDWR | os.O_CLOEXEC)


def _page(ledger: _Ledger) -> bytes:
    """One page, written by one call to the system: a killed process leaves the old one or the new one."""
    held = {"spent": ledger.spent, "reserved": ledger.reserved}
    return json.dumps(held).encode().ljust(_PAGE_BYTES)


def _damaged(file: Path) -> Problem:
    return Problem(
        file.name,
        None,
        "",
        "the account of tokens spent is damaged; nothing is sent until it is known",
        allowed='{"spent": <tokens spent so far>, "reserved": {}}',
    )


_schemas: dict[int, tuple[Schema, Estimate]] = {}
"""By identity, since schemas cannot be hashed; holding the schema keeps its identity from being used again."""


def _of_schema(schema: Schema) -> Estimate:
    known = _schemas.get(id(schema))
    if known is not None and known[0] is schema:
        return known[1]
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"), default=dict)
    found = Estimate(count_tokens(text), most_tokens(schema))
    if len(_schemas) >= _SCHEMAS_KNOWN:
        _schemas.clear()
    _schemas[id(schema)] = (schema, found)
    return found


@lru_cache(maxsize=64)
def _counted(text: str) -> int:
    """The part of a prompt that all documents share is counted once."""
    return count_tokens(text)


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def _is_alive(process: str, changed_at: float) -> bool:
    host, pid, started = process.rsplit(":", 2)
    if host != socket.gethostname():
        return time.time() - changed_at < _FOREIGN_STALE_S
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _started(int(pid)) == started


def _started(pid: int) -> str:
    """When a process started, so that a number used again is told apart; "" where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
