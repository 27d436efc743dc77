"""The layouts in which WMT has published its texts, over the years.

`training` finds parallel text by the names of its files, `test_sets` the two sides of a
test set. Both search unpacked files first, then downloaded archives.
"""
