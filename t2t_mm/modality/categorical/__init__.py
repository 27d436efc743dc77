"""One class out of a label set."""
