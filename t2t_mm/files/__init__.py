"""Paths, limits on the size of files, and atomic writing."""
