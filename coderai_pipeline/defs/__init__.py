"""The Dagster shape of the pipeline: partitions, assets, jobs, sensors, checks and the instance. Thin: load, call, report."""
