"""The vocabularies of a data folder, built from the records that share them.

An existing vocabulary is kept, since runs depend on it. It is built if it is missing, and
built again if the data it was built from has been generated again with other text.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from t2t_mm import errors, registry, vocabulary
from t2t_mm.data import manifest, records
from t2t_mm.files import atomic
from t2t_mm.modality.language import declaration as language

FOLDER = "vocabularies"

Manifests = Mapping[str, manifest.Manifest]


def prepare(
    manifests: Manifests,
    data_dir: pathlib.Path,
    *,
    size: int | None = None,
    rebuild: bool = False,
    say: Callable[[str], None],
) -> dict[str, dict[str, Any]]:
    """Builds missing vocabularies; returns size and sha256 of all, by name.

    Args:
      manifests: of the problems that use them, by name.
      data_dir: the folder with `vocabularies/`.
      size: tokens at most of a new vocabulary.
      rebuild: build all of them again.
      say: called with messages for the user.

    Raises:
      DataError: for a damaged vocabulary, or one of another size than requested.
    """
    answer = {}
    for name, problems in sorted(_users(manifests).items()):
        folder = data_dir / FOLDER / name
        # The records are done, so waiting for another process that builds it costs little.
        lock = folder.with_name(f".{name}.lock")
        with atomic.lock(lock, f"the vocabulary {name!r}", waiting=say):
            with atomic.writing(folder):
                atomic.recover(folder)
            if rebuild or not vocabulary.exists(folder):
                built = _build(name, problems, manifests, folder, size)
                say(f"vocabulary {name}: {built.size:,} tokens, from {', '.join(problems)}")
            else:
                built = _reuse(name, problems, manifests, folder, size, say)
        answer[name] = {"size": built.size, "sha256": built.sha256}
    return answer


def verify(manifests: Manifests, data_dir: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Loads the vocabularies, and returns their size and sha256.

    Raises:
      DataError: for one that is missing or damaged.
    """
    answer = {}
    for name in sorted(_users(manifests)):
        loaded = vocabulary.Vocabulary.load(data_dir / FOLDER / name)
        answer[name] = {"size": loaded.size, "sha256": loaded.sha256}
    return answer


def _reuse(
    name: str,
    problems: Sequence[str],
    manifests: Manifests,
    folder: pathlib.Path,
    size: int | None,
    say: Callable[[str], None],
) -> vocabulary.Vocabulary:
    """Returns the existing vocabulary, unless the data it was built from has changed."""
    about = vocabulary.read_json(folder)
    built_from = about.get("fingerprints", {})
    changed = [
        p
        for p in problems
        if built_from.get(p, _text_digest(manifests[p])) != _text_digest(manifests[p])
    ]
    if changed and set(built_from) <= set(problems):
        built = _build(name, problems, manifests, folder, size or about.get("asked"))
        say(f"vocabulary {name}: built anew, since {', '.join(changed)} changed")
        return built
    if changed:
        say(
            f"vocabulary {name}: kept, though {', '.join(changed)} changed, since it is also of "
            f"{', '.join(sorted(set(built_from) - set(problems)))}; --rebuild_vocabulary builds it"
        )
    strangers = [p for p in problems if p not in built_from]
    if strangers:
        say(
            f"vocabulary {name}: was there already, built from "
            f"{', '.join(sorted(built_from)) or 'other data'} without {', '.join(strangers)}; "
            "--rebuild_vocabulary builds it from all named here"
        )
    if size is not None and size != about.get("asked", size):
        raise errors.DataError(
            f"The vocabulary {name!r} in {folder} was made with another size",
            received=f"{size:,} tokens",
            expected=f"{about['asked']:,}",
            hint="Add --rebuild_vocabulary, or use another --data_dir",
        )
    return vocabulary.Vocabulary.load(folder)


def _build(
    name: str,
    problems: Sequence[str],
    manifests: Manifests,
    folder: pathlib.Path,
    size: int | None,
) -> vocabulary.Vocabulary:
    """Builds a vocabulary from the training text of `problems` and saves it."""
    asked = size or vocabulary.SIZE
    sentences = 0

    def texts() -> Iterator[str]:
        """Yields texts round-robin, so that a limit takes equally many of each problem."""
        nonlocal sentences
        waiting = [_texts(name, manifests[problem]) for problem in problems]
        while waiting:
            for problem_texts in list(waiting):
                text = next(problem_texts, None)
                if text is None:
                    waiting.remove(problem_texts)
                else:
                    sentences += 1
                    yield text

    symbols = _symbols(problems)
    built = vocabulary.build(name, texts(), size=asked, symbols=symbols)
    with atomic.folder(folder) as making:
        built.save(
            making,
            asked=asked,
            problems=list(problems),
            symbols=symbols,
            fingerprints={problem: _text_digest(manifests[problem]) for problem in problems},
            sentences=sentences,
        )
    return built


def _texts(name: str, data: manifest.Manifest) -> Iterator[str]:
    """Yields the training texts of a vocabulary, in the order of the records.

    That is the order of hashes of keys, so the first texts are a random sample.
    """
    features = [f for f, used in _features(data.problem).items() if used == name]
    for path in data.files(data.splits[0]):
        for example in records.read_values(path):
            for feature in features:
                for text in example[feature]:
                    yield text.decode("utf-8")


def _symbols(problems: Sequence[str]) -> list[str]:
    """Returns the symbols of the problems: words that become one token each."""
    return sorted({word for name in problems for word in registry.problems.get(name).symbols})


def _text_digest(data: manifest.Manifest) -> str:
    """Returns the digest of a problem's training text."""
    return data.split_digest(data.splits[0])


def _features(problem: str) -> dict[str, str]:
    """Returns the name of the vocabulary of each text of a problem."""
    declared = registry.problems.get(problem)
    features = {**declared.inputs, "targets": declared.targets}
    return {n: m.vocab for n, m in features.items() if isinstance(m, language.Language)}


def _users(manifests: Manifests) -> dict[str, list[str]]:
    """Returns the problems that use each vocabulary, sorted by name."""
    users: dict[str, list[str]] = {}
    for problem in sorted(manifests):
        for name in sorted(set(_features(problem).values())):
            users.setdefault(name, []).append(problem)
    return users
