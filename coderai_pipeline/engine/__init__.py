"""One run over a project's documents: what is missing is read, split, asked and settled, and stored as it is done.

No Dagster here: `defs` turns what `run.work` yields into events, the command line into a progress bar.
"""
