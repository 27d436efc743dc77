"""Decoding: search over a model's outputs, and answers as text or JSON."""
