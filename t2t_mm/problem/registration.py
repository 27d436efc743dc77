"""`register_problem`, which adds a problem by its name once its declaration is sound."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from t2t_mm import errors, registry
from t2t_mm.downloads import declaration as downloads
from t2t_mm.modality import base as modality
from t2t_mm.problem import declaration

_DOWNLOAD = "download"
_RESERVED = ("vocabularies", "raw_sample")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]*")


def register_problem(
    name: str, *, place: str | None = None
) -> Callable[[type[declaration.Problem]], type[declaration.Problem]]:
    """Registers a `Problem` class under `name`, after checking its declaration.

    Args:
      name: of the problem.
      place: `file:line` of the declaration, if it is not the Python caller.

    Raises:
      PluginError: for an invalid or taken name, and a declaration that is not whole.
    """
    add = registry.problems.register(name, place=place)

    def decorate(cls: type[declaration.Problem]) -> type[declaration.Problem]:
        _check(name, cls, place or cls.__module__)
        cls.name = name
        others = tuple(source for source in cls.sources if source != _DOWNLOAD)
        cls.sources = (*others, _DOWNLOAD) if cls.downloads else others
        return add(cls)

    return decorate


def _check(name: str, cls: type[declaration.Problem], place: str) -> None:
    if not (isinstance(cls, type) and issubclass(cls, declaration.Problem)):
        is_instance = isinstance(cls, declaration.Problem)
        raise errors.PluginError(
            f"What is registered as the problem {name!r} ({place}) is no subclass of Problem",
            received=errors.shortened(repr(cls), 120),
            expected="a class that inherits from t2t_mm.Problem",
            hint=f"Register the class {type(cls).__name__}, not an instance of it"
            if is_instance
            else None,
        )
    wrong = (
        _wrong_name(name, cls)
        or _wrong_modality(cls)
        or _wrong_list(cls)
        or _wrong_shared_inputs(cls)
        or _wrong_answers(cls)
        or _wrong_plain_name(cls)
        or _wrong_tokenizer(cls)
        or cls.wrong_declaration()
    )
    if wrong:
        raise errors.PluginError(f"The problem {name!r} ({place}) is not whole: {wrong}")


def _wrong_name(name: str, cls: type[declaration.Problem]) -> str | None:
    if name in _RESERVED:
        return f"a data folder keeps the name {name!r} for itself"
    if not isinstance(cls.version, str) or not _VERSION.fullmatch(cls.version):
        return f"version is {cls.version!r}, not letters, digits and dots, as in '1.0.0'"
    if not cls.command:
        return "command is empty; it tells the decoder what to write, as in 'to-german'"
    if cls.generate_examples is declaration.Problem.generate_examples:
        return "generate_examples is missing"
    return None


def _wrong_modality(cls: type[declaration.Problem]) -> str | None:
    targets = getattr(cls, "targets", None)
    if not isinstance(targets, modality.Modality):
        return f"targets is {targets!r}, not a modality such as Language()"
    if not targets.can_be_target:
        return f"targets is {type(targets).__name__}(), which can only be an input"
    if not isinstance(cls.inputs, Mapping):
        return f"inputs is {cls.inputs!r}, not a dict of modalities by name"
    if cls.inputs is declaration.Problem.inputs:
        return "inputs is missing; a language model, which has none, says inputs = {}"
    if not cls.inputs and not targets.autoregressive:
        return f"inputs is empty; only text is made from nothing, not {type(targets).__name__}()"
    if "targets" in cls.inputs or "key" in cls.inputs:
        return "an input is named 'targets' or 'key', which records keep for themselves"
    for modalities in (cls.inputs, cls.sample_inputs):
        for name, declared in modalities.items():
            if not isinstance(declared, modality.Modality):
                return "inputs holds a value that is not a modality"
            if not declared.can_be_input:
                return f"the input {name!r} is {type(declared).__name__}(), only for targets"
    if set(cls.sample_inputs) - set(cls.inputs):
        return "sample_inputs names an input that inputs does not"
    return targets.wrong_target_of(cls.inputs)


def _wrong_list(cls: type[declaration.Problem]) -> str | None:
    for attribute in (
        "metrics",
        "splits",
        "optional_splits",
        "sources",
        "symbols",
        "downloads",
        "shared_inputs",
    ):
        value = getattr(cls, attribute)
        if isinstance(value, str):
            return f"{attribute} is a string; write ({value!r},)"
    for symbol in cls.symbols:
        if not isinstance(symbol, str) or symbol.split() != [symbol]:
            return f"symbols holds {symbol!r}, which is not a word"
    if any(not isinstance(each, downloads.Download) for each in cls.downloads):
        return f"downloads is {cls.downloads!r}, not a tuple such as (Download(URL, ...),)"
    if cls.downloads and not cls.corpus:
        return "corpus is empty; it names the folder that gets what downloads brings"
    if len(set(cls.splits)) < 2 or len(set(cls.splits)) != len(cls.splits):
        return (
            f"splits is {tuple(cls.splits)!r}; two different ones at least are needed, the first "
            "for training and the second for evaluation"
        )
    if not set(cls.optional_splits) <= set(cls.splits[2:]):
        return (
            f"optional_splits is {tuple(cls.optional_splits)!r}, which may hold splits after the "
            "second only"
        )
    return None


def _wrong_shared_inputs(cls: type[declaration.Problem]) -> str | None:
    if set(cls.shared_inputs) - set(cls.inputs):
        return f"shared_inputs is {cls.shared_inputs!r}, of which inputs lacks some"
    if cls.shared_inputs and "examples" in cls.inputs:
        return "an input is named 'examples', which records with shared inputs keep for themselves"
    return None


def _wrong_answers(cls: type[declaration.Problem]) -> str | None:
    count = cls.answers_of_training
    if not isinstance(count, int) or count < 0:
        return f"answers_of_training is {count!r}, not a number of answers"
    if isinstance(cls.answers, str):
        return f"answers is a string; write ({cls.answers!r},)"
    if (cls.answers or count) and not cls.targets.autoregressive:
        return f"answers are texts, and targets is {type(cls.targets).__name__}()"
    for answer in cls.answers:
        if not isinstance(answer, str) or not answer.strip():
            return f"answers holds {answer!r}, which is not a text"
    return None


def _wrong_tokenizer(cls: type[declaration.Problem]) -> str | None:
    if not cls.metric_tokenizer:
        return None
    from t2t_mm.modality.language import words

    if cls.metric_tokenizer in words.TOKENIZERS:
        return None
    hint = errors.did_you_mean(str(cls.metric_tokenizer), words.TOKENIZERS)
    known = ", ".join(words.TOKENIZERS)
    return f"metric_tokenizer is {cls.metric_tokenizer!r}, none of {known}. {hint or ''}".rstrip()


def _wrong_plain_name(cls: type[declaration.Problem]) -> str | None:
    """Checks names that become file names."""
    used = [m.vocab for m in (*cls.inputs.values(), cls.targets) if hasattr(m, "vocab")]
    for noun, names in (
        ("a split", cls.splits),
        ("an input", cls.inputs),
        ("a vocabulary", used),
    ):
        for name in names:
            if not isinstance(name, str) or not registry.PLAIN_NAME.fullmatch(name):
                return f"{noun} is named {name!r}, not in {registry.PLAIN_NAME_WORDS}"
    return None
