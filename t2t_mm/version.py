"""The version number; CITATION.cff repeats it, which a test checks."""

__version__ = "0.1.0"
