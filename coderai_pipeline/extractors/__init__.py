"""Extractors: who answers a call. `provider` asks a model server; `rules` reads with labels and patterns, without a model."""
