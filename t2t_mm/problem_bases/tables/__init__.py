"""Problems without Python: a TOML file that declares one over a table or a folder.

    document.py     the TOML text, with the line of whatever is wrong in it
    declaration.py  what the file says, checked, and registered as a problem
    splits.py       which rows are of which split
    rows.py         CSV, TSV, JSON Lines and folders, row by row
    problem.py      the problem itself: rows to raw values

docs/tables.md shows the format.
"""
