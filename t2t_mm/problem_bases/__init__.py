"""Base classes of problems over image folders, tables, and TensorFlow Datasets."""
