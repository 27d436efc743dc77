"""One thin module a command: its flags, one call, its answer."""
