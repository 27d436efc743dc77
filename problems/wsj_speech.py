"""WSJ speech: the Wall Street Journal read aloud (CSR-I, LDC93S6, known as WSJ0)."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence

from t2t_mm import problem
from t2t_mm.corpus import parts as parts_lib
from t2t_mm.corpus import raw
from t2t_mm.problems.sample_world import corpora_speech
from t2t_mm.problems.speech import base, wsj0

_FOLDERS = {"train": "si_tr_s", "validation": "si_dt_05", "test": "si_et_05"}
_INDICES = {"train": "tr_s_wv1", "validation": "si_dt_05", "test": "si_et_05"}
_NEVER_PUBLISHED = "401"
"""A speaker in the published index of training whose recordings are on no disc."""


@problem.register_problem("wsj_speech")
class WsjSpeech(base.Speech):
    """si_tr_s for training, si_dt_05 for validation, si_et_05 (5,000 words) for test.

    A split's recordings are those of its index, where doc/indices has one (of two, the
    one without verbalised punctuation), else all in the folders of its name. Discs
    (11-1.1 and so on) and merged copies are read alike, in lower or upper case. Of a
    recording that is there twice, decompressed beside the original, the WAV is taken.
    """

    version = "1.0.0"
    corpus = "wsj0"
    layout = (
        "wsj0/ or the discs 11-*/wsj0/, in them {si_tr_s,si_dt_05,si_et_05}/SPEAKER/*.wv1 (or "
        "*.wav), transcripts *.dot (or *.ptx) anywhere, indices doc/indices/**/*.ndx if any"
    )

    licensed = "https://catalog.ldc.upenn.edu/LDC93S6A (CSR-I, by the LDC)"

    def generate_examples(self, split: str, files: raw.RawFiles) -> Iterator[problem.Example]:
        sounds = wsj0.recordings(_FOLDERS[split], files)
        listed = wsj0.listed(_INDICES[split], files)
        names = {name for name in listed if name in sounds or name[:3] != _NEVER_PUBLISHED}
        texts, own = wsj0.texts(names or set(sounds), _FOLDERS[split], files)
        # Speakers are interleaved (for --max_examples); a name begins with the speaker.
        every = sorted(names or sounds.keys() | own, key=lambda name: (name[3:], name))
        for name in files.share(every):
            sound, text = sounds.get(name), texts.get(name)
            yield base.utterance(split, name, sound, text, words_of=wsj0.spoken)

    def parts(self, split: str, files: raw.RawFiles) -> Sequence[parts_lib.Part]:
        return parts_lib.of_units(len(wsj0.recordings(_FOLDERS[split], files)))

    def make_sample(self, folder: pathlib.Path, *, seed: int, size: int) -> None:
        corpora_speech.write_wsj(folder, seed=seed, size=size)
