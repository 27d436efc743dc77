"""Reads CSR-I (WSJ0) in the layout of its discs: recordings, indices, transcripts."""

from __future__ import annotations

import pathlib
import re

from t2t_mm.corpus import raw
from t2t_mm.evaluation import transcripts

_LINE = re.compile(r"(?P<text>.*)\(\s*(?P<name>[0-9a-z]{8})\b[^()]*\)\s*", re.IGNORECASE)
"""Words, then the utterance in parentheses; of prompts, the article's number after it."""

_ESCAPED = re.compile(r"\\[^\w\s']")
_NOISE = re.compile(r"\[[^\]]*\]")
_BROKEN_OFF = re.compile(r"(?<!\S)\S*(?:\(\w+\)\S*|\w-)(?!\S)")
_LENGTHENED = re.compile(r"(?<=\w):(?=\w)")


def spoken(text: str) -> str:
    r"""Returns the words of a line of a `.dot` file, as `transcripts.normalize` writes them.

    - Noises and marks of where they begin and end are left out: `[loud_breath]`,
      `[door_slam>]`; so are pauses (`.`) and cut-off ends (`~`).
    - A word that broke off is left out: `fi-`, `aca(demic)-`.
    - A mispronounced (`*word*`), emphasised (`!word`), lengthened (`wo:rd`) or taken
      back (`<word>`) word counts as the word that it is.
    - Punctuation that was spoken counts as words: `,COMMA`, `\"DOUBLE-QUOTE`.
    """
    text = _NOISE.sub(" ", _ESCAPED.sub(" ", text.replace("\\'", "'")))
    return transcripts.normalize(_LENGTHENED.sub("", _BROKEN_OFF.sub(" ", text)))


def recordings(folder: str, files: raw.RawFiles) -> dict[str, pathlib.Path]:
    """Returns the recordings below all folders of a name, by utterance.

    Raises:
      DataError: when there are none.
    """
    found = {}
    for ending in ("wv1", "wav"):
        for path in _glob(f"**/{folder}/*/*.{ending}", files):
            found[path.name.split(".")[0].lower()] = path
    if not found:
        files.glob(f"**/{folder}/*/*.wv1")  # says what is missing
    return found


def listed(name: str, files: raw.RawFiles) -> list[str]:
    """Returns the utterances of an index; none where there is no such index."""
    found = _glob(f"**/doc/indices/**/{name}.ndx", files)
    if not found:
        return []
    # Without verbalised punctuation, where there are two.
    path = min(found, key=lambda path: ("nvp" not in path.parent.name.lower(), path))
    # "11_1_1:wsj0/si_tr_s/01i/01ic0201.wv1", of test sets without the ending.
    lines = files.lines(path.relative_to(files.root).as_posix())
    entries = (line.strip().rpartition("/")[2] for line in lines if not line.startswith(";"))
    return [entry.split(".")[0].lower() for entry in entries if entry]


def texts(wanted: set[str], folder: str, files: raw.RawFiles) -> tuple[dict[str, str], set[str]]:
    """Reads transcripts, one file a session; prompts where there is none.

    Args:
      wanted: utterances; `011c0201` is of the session `011c02`.
      folder: the name of a split's folders.
      files: the corpus.

    Returns:
      transcripts by utterance (see `spoken`), of all in these sessions or below these
      folders, and the utterances below these folders.
    """
    sessions = {name[:6] for name in wanted}
    found: dict[str, str] = {}
    own = set()
    for ending in ("dot", "ptx"):
        for path in _glob(f"**/*.{ending}", files):
            place = path.relative_to(files.root).as_posix()
            inside = f"/{folder}/" in f"/{place.lower()}"
            if not inside and path.name[:6].lower() not in sessions:
                continue
            for line in files.lines(place):
                if said := _LINE.fullmatch(line):
                    name = said["name"].lower()
                    found.setdefault(name, said["text"])
                    if inside:
                        own.add(name)
    return found, own


def _glob(pattern: str, files: raw.RawFiles) -> list[pathlib.Path]:
    """Returns what matches a pattern in lower or upper case."""
    either = re.sub("[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", pattern)
    return files.glob(either, optional=True)
