"""Data sets of TensorFlow Datasets (TFDS) as problems.

declaration.py  TfdsProblem, the base class; without TensorFlow
reading.py      opens a prepared data set, and yields its examples in a fixed order
features.py     finds the features of inputs and targets, and converts their values
"""
