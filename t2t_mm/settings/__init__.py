"""The frozen dataclasses that gin files configure."""
