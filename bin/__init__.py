"""One thin module a command: its flags, one call, its answer.

Run as `python -m t2t_mm.bin.X`, or by the name that the installation gives it.
"""
