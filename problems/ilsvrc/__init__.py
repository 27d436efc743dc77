"""What the raw files of ILSVRC-2012 need beyond their problem's declaration.

`photos` finds them in folders and tar files, `truth` the classes of those that no folder
names, and `matlab` reads the file in which the development kit lists the classes.
"""
