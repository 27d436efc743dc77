"""Raw corpora as they lie on a disk: files, lines, archives, and reading them in turn."""
