"""Sound: the place of the audio modality (declaration.py, features.py, net.py)."""
