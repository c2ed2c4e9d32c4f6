"""`coderai run`: does headless what the sensor and the UI do, with a progress bar and a summary; and the words to a project's runs."""

import sys
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from coderai_pipeline.cli.projects import EXIT_INVALID, plain_errors
from coderai_pipeline.domain.errors import MissingKey
from coderai_pipeline.domain.fingerprints import work_fingerprint
from coderai_pipeline.engine.gate import accept_sample, require_open
from coderai_pipeline.engine.held import Held
from coderai_pipeline.engine.intake import list_inbox
from coderai_pipeline.engine.ledger import open_ledger
from coderai_pipeline.engine.report import Event, Planned, Summary, counted, progress_line
from coderai_pipeline.engine.run import Scope, choose
from coderai_pipeline.engine.session import check_ready, started_while_loading
from coderai_pipeline.engine.standing import Standing, standings
from coderai_pipeline.publishing.preview import failed_formulas
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.projects import Home, LoadedProject, ProjectFolder, find_home
from coderai_pipeline.telemetry import traces

if TYPE_CHECKING:
    import dagster as dg

EXIT_NOT_SETTLED = 1
LISTED = 40
"""Documents in trouble that the summary names; all of them stand in the dataset's `documents` and `ledger`."""

console = Console(stderr=True)


@click.command("run")
@click.argument("project_id", metavar="PROJECT")
@click.option("--sample", type=click.IntRange(1), help="Extract only so many documents, chosen by the seed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the sample.")
@click.option("--documents", multiple=True, metavar="KEY", help="Only these documents: keys, or paths below the inbox.")
@click.option("--retry-failed", is_flag=True, help="Ask again for documents whose extraction failed.")
@click.argument("more_documents", nargs=-1, metavar="[KEY...]")
def run(
    project_id: str,
    sample: int | None,
    seed: int,
    documents: tuple[str, ...],
    retry_failed: bool,
    more_documents: tuple[str, ...],
) -> None:
    """Read and extract what is missing, publish the dataset and write the exports.

    Exit code 0: every document asked for is settled. Without --sample or --documents this asks for the whole corpus,
    and thereby accepts the sample.
    """
    with plain_errors():
        home = Home(find_home())
        folder = home.project(project_id)
        loaded = folder.load()
        if more_documents and not documents:
            raise click.UsageError("name documents after --documents")
        scope = Scope((*documents, *more_documents) or None, sample, seed, retry_failed=retry_failed)
        try:
            settled = run_project(home, loaded, scope)
        except MissingKey as error:
            click.echo(str(error), err=True)
            sys.exit(EXIT_INVALID)
    sys.exit(0 if settled else EXIT_NOT_SETTLED)


def run_project(home: Home, loaded: LoadedProject, scope: Scope) -> bool:
    """Runs the jobs and prints what came of it; whether every document of the scope is settled."""
    if loaded.project.archived:
        raise click.ClickException(
            f"{loaded.id} is archived; bring it back first: coderai project unarchive {loaded.id}"
        )
    check_ready(loaded.project)
    _check_documents(loaded, scope)
    control = Control(loaded.folder.state)
    with control.extracting("about to start"):
        pass  # says who is at work before anything is done; the run itself takes the project again
    if scope.documents is None and scope.sample is None:
        require_open(loaded)
        if control.acceptance is None:
            control.accept("the command line", "by asking for the whole corpus")
    with started_while_loading(loaded.project):
        _run_jobs(home, loaded, scope)
    return print_standing(loaded, scope)


def _check_documents(loaded: LoadedProject, scope: Scope) -> None:
    """Raises UsageError where a document asked for is not there."""
    if not scope.documents:
        return
    listing = list_inbox(loaded.folder, loaded.project)
    offered = {name for entry in listing.entries for name in (entry.key, entry.source, entry.file)}
    unknown = [name for name in scope.documents if name not in offered | {*listing.unsettled, *listing.surplus}]
    if unknown:
        named = ", ".join(map(repr, unknown[:10]))
        raise click.UsageError(f"not in {loaded.folder.inbox}: {named}; name documents as they are called there")


