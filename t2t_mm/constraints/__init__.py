"""Constraints: which outputs of a problem are well formed, as masks of tokens in the graph."""
