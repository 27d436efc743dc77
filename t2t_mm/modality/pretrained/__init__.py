"""Nets from elsewhere in a modality's place: any Keras model."""

from t2t_mm.modality.pretrained.declaration import KerasNet

__all__ = ["KerasNet"]