def _run_jobs(home: Home, loaded: LoadedProject, scope: Scope) -> None:
    from coderai_pipeline.defs.headless import open_instance, run_job
    from coderai_pipeline.defs.listeners import listening

    with open_instance(home.root) as instance, traces.span("coderai run", {"coderai.project": loaded.id}):
        config = {
            "documents": list(scope.documents or ()),
            "sample_size": scope.sample or 0,
            "seed": scope.seed,
            "retry_failed": scope.retry_failed,
        }
        with _progress(loaded.project.extractor.currency) as listener, listening(loaded.id, listener):
            result = run_job(instance, loaded.folder, "extract", config)
        for job in ("publish", "export"):
            done = run_job(instance, loaded.folder, job)
            if not done.success:
                raise click.ClickException(f"{loaded.id}: {job} failed; run {done.run_id} in the UI says why")
        _raise_break(loaded, result)


def _raise_break(loaded: LoadedProject, result: "dg.ExecuteInProcessResult") -> None:
    """Where the run itself broke, which is not the same as documents that could not be settled."""
    for event in result.get_step_failure_events():
        failure = event.step_failure_data
        if failure.user_failure_data is None and failure.error is not None:
            why = (failure.error.cause or failure.error).message.strip()
            raise click.ClickException(f"{loaded.id}: run {result.run_id} broke off: {why}\nWhat was done is kept.")
    if not result.success and not result.get_step_failure_events():
        raise click.ClickException(f"{loaded.id}: run {result.run_id} broke off; its page in the UI says why")


@contextmanager
def _progress(currency: str) -> Generator["_Bar"]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress, currency)


class _Bar:
    """Shows a run's events as a progress bar."""

    def __init__(self, progress: Progress, currency: str) -> None:
        self._progress, self._currency = progress, currency
        self._task = progress.add_task("looking into the inbox", total=None)

    def __call__(self, event: Event, summary: Summary) -> None:
        if isinstance(event, Planned):
            total = max(event.to_read, event.to_extract)
            self._progress.update(self._task, description=f"{total} documents", total=total)
        elif isinstance(event, Summary):
            console.print(_ended(event, self._currency))
            if event.stopped:
                console.print(Text.assemble(("stopped before the end:", "bold"), f" {_printable(event.stopped)}"))
        else:
            line = progress_line(summary, self._currency)
            self._progress.update(self._task, completed=summary.done, description=line)


def _ended(summary: Summary, currency: str) -> str:
    if summary.done or summary.stopped:
        return progress_line(summary, currency)
    return "nothing was missing: no document was read and no call was made"


def print_standing(loaded: LoadedProject, scope: Scope) -> bool:
    """The documents by state, the cells by status, and what is not settled and why."""
    found = list(standing_of(loaded, scope))
    if not found:
        click.echo(f"no documents: drop some into {loaded.folder.inbox} and run again")
        return True
    click.echo(f"documents: {_counted(Counter(one.state for one in found))}")
    click.echo(f"cells:     {_counted(_cells(loaded, scope, found))}")
    troubled = [_told(loaded, one) for one in found if not one.is_settled]
    if troubled:
        _print_troubled(troubled)
    unread = _unread_besides(loaded, scope)
    if unread:
        click.echo(f"besides:   {counted(unread, 'document')} could not be read; `coderai ledger {loaded.id}` says why")
    if Control(loaded.folder.state).paused:
        click.echo(f"paused:    `coderai resume {loaded.id}` lets it go on")
    _print_failed_formulas(loaded)
    click.echo(f"dataset:   {loaded.folder.outputs / 'dataset.duckdb'}")
    click.echo(f"exports:   {loaded.folder.exports}")
    return not troubled


def _cells(loaded: LoadedProject, scope: Scope, found: Sequence[Standing]) -> Counter[str]:
    """Cells by status: of the whole corpus as the ledger counts them, reviews included; of some documents as they were settled."""
    if scope.documents is None and scope.sample is None:
        with open_ledger(loaded) as account:
            return Counter(account.statuses)
    cells = Counter[str]()
    for one in found:
        cells.update(one.counts)
    return cells


