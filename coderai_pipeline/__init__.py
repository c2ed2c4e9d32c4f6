"""coderai_pipeline: documents in, a dataset out, every value with the quote that proves it."""
