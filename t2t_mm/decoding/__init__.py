"""From a model's incremental state to outputs that people read."""
