"""Evaluation: one metric a file, and the evaluator that feeds them."""
