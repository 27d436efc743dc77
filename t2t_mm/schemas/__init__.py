"""Schemas of the JSON files that are read back, and their validation.

Data and run folders may come from other people, so they are validated before use. Unknown
keys are kept, since later versions may write more; every key that is read is declared here.

These modules import pydantic, so they are imported only where a file is read.
"""
