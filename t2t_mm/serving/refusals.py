"""Requests that are refused: an HTTP status, one line for the client, a kind for the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from t2t_mm import errors

RETRY_AFTER = {"Retry-After": "1"}


class RequestError(errors.UserError):
    """A request that is not answered, with the status that says why.

    Args:
      status: of HTTP, 4xx or 5xx.
      kind: a word for the metrics, such as "rows" or "deadline".
      what: what happened; see `errors.UserError`.
      received: the offending value.
      expected: what would have been right.
      hint: what to do.
      headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        what: str,
        *,
        received: object = None,
        expected: object = None,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what, received=received, expected=expected, hint=hint)
        self.status, self.kind = status, kind
        self.headers = dict(headers or {})


def unknown(status: int, what: str, name: str, names: Iterable[str], **rest: str) -> RequestError:
    """Returns the error for a name that is none of `names`, with the nearest of them.

    Args:
      status: of HTTP.
      what: kind of thing, as in "signature".
      name: as received.
      names: that there are.
      rest: `of`, what the thing belongs to.
    """
    names = sorted(names)
    of = f" of {rest['of']}" if "of" in rest else ""
    near = errors.did_you_mean(name, names)
    return RequestError(
        status,
        f"unknown_{what}",
        f"There is no {what} {errors.shortened(repr(name))}{of}",
        expected=errors.first_few(names) or "none",
        hint=near,
    )
