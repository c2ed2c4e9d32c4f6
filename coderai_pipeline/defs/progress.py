"""How far a run is, told where people look: the last line of its log, and a tag of the run that keeps moving while calls
are under way. The line itself is written in `engine.report`.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

from coderai_pipeline.defs import names
from coderai_pipeline.defs.reload import ui_address
from coderai_pipeline.engine.askers import ModelAsker
from coderai_pipeline.engine.extraction import Extractions
from coderai_pipeline.engine.report import Summary, progress_line

TAG_SECONDS = 5.0
LOG_SECONDS = 2.0
"""Between two lines of the log that follow no news."""


def progress_page(run_id: str) -> str:
    """The run's page with its progress and warnings alone: the log without the events of each document."""
    return f"{ui_address()}/runs/{run_id}?levels=critical%7Cerror%7Cinfo%7Cwarning"


@dataclass(slots=True)
class Progress:
    """The progress of one run, whose totals are in `summary`. Only its tag is written by another thread than the run's:
    it is kept in another file than the events, and a slow model server may leave the run with nothing to tell for minutes.
    """

    context: dg.OpExecutionContext | dg.AssetExecutionContext
    currency: str
    summary: Summary = field(default_factory=Summary)
    _extractions: Extractions | None = None
    _started: float = field(default_factory=time.monotonic)
    _logged: float = 0.0
    _tagged: str = ""

    @contextmanager
    def moving(self, extractions: Extractions) -> Generator[None]:
        """While the documents are worked on."""
        self._extractions, self._started = extractions, time.monotonic()
        over = threading.Event()
        thread = threading.Thread(target=self._keep_tagging, args=(over,), name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._extractions = None

    def log(self, *, is_news: bool = True) -> None:
        """To be called after events were stored, so that the line stands below them."""
        if is_news or time.monotonic() - self._logged >= LOG_SECONDS:
            self._logged = time.monotonic()
            self.context.log.info(self.line())

    def conclude(self) -> str:
        line = self.line()
        self._tag(line)
        return line

    def line(self) -> str:
        if self._extractions is not None:
            self.summary.seconds = time.monotonic() - self._started
        return progress_line(self.summary, self.currency, self._in_flight())

    def _in_flight(self) -> int | None:
        asker = self._extractions.method.asker if self._extractions is not None else None
        return asker.provider.stats().in_flight if isinstance(asker, ModelAsker) else None

    def _keep_tagging(self, over: threading.Event) -> None:
        while not over.wait(TAG_SECONDS):
            self._tag(self.line())

    def _tag(self, line: str) -> None:
        if line != self._tagged:
            self._tagged = line
            self.context.instance.add_run_tags(self.context.run_id, {names.PROGRESS_TAG: line})
