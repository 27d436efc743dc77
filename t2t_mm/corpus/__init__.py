"""Raw corpora on disk: files, lines, archives, and round-robin over groups."""
