"""This process: its streams, signals, memory, processors and what it imports quietly."""
