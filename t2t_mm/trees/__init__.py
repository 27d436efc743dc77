"""Parse trees: Penn Treebank bracketings, and linearised trees."""
