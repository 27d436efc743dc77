"""Shows the `Example:` of a docstring as the Python code that it is."""

import re
import textwrap
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^Example:\n((?:[ ]+\S.*\n?|\n(?=[ ]))+)", re.MULTILINE)


class FencedExamples(griffe.Extension):
    """Puts a fence around every example, before the docstring is parsed into sections."""

    def on_object(self, *, obj: griffe.Object, **unused: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(_fenced, obj.docstring.value)


def _fenced(example: re.Match[str]) -> str:
    return f"For example:\n\n```python\n{textwrap.dedent(example[1]).rstrip()}\n```\n"
