"""The method, without machinery: frozen values and functions over them.

A document becomes chunks; variables and a chunk become a prompt; a reply becomes answers; answers become cells;
cells become a table. Nothing here knows Dagster, DuckDB, HTTP, file paths or the environment.
"""
