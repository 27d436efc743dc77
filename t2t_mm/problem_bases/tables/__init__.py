"""Problems without Python: a TOML file that declares one over a table or a folder.

    document.py     the TOML text, with line numbers for errors
    declaration.py  checks the file, and registers its problem
    splits.py       assigns rows to splits
    rows.py         CSV, TSV, JSON Lines and folders, row by row
    problem.py      the problem itself: rows to raw values

docs/tables.md shows the format.
"""
