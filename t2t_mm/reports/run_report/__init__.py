"""The report of runs: one HTML file that needs no other file, and no network.

`report` makes it of `HeldRun`s, what run folders hold; modules named after sections make these of
`blocks`, and `page` writes blocks as HTML. Nothing is decoded, and TensorFlow is not imported.
"""
