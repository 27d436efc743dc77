"""Greedy decoding: the likeliest piece at every step, in one compiled loop."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from t2t_mm.decoding import hypotheses, writer


def search(
    model: hypotheses.Decodable, asked: hypotheses.Asked, *, shrink: bool = True
) -> hypotheses.Hypotheses:
    """Returns the one hypothesis of each row, N = 1.

    Padding is never chosen, whatever its logit.

    Args:
      model: gives the incremental state.
      asked: the inputs and what is wanted of them.
      shrink: let finished rows leave (see `search_loop.run`).
    """
    return writer.write(model, asked, _choose, shrink=shrink)


def _choose(logits: tf.Tensor, drawn: Any) -> tuple[tf.Tensor, tf.Tensor]:
    del drawn
    log_probs, ids = hypotheses.likeliest(logits, 1)
    return log_probs[:, 0], ids[:, 0]
