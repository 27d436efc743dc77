"""Robustness: what is left of a model's metrics where its inputs are damaged or attacked."""
