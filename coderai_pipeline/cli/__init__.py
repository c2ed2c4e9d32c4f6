"""The command line, `coderai`. Thin: each command loads, calls and prints."""

import gc

import click

from coderai_pipeline import telemetry
from coderai_pipeline.cli.projects import ProjectHooks, plain_errors, project

COLLECT_AFTER = 50_000
"""Loading Dagster makes many objects that stay; at Python's own pace, looking for garbage among them takes a fifth of the time."""


class _Commands(click.Group):
    """Loads a command's module when it is called: Dagster and the readers take seconds to import."""

    _modules = {  # noqa: RUF012 - fixed
        "run": ("coderai_pipeline.cli.running", "run"),
        "accept": ("coderai_pipeline.cli.running", "accept"),
        "pause": ("coderai_pipeline.cli.running", "pause"),
        "resume": ("coderai_pipeline.cli.running", "resume"),
        "ui": ("coderai_pipeline.cli.ui", "ui"),
        "demo": ("coderai_pipeline.cli.demo", "demo"),
        "read": ("coderai_pipeline.cli.reading", "read_command"),
        "document": ("coderai_pipeline.cli.documents", "document"),
        "evaluate": ("coderai_pipeline.cli.evaluate", "evaluate"),
        "export": ("coderai_pipeline.cli.exporting", "export_command"),
        "bundle": ("coderai_pipeline.cli.exporting", "bundle"),
        "quality": ("coderai_pipeline.cli.quality", "quality"),
        "refine": ("coderai_pipeline.cli.refine", "refine"),
        "ledger": ("coderai_pipeline.cli.ledger", "ledger"),
        "metrics": ("coderai_pipeline.cli.metrics", "metrics"),
        "forecast": ("coderai_pipeline.cli.forecast", "forecast"),
        "copilot": ("coderai_pipeline.cli.copilot", "copilot"),
        "batch": ("coderai_pipeline.cli.batch", "batch"),
        "review": ("coderai_pipeline.cli.review", "review"),
        "feedback": ("coderai_pipeline.cli.review", "feedback"),
        "retry": ("coderai_pipeline.cli.controlling", "retry"),
        "cancel": ("coderai_pipeline.cli.controlling", "cancel"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self._modules])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return super().get_command(ctx, cmd_name)
        import importlib

        module, name = self._modules[cmd_name]
        return getattr(importlib.import_module(module), name)


@click.group(cls=_Commands, context_settings={"max_content_width": 110})
@click.version_option(package_name="coderai-pipeline", prog_name="coderai")
@click.pass_context
def main(context: click.Context) -> None:
    """Documents in, a dataset out, every value with the quote that proves it."""
    gc.set_threshold(COLLECT_AFTER)
    context.obj = ProjectHooks(on_delete=_forget)
    with plain_errors():
        telemetry.set_up()


def _forget(project_id: str) -> None:
    from coderai_pipeline.defs.headless import open_instance
    from coderai_pipeline.defs.partitions import forget_project
    from coderai_pipeline.storage.projects import find_home

    with open_instance(find_home()) as instance:
        forget_project(instance, project_id)


main.add_command(project)
