"""Sparsely-gated mixture of experts: many feed-forward nets, few used a position.

`router` says what goes where, `dispatch` moves it, `losses` measures the balance
and `layer` puts them together. Nothing is dropped and no expert has a capacity.
"""
