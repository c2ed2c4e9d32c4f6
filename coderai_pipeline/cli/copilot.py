"""`coderai copilot`: proposes variables, wording, categories and conditions, and answers questions about a project.

It proposes, a person applies. What it does is in `engine.copilot` and `engine.codebook_changes`.
"""

import getpass

import click

from coderai_pipeline.cli.projects import plain_errors
from coderai_pipeline.domain.copilot import Kind, Task
from coderai_pipeline.engine.codebook_changes import applicable, apply, diff
from coderai_pipeline.engine.copilot import consult
from coderai_pipeline.storage import proposals
from coderai_pipeline.storage.projects import Home, find_home
from coderai_pipeline.storage.proposals import Proposal


@click.group("copilot")
@click.argument("project_id", metavar="PROJECT")
@click.pass_context
def copilot(context: click.Context, project_id: str) -> None:
    """Propose variables, wording, categories and conditions; answer questions. Nothing changes until a proposal is applied."""
    context.obj = project_id


def _proposing(kind: Kind, told: str, *, of_variable: bool = False) -> None:
    """Adds the command that does a task of this kind."""

    @copilot.command(kind, help=told)
    @click.option("--note", default="", help="What the co-pilot should heed besides.")
    @click.option("--documents", type=click.IntRange(1, 1000), help="Look at so many documents.")
    @click.option("--local", is_flag=True, help="Without a model: only what repeats in the documents.")
    @click.pass_obj
    def command(project_id: str, *, local: bool, documents: int | None, note: str, variable: str = "") -> None:
        _consult(project_id, Task(kind, variable, note), local, documents)

    if of_variable:
        command.params.append(click.Argument(["variable"]))


_proposing("suggest", "Suggest variables from the research question and sample documents.")
_proposing("improve", "Improve a variable's instructions; locally, find more labels for it.", of_variable=True)
_proposing("categories", "Propose a variable's categories from what the documents state.", of_variable=True)
_proposing("check", "Check the conditions (depends_on).")


@copilot.command("ask")
@click.argument("question")
@click.option("--documents", type=click.IntRange(1, 1000), help="Look at so many documents.")
@click.pass_obj
def ask(project_id: str, question: str, *, documents: int | None) -> None:
    """Ask about the project. The conversation is remembered until `reset`."""
    _consult(project_id, Task("ask", "", question), False, documents)


@copilot.command("show")
@click.argument("number", type=int, required=False)
@click.pass_obj
def show(project_id: str, number: int | None) -> None:
    """Show a proposal, or the list of all."""
    with plain_errors():
        state = Home(find_home()).project(project_id).state
        if number is not None:
            _print(project_id, proposals.kept_proposal(state, number))
            return
        if not proposals.numbers(state):
            click.echo(f"no proposals yet; make one with `coderai copilot {project_id} suggest`")
        for one in proposals.numbers(state):
            held = proposals.kept_proposal(state, one)
            names = ", ".join(suggestion.name for suggestion in held.suggestions) or "nothing valid"
            click.echo(f"{one}\t{held.at[:16]}\t{held.asked}\t{names}\t{'applied' if held.applied_at else 'waits'}")


@copilot.command("apply")
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def apply_command(project_id: str, number: int, *, yes: bool) -> None:
    """Write a proposal into codebook.yaml, after showing what changes."""
    with plain_errors():
        loaded = Home(find_home()).project(project_id).load()
        _echo("\n".join(diff(loaded, applicable(loaded, number).suggestions)))
        if not yes and not click.confirm(f"Change {loaded.folder.codebook_file} so?"):
            raise click.ClickException("nothing was changed")
        apply(loaded, number, getpass.getuser())
    click.echo(f"applied; `coderai forecast {project_id}` tells what the next run takes")


@copilot.command("reset")
@click.pass_obj
def reset(project_id: str) -> None:
    """Forget the conversation. Proposals stay."""
    with plain_errors():
        turns = proposals.forget_turns(Home(find_home()).project(project_id).state)
    click.echo(f"{project_id}: {turns} questions and replies forgotten; proposals stay")


def _consult(project_id: str, task: Task, local: bool, documents: int | None) -> None:
    with plain_errors():
        outcome = consult(Home(find_home()).project(project_id).load(), task, local=local, documents=documents)
    said = outcome.said
    if said.answer:
        _echo(said.answer)
    for source, quote in said.quotes:
        _echo(f'  {source}: "{quote}"')
    for quote in said.unfound:
        _echo(f'  in none of the documents, do not rely on it: "{quote}"')
    if outcome.proposal is not None:
        _print(project_id, outcome.proposal)
    else:
        click.echo(f"({outcome.by})")
    if outcome.replies:
        tokens = sum(reply.input_tokens + reply.output_tokens for reply in outcome.replies)
        click.echo(f"{tokens:,} tokens")


def _print(project_id: str, proposal: Proposal) -> None:
    click.echo(f"proposal {proposal.number} ({proposal.by})")
    for one in proposal.suggestions:
        _echo(f"  {one.name}: {one.why}" if one.why else f"  {one.name}")
        for source, quote in one.quotes:
            _echo(f'    {source}: "{quote}"')
    for name, reason in proposal.refused:
        _echo(f"  refused: {name}: {reason}")
    _echo("\n".join(["", *proposal.diff]))
    if proposal.applied_at:
        click.echo(f"applied by {proposal.applied_by}, {proposal.applied_at[:19]}")
    elif proposal.suggestions:
        click.echo(f"Nothing has changed yet: coderai copilot {project_id} apply {proposal.number}")


def _echo(text: str) -> None:
    """What comes from models and documents, without characters that a terminal would obey."""
    click.echo("".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text))
