"""Data sets of TensorFlow Datasets (TFDS) as problems.

declaration.py  TfdsProblem: what a problem writes down; without TensorFlow
reading.py      opens a prepared data set, and yields its examples in a fixed order
features.py     finds the features that feed inputs and targets, and their raw values
"""
