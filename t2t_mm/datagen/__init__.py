"""Generation: from raw corpora to vocabularies and TFRecords."""
