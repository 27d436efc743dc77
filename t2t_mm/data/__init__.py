"""Raw files to records, and records to batches."""
