"""The dataclasses that gin files set, and nothing else."""
