"""TFRecord files, manifests, and the input pipeline from records to batches."""
