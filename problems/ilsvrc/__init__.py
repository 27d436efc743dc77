"""Readers of the raw files of ILSVRC-2012.

`photos` finds photos in folders and tar files, `truth` reads the classes of validation
photos, and `matlab` the development kit's list of classes.
"""
