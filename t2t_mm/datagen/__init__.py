"""Data generation: from raw corpora to vocabularies and TFRecord files."""
