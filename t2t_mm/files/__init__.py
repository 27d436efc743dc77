"""Paths, bounds on what is read, and files that are written whole or not at all."""
