"""The base class of speech recognition problems."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

from t2t_mm import errors, problem
from t2t_mm.corpus import archives
from t2t_mm.evaluation import transcripts
from t2t_mm.modality.audio import declaration as audio
from t2t_mm.modality.language import declaration as language
from t2t_mm.problems.sample_world import corpora_speech


class Speech(problem.Problem):
    """The base: a recording to the words that were said, as `transcripts` writes them."""

    inputs = {"audio": audio.Audio(sample_rate=16_000)}
    sample_inputs = {"audio": audio.Audio(sample_rate=corpora_speech.RATE)}
    targets = language.Language(vocab="mm_8k")
    command = "to-english"
    metrics = ("wer", "log_perplexity")
    sources = ("manual", "sample")
    sample_size = 3_000


def utterance(
    split: str,
    name: str,
    sound: pathlib.Path | archives.Member | None,
    text: str | None,
    *,
    words_of: Callable[[str], str] = transcripts.normalize,
) -> problem.Example:
    """Returns the example of one utterance.

    Args:
      split: part of its key.
      name: the rest of its key; of the recording, in errors.
      sound: the recording, or None where a transcript has none.
      text: the transcript as the corpus has it, or None where a recording has none.
      words_of: returns its words, as `transcripts.normalize` writes them.
    """
    recording: pathlib.Path | archives.Member | errors.BadExampleError
    recording = sound or errors.BadExampleError(f"A transcript has no recording: {name}")
    words: str | errors.BadExampleError
    if text is None:
        words = errors.BadExampleError(f"A recording has no transcript: {name}")
    elif not _is_text(text):
        words = text  # unchanged, so that `encode` reports the error
    else:
        words = words_of(text) or errors.BadExampleError(
            f"A transcript has no words: {name}", received=repr(text[:60])
        )
    return f"{split}/{name}", {"audio": recording, "targets": words}


def _is_text(text: str) -> bool:
    """Says whether a transcript is valid text, before normalisation hides wrong bytes."""
    try:
        Speech.targets.encode(text)
    except errors.BadExampleError:
        return False
    return True
