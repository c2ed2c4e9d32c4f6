"""What is said of a file that goes over a project's limits. Where the limits are watched is in `sandbox` and `worker`."""

from coderai_pipeline.readers.base import ReadOptions


def too_much_memory(options: ReadOptions) -> str:
    return f"needs more than {options.memory_mb} MB of memory to read (limits.read_memory_mb); split it"


def too_much_time(options: ReadOptions) -> str:
    return f"takes longer than {options.seconds:g} seconds to read (limits.read_seconds); split it"
