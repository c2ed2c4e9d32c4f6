"""What a deployment's monitoring hears: JSON logs (`logs`) and OpenTelemetry traces (`traces`), both off unless the environment
asks for them. Prometheus metrics are worked out from what is on disk, in `engine.metrics`.
"""

from coderai_pipeline.telemetry import logs, traces


def set_up(*, warns: bool = True) -> None:
    """To be called where a process starts, with the environment as it then is. Raises InvalidInput where it cannot be followed."""
    logs.set_up()
    traces.set_up(warns=warns)


def is_on() -> bool:
    return logs.is_on() or traces.is_on()
