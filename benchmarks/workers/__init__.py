"""Programs that measure one model each; every one prints a JSON object as its last line."""
