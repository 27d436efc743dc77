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


def of_call(error: Exception, *, row: int | None = None) -> RequestError:
    """Returns the answer to a request whose call raised an error.

    Args:
      error: of TensorFlow, as a rule.
      row: its number, where it was called by itself.
    """
    if isinstance(error, RequestError):
        return error
    kind = type(error).__name__
    where = "" if row is None else f" row {row}"
    said = said_by_model(error)
    if kind == "ResourceExhaustedError" or isinstance(error, MemoryError):
        return RequestError(
            503,
            "memory",
            f"There is no memory to answer{where}",
            received=said,
            headers=RETRY_AFTER,
        )
    if kind in ("InvalidArgumentError", "OutOfRangeError", "UnimplementedError"):
        return RequestError(
            400, "model", f"The model cannot take{where or ' this request'}", received=said
        )
    return RequestError(
        500, "model", f"The model failed at{where or ' this request'}", received=said
    )


def said_by_model(error: Exception) -> str:
    """Returns the line of an error's text that says what was wrong.

    TensorFlow tells where it was found before, and the node in brackets behind.
    """
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("[[", "Graph exec"))]
    return errors.shortened(said[-1], 300) if said else type(error).__name__