def _unread_besides(loaded: LoadedProject, scope: Scope) -> int:
    """A sample's run reads the whole inbox: documents that it found unreadable and that are not in the sample."""
    if scope.sample is None:
        return 0
    held = Held.load(BlockStore(loaded.folder.state))
    sample = choose(list_inbox(loaded.folder, loaded.project, held.documents), scope, held.settlements)
    besides = [one for one in held.documents.values() if one.key not in sample and not one.removed]
    return sum(1 for one in besides if not (one.status.is_readable or one.duplicate_of))


def _told(loaded: LoadedProject, one: Standing) -> Standing:
    """What a command prints ends in logs: the reason of an extraction, which may quote the text, only where that may be shown."""
    if loaded.project.privacy.show_text or one.state not in ("failed", "open"):
        return one
    return replace(one, why=f"see `coderai ledger {loaded.id}`: the reason may quote the text")


def standing_of(loaded: LoadedProject, scope: Scope) -> Iterator[Standing]:
    held = Held.load(BlockStore(loaded.folder.state))
    listing = list_inbox(loaded.folder, loaded.project, held.documents)
    yield from standings(listing, held, scope, work_fingerprint(loaded.project, loaded.codebook))
    left = [(source, "is still being written") for source in listing.unsettled]
    left += [(source, "over the limit of documents (limits.documents)") for source in listing.surplus]
    for source, why in left:
        if source in scope.documents if scope.documents is not None else scope.sample is None:
            yield Standing(source, source, "waiting", why, {})


def _print_troubled(troubled: Sequence[Standing]) -> None:
    table = Table(title=f"{len(troubled)} not settled", title_justify="left")
    for column in ("document", "state", "why"):
        table.add_column(column, overflow="fold")
    for one in troubled[:LISTED]:
        # As Text: what servers and file names say may look like markup.
        table.add_row(Text(_printable(one.source)), Text(one.state), Text(_printable(one.why)))
    Console().print(table)
    if len(troubled) > LISTED:
        click.echo(f"... and {len(troubled) - LISTED} more: see the table `ledger` of the dataset")


def _print_failed_formulas(loaded: LoadedProject) -> None:
    """A formula's reason may quote a value: it is shown only where text may be."""
    dataset = loaded.folder.outputs / "dataset.duckdb"
    for variable, cells, why in failed_formulas(dataset) if dataset.exists() else ():
        told = why if loaded.project.privacy.show_text else "see `reason` in the table `cells`"
        click.echo(f"formula:   {_printable(variable)}: {counted(cells, 'cell')} failed: {_printable(told)}")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.most_common()) or "none"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


@click.command("accept")
@click.argument("project_id", metavar="PROJECT")
@click.option("--note", default="", help="Why the sample is good enough.")
@click.option("--override", default="", metavar="REASON", help="Why it counts although the quality gate is shut.")
def accept(project_id: str, note: str, override: str) -> None:
    """Accept the sample: from now on the whole corpus is extracted.

    Where project.yaml asks for a gate (`quality: gate: true`), this is refused until the thresholds are reached.
    """
    with _control(project_id) as (folder, _):
        import getpass

        accept_sample(folder.load(), getpass.getuser(), note, override)
        click.echo(f"{folder.id}: the sample is accepted")


@click.command("pause")
@click.argument("project_id", metavar="PROJECT")
def pause(project_id: str) -> None:
    """Hold the project's runs; the one under way finishes the documents in work."""
    with _control(project_id) as (folder, control):
        control.pause("from the command line")
        click.echo(f"{folder.id}: paused; `coderai resume {folder.id}` lets it go on")


@click.command("resume")
@click.argument("project_id", metavar="PROJECT")
def resume(project_id: str) -> None:
    """Let the project's runs go on."""
    with _control(project_id) as (folder, control):
        control.resume()
        click.echo(f"{folder.id}: goes on")


@contextmanager
def _control(project_id: str) -> Generator[tuple[ProjectFolder, Control]]:
    with plain_errors():
        folder = Home(find_home()).project(project_id)
        yield folder, Control(folder.state)
