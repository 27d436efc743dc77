"""Nets from elsewhere in a modality's place: any Keras model, and tables of token embeddings."""

from t2t_mm.modality.pretrained.declaration import KerasNet, TokenEmbeddings

__all__ = ["KerasNet", "TokenEmbeddings"]
