"""The base class of speech recognition problems, and readers of their corpora."""
