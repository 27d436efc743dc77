"""Small made-up corpora in the raw layouts of the real ones (`--source=sample`).

Everything speaks of the same scenes of coloured shapes, so that what one task
learns can be of use to another: `scene` draws what there is, a module a language
says it, `picture` shows it, and `corpora` writes the files.
"""
