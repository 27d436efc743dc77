"""Vocabulary: a SentencePiece tokenizer, without TensorFlow.

Byte-pair encoding with byte fallback: any text can be encoded, and decoding restores it.
Text is not normalised, since references are not either and some of their characters could
then never be decoded; only runs of spaces become one, and spaces at both ends are removed.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from t2t_mm import errors
from t2t_mm.files import atomic, mirrors

PAD_ID = 0
EOS_ID = 1
UNK_ID = 2
SIZE = 8192

MODEL_FILE = "sentencepiece.model"
JSON_FILE = "vocabulary.json"
MAX_SENTENCES = 1_000_000
MAX_TEXT_BYTES = 16 << 20
"""Some three million words, which settle the order of far more than 8,192 tokens; SentencePiece
takes several times that in memory."""

# Characters beyond this share of all text are written as bytes, so that a few
# strange signs do not take the place of tokens.
_COVERAGE = 0.9999
_MAX_SENTENCE_BYTES = 1 << 16
_SYMBOLS_EVERY = 100  # lines; a word in one of a hundred is far more frequent than the last tokens
# Fixed, since the number is stored in the model, whose bytes must depend only on the text.
_THREADS = 4
_FIXED_PIECES = 3 + 256
SPACE = "\u2581"  # SentencePiece's mark for the space before a word


class Vocabulary:
    """A named SentencePiece model.

    Args:
      name: what `Language(vocab=...)` calls it.
      model: the serialised model.

    Attributes:
      size: number of tokens, which for a small corpus may be less than requested.
      sha256: of the model's bytes; kept with data, run and checkpoints.
    """

    def __init__(self, name: str, model: bytes) -> None:
        import sentencepiece

        self.name = name
        self.model = model
        self.sha256 = hashlib.sha256(model).hexdigest()
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise errors.DataError(
                f"The vocabulary {name!r} is not a SentencePiece model",
                received=f"{len(model):,} bytes with sha256 {self.sha256[:12]}",
            ) from error
        self.size = int(self._processor.vocab_size())

    @property
    def pieces(self) -> list[str]:
        """All tokens, in the order of their ids."""
        return [self._processor.id_to_piece(i) for i in range(self.size)]

    def encode(self, text: str) -> list[int]:
        """Returns the ids of `text`, without an end token."""
        return list(self._processor.encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of `ids` up to the first end token; padding is skipped.

        Raises:
          ValueError: for an id outside the vocabulary.
        """
        kept = []
        for i in ids:
            if i == EOS_ID:
                break
            if not 0 <= i < self.size:
                raise ValueError(f"id {i} is not in 0 to {self.size - 1}")
            if i != PAD_ID:
                kept.append(int(i))
        return str(self._processor.decode(kept))

    def save(self, folder: str | os.PathLike[str], **details: Any) -> None:
        """Writes the model and `vocabulary.json` (name, size, sha256, `details`)."""
        folder = pathlib.Path(folder)
        atomic.write_bytes(folder / MODEL_FILE, self.model)
        about = {"name": self.name, "size": self.size, "sha256": self.sha256, **details}
        atomic.write_json(folder / JSON_FILE, about)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Vocabulary:
        """Reads what `save` wrote.

        Raises:
          DataError: when it is missing, or its hash is not the one noted beside it.
        """
        folder = pathlib.Path(folder)
        about = read_json(folder)
        model = (folder / MODEL_FILE).read_bytes()
        # Before anything in it is believed: the parser is made for models, not for damage.
        sha256 = hashlib.sha256(model).hexdigest()
        if sha256 != about["sha256"]:
            raise errors.DataError(
                f"The vocabulary in {folder} is damaged",
                received=f"sha256 {sha256[:12]}...",
                expected=f"{about['sha256'][:12]}..., as {JSON_FILE} says",
            )
        vocabulary = cls(about["name"], model)
        if vocabulary.size != about["size"]:
            raise errors.DataError(
                f"{folder / JSON_FILE} is damaged: size",
                received=about["size"],
                expected=f"{vocabulary.size}, as {MODEL_FILE} has",
            )
        return vocabulary


