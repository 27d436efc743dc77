"""What the page knows of each problem that is served: from export.json and the signature."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from t2t_mm.serving import models as models_lib
from t2t_mm.serving import servable as servable_lib
from t2t_mm.serving import signature as signature_lib

EXPLAIN = "explain"
"""The signature of attention and experts, where an export has one."""

SEED = "seed"

Kind = Literal["text", "picture", "sound", "choice", "file", "number"]
_KINDS: dict[str, Kind] = {
    "language": "text",
    "image": "picture",
    "audio": "sound",
    "categorical": "choice",
}


@dataclasses.dataclass(frozen=True)
class Input:
    """One input of a problem.

    Args:
      name: of the signature's input.
      kind: decides the widget.
      about: its declaration, as in export.json; empty where that is missing.
      is_shared: whether a request has one value of it, not one a row.
    """

    name: str
    kind: Kind
    about: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    is_shared: bool = False

    def hint(self) -> str:
        """Returns what it takes, in a few words."""
        about = self.about
        if self.kind == "picture" and "size" in about:
            part = "" if about.get("fit") == "pad" else ", the central square"
            return f"seen at {about['size']} x {about['size']} pixels{part}"
        if self.kind == "sound" and "max_seconds" in about:
            return f"{about.get('min_seconds', 0):g} to {about['max_seconds']:g} seconds"
        if self.kind == "text" and about.get("max_length"):
            return f"{about['max_length']} tokens at most"
        if self.kind == "number" and self.name != SEED:
            return "a number, or JSON of a row"
        return ""


@dataclasses.dataclass(frozen=True)
class Example:
    """An example of the data that an export keeps.

    Args:
      values: by input name: a text, or the path of a file.
      reference: the right answer.
    """

    values: Mapping[str, str | pathlib.Path]
    reference: str


@dataclasses.dataclass(frozen=True)
class Problem:
    """What one signature of one export answers, for a tab of its own.

    Args:
      name: for people.
      export: name of the model.
      signature: of the export.
      inputs: in their order.
      outputs: names of what it gives.
      classes: how many there are; 0 where the answer is no class.
      about: a line: model, step, search.
      examples: may be none.
      explains: whether the export shows attention and experts.
    """

    name: str
    export: str
    signature: str
    inputs: Sequence[Input]
    outputs: Sequence[str]
    classes: int = 0
    about: str = ""
    examples: Sequence[Example] = ()
    explains: bool = False

    @property
    def interface(self) -> tuple[Any, ...]:
        """What the widgets depend on: pages made for another one are of no use."""
        inputs = tuple((i.name, i.kind, i.hint()) for i in self.inputs)
        return self.name, self.export, self.signature, inputs, tuple(self.outputs), self.explains


def problems(models: models_lib.Models) -> list[Problem]:
    """Returns what is served, by name; a problem with an export of its own is taken from there."""
    found: dict[tuple[str, str], Problem] = {}
    alone: set[str] = set()
    for export in models.names():
        servable = models.version(export).servable
        if servable is None:
            continue
        for name, signature in servable.signatures.items():
            if name == EXPLAIN:
                continue
            problem = _problem(export, name, signature, servable)
            found[export, name] = problem
            if name == signature_lib.DEFAULT:
                alone.add(problem.name)
    kept = [
        p for (_, name), p in found.items() if name == signature_lib.DEFAULT or p.name not in alone
    ]
    return sorted(_distinct(kept), key=lambda problem: problem.name)


def _distinct(found: Sequence[Problem]) -> list[Problem]:
    """Gives problems of one name the names of their exports and signatures too."""
    names = [problem.name for problem in found]
    return [
        problem
        if names.count(problem.name) == 1
        else dataclasses.replace(
            problem, name=f"{problem.name} ({problem.export}, {problem.signature})"
        )
        for problem in found
    ]


def _problem(
    export: str, name: str, signature: signature_lib.Signature, servable: servable_lib.Servable
) -> Problem:
    details = servable.details
    described = _mapping(_mapping(details.get("signatures")).get(name))
    declared = _mapping(described.get("inputs"))
    order = [key for key in declared if key in signature.inputs]
    order += [key for key in signature.inputs if key not in declared]
    inputs = [_input(key, signature.inputs[key], _mapping(declared.get(key))) for key in order]
    classes = _mapping(described.get("targets")).get("classes")
    title = str(described.get("problem") or (export if name == signature_lib.DEFAULT else name))
    return Problem(
        name=title,
        export=export,
        signature=name,
        inputs=inputs,
        outputs=list(signature.outputs),
        classes=len(classes) if isinstance(classes, Sequence) else 0,
        about=_about(details, described),
        examples=_examples(described.get("examples"), inputs, servable.folder),
        explains=name == signature_lib.DEFAULT and EXPLAIN in servable.signatures,
    )


def _input(name: str, field: signature_lib.Field, about: Mapping[str, Any]) -> Input:
    if not field.is_text:
        return Input(name, "number", about, is_shared=not field.has_rows)
    kind: Kind = "text"
    if about:
        kind = _KINDS.get(str(about.get("modality")), "file")
    if kind == "choice" and not about.get("classes"):
        kind = "text"
    return Input(name, kind, about)


def _about(details: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """Returns where an answer comes from, in a line."""
    words = [str(details[key]) for key in ("model",) if details.get(key)]
    if details.get("step") is not None:
        words.append(f"step {details['step']}")
    search = _mapping(described.get("search"))
    if search.get("beam_size", 1) != 1:
        words.append(f"beam of {search['beam_size']}")
    if search.get("temperature"):
        words.append(f"sampling at temperature {search['temperature']}")
    return ", ".join(words)


def _examples(given: Any, inputs: Sequence[Input], folder: pathlib.Path) -> list[Example]:
    """Returns the examples that have all inputs, and whose files lie in the export."""
    wanted = [each for each in inputs if each.kind != "number"]
    found = []
    for example in given if isinstance(given, Sequence) else ():
        values = _mapping(_mapping(example).get("inputs"))
        read = {each.name: _value(values.get(each.name), folder) for each in wanted}
        usable = {name: value for name, value in read.items() if value is not None}
        if wanted and len(usable) == len(wanted):
            found.append(Example(usable, str(example.get("reference", ""))))
    return found


def _value(value: Any, folder: pathlib.Path) -> str | pathlib.Path | None:
    if isinstance(value, str):
        return value
    file = _mapping(value).get("file")
    if not isinstance(file, str):
        return None
    path = (folder / file).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
