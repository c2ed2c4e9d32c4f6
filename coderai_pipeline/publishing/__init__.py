"""What leaves the pipeline: the DuckDB snapshot that analysts query, and the files exported from it.

`snapshot` publishes, `exports` writes files; what cells mean is in `domain`, where they are kept is in `storage`.
"""
