"""The layers of the models.

Axis letters, the same in every shape comment, einsum and docstring:
`B` batch, `T` target length, `S` source length, `D` model width, `F` filter width,
`H` heads, `V` vocabulary, `N` tokens (= B x T flattened), `E` experts, `K` selected
experts, `C` classes (or image channels where said), `M` beams.

A layer takes its sizes in the constructor, creates its variables there, and returns its
output and any auxiliary losses as values. Inside are plain TensorFlow operations on
flat matrices: on two cores a stack of Keras's own layers takes twice the time of the
same arithmetic.
"""
