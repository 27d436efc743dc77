"""How good the answers are: one metric a file, and the evaluator that feeds them."""
