"""Sparsely-gated mixture of experts: many feed-forward nets, a few of them for each token.

`router` chooses the experts, `dispatch` moves tokens to them, `losses` measures their
balance, and `layer` puts these together. No expert has a capacity; no token is dropped.
"""
