"""`coderai refine`: other words for a variable, written from feedback and compared on held-out cells; and taking one over."""

import getpass
import sys

import click

from coderai_pipeline.cli.projects import EXIT_INVALID, plain_errors, print_table
from coderai_pipeline.domain.errors import MissingKey
from coderai_pipeline.domain.refinement_scores import Refinement, ScoredCandidate
from coderai_pipeline.engine.applying import apply_candidate, undo
from coderai_pipeline.engine.session import check_ready
from coderai_pipeline.storage.projects import Home, LoadedProject, find_home
from coderai_pipeline.storage.refinements import candidates_file, kept_refinement


@click.command("refine")
@click.argument("project_id", metavar="PROJECT")
@click.argument("variable")
@click.option("--seed", type=int, default=0, show_default=True, help="Divides the judged documents in two halves.")
@click.option("--apply", "number", type=click.IntRange(1), metavar="N", help="Write candidate N into codebook.yaml.")
@click.option("--undo", "takes_back", is_flag=True, help="Put the codebook back as it was before the last --apply.")
@click.option("--show", is_flag=True, help="Only show the candidates made last.")
def refine(project_id: str, variable: str, seed: int, number: int | None, *, takes_back: bool, show: bool) -> None:
    """Make candidates for VARIABLE's wording from feedback and compare them with the present one.

    Nothing changes until you apply one. The next run asks this variable alone, with the new words.
    """
    if (number is not None) + takes_back + show > 1:
        raise click.UsageError("give one of --apply, --undo and --show")
    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        if number is not None:
            applied = apply_candidate(loaded, variable, number, getpass.getuser())
            click.echo(f"{variable}: candidate {applied.number} stands in {loaded.folder.codebook_file}")
            click.echo(f"take it back with `coderai refine {project_id} {variable} --undo`")
        elif takes_back:
            undone = undo(loaded, variable, getpass.getuser())
            click.echo(f"{variable}: as before candidate {undone.number}")
        else:
            _print(loaded, variable, None if show else _made(loaded, variable, seed))


def _made(loaded: LoadedProject, variable: str, seed: int) -> Refinement:
    """Made by the same job as in the UI, so that it stands there, too."""
    from coderai_pipeline.defs.headless import open_instance, run_job
    from coderai_pipeline.engine.refinement_evidence import gather

    gather(loaded, variable)  # says what is lacking before a run is begun
    try:
        check_ready(loaded.project)
    except MissingKey as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_INVALID)
    with open_instance(loaded.folder.path.parent) as instance:
        done = run_job(instance, loaded.folder, "refine", {"variable": variable, "seed": seed})
    if not done.success:
        failures = [event.step_failure_data.error for event in done.get_step_failure_events()]
        why = next(((one.cause or one).message.strip() for one in failures if one), "its page in the UI says why")
        raise click.ClickException(f"{loaded.id}: run {done.run_id} broke off: {why}")
    found = kept_refinement(loaded.folder, variable)
    assert found is not None, "a refinement that succeeds is kept"
    return found


def _print(loaded: LoadedProject, variable: str, found: Refinement | None) -> None:
    found = found or kept_refinement(loaded.folder, variable)
    if found is None:
        raise click.ClickException(f"{variable}: no candidates yet; `coderai refine {loaded.id} {variable}` makes them")
    visible = loaded.project.privacy.show_text
    click.echo(f"{found.judged} judged cells; mistakes:" if visible else f"{found.judged} judged cells")
    for pattern in found.patterns if visible else ():
        click.echo(f"  {pattern}")
    click.echo(f"compared on: {found.split}; {found.calls} calls, {found.tokens:,} tokens")
    rows = [_row(one) for one in found.candidates]
    print_table(("candidate", "from", "result", "on held-out cells"), rows)
    for one in found.candidates if visible else ():
        click.echo(f"\ncandidate {one.number}: {one.why}\n{one.diff}")
    for one in found.refused:
        click.echo(f"refused ({one.origin}): {one.reason if visible else 'the reason may quote the documents'}")
    for note in found.notes:
        click.echo(note)
    click.echo(f"\n{candidates_file(loaded.folder, variable)}")
    if found.candidates:
        click.echo(f"apply one with `coderai refine {loaded.id} {variable} --apply N`")


def _row(one: ScoredCandidate) -> tuple[str, ...]:
    if one.score is None:
        return str(one.number), one.origin, "not scored", ""
    return str(one.number), one.origin, one.score.verdict, one.score.stated