def exists(folder: str | os.PathLike[str]) -> bool:
    """Says whether `folder` holds a vocabulary; its JSON is written last."""
    mirrors.fetch(pathlib.Path(folder))
    return (pathlib.Path(folder) / JSON_FILE).is_file()


def read_json(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the content of `vocabulary.json`.

    Raises:
      DataError: when it, or the model, is missing or damaged.
    """
    folder = pathlib.Path(folder)
    if not exists(folder) or not (folder / MODEL_FILE).is_file():
        raise errors.DataError(
            f"There is no vocabulary in {folder}",
            hint="Build it: mm-datagen --problem=PROBLEM --data_dir=DATA, as for the data",
        )
    from t2t_mm.schemas import data as data_schemas
    from t2t_mm.schemas import json_files

    return dict(
        json_files.read(folder / JSON_FILE, data_schemas.Vocabulary, error=errors.DataError)
    )


def build(
    name: str,
    texts: Iterable[str],
    *,
    size: int = SIZE,
    symbols: Sequence[str] = (),
    seed: int = 0,
) -> Vocabulary:
    """Trains a vocabulary of at most `size` tokens on `texts`.

    Reads at most `MAX_SENTENCES` lines and `MAX_TEXT_BYTES` bytes of them; if there may be
    more, give texts in random order. The same texts and symbols give the same bytes.

    Args:
      name: of the vocabulary.
      texts: to train on.
      size: tokens at most, symbols included.
      symbols: words that become one token each, however rare. A mixture of signs and
        letters ("(NP") is a user-defined symbol, kept wherever a word begins with it. One
        of only signs or letters ("IN") could begin many words, so it is repeated in the
        training text often enough to be learnt.
      seed: of the training.

    Raises:
      DataError: for no text at all.
      ConfigError: for a size that has no room for the characters of the text.
    """
    import sentencepiece

    lines = _bounded(texts)
    first = next(lines, None)
    if first is None:
        raise errors.DataError(f"There is no text to build the vocabulary {name!r} from")
    sentencepiece.set_random_generator_seed(seed)
    model = io.BytesIO()
    # Learnt tokens hold either signs or letters.
    mixed = [s for s in dict.fromkeys(symbols) if not s.isalnum() and any(map(str.isalnum, s))]
    plain = [s for s in dict.fromkeys(symbols) if s not in mixed]
    whole: dict[str, Any] = {}
    if mixed:
        whole["user_defined_symbols"] = [f"{SPACE}{symbol}" for symbol in mixed]
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_with(plain, itertools.chain([first], lines)),
            model_writer=model,
            model_type="bpe",
            vocab_size=size,
            hard_vocab_limit=False,
            byte_fallback=True,
            character_coverage=_COVERAGE,
            normalization_rule_name="identity",
            max_sentence_length=_MAX_SENTENCE_BYTES,
            pad_id=PAD_ID,
            eos_id=EOS_ID,
            unk_id=UNK_ID,
            bos_id=-1,
            num_threads=_THREADS,
            minloglevel=2,
            **whole,
        )
    except RuntimeError as error:
        raise errors.ConfigError(
            f"A vocabulary {name!r} of {size:,} tokens cannot be built from this text",
            received=str(error).splitlines()[-1].strip() or None,
            expected=f"more than {_FIXED_PIECES + len(set(symbols))} tokens and one for every "
            "usual character",
        ) from error
    return Vocabulary(name, model.getvalue())


def _bounded(texts: Iterable[str]) -> Iterator[str]:
    """Yields the non-empty lines of `texts` up to the limits."""
    count = size_bytes = 0
    for text in texts:
        for line in text.split("\n"):
            if not line.strip():
                continue
            count += 1
            size_bytes += len(line.encode("utf-8"))
            if count > MAX_SENTENCES or size_bytes > MAX_TEXT_BYTES:
                return
            yield line


def _with(symbols: Sequence[str], lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines, with a line of all symbols among every hundred."""
    for number, line in enumerate(lines):
        if symbols and number % _SYMBOLS_EVERY == 0:
            yield " ".join(symbols)
        yield line
