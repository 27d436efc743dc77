"""Sounds, as log-mel spectrograms or as waveforms."""
