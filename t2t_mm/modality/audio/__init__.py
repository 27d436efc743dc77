"""Sounds, as spectra or as waveforms."""
