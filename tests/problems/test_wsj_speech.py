import io
import wave

import pytest

from t2t_mm import errors, registry, testing
from t2t_mm.data import records, task


class SampleWsjSpeechTest(testing.ProblemTestCase):
    problem = "wsj_speech"
    expected_examples = {"train": 40, "validation": 100, "test": 100}

    def test_records_are_at_the_rate_that_samples_declare(self):
        made = task.Task.from_data("wsj_speech", self._folder / "data")
        assert made.inputs["audio"].sample_rate == 8_000
        assert registry.problems.get("wsj_speech").inputs["audio"].sample_rate == 16_000
        (file,) = self._manifest.files("test")
        for example in records.read_examples(file):
            with wave.open(io.BytesIO(example["audio"])) as sound:
                assert sound.getframerate() == 8_000


SETS = {"train": "si_tr_s", "validation": "si_dt_05", "test": "si_et_05"}
NAMES = {
    "train": ("011c0201", "011c0202", "012c0201"),
    "validation": ("050c0501",),
    "test": ("440c0401",),
}
DOTS = {
    "011c0200.dot": "One [noise] tw- two (011c0201)\nThree (011c0202)\n",
    "012c0200.dot": "Mr. Four (012c0201)\n\n",
    "050c0500.dot": "Fi:ve (050c0501)\n",
    "440c0400.dot": "*Six* (440c0401)\n",
}
WORDS = {
    "train": {"011c0201": "one two", "011c0202": "three", "012c0201": "mr four"},
    "validation": {"050c0501": "five"},
    "test": {"440c0401": "six"},
}
INDICES = {
    "wsj0/doc/indices/train/tr_s_wv1.ndx": (
        ";; File: tr_s_wv1.ndx\n;;\n11_1_1:wsj0/si_tr_s/011/011c0201.wv1\n"
        "11_1_1:wsj0/si_tr_s/012/012c0201.wv1\n11_2_1:wsj0/si_tr_s/401/401c0201.wv1\n"
    ),
    "wsj0/doc/indices/test/vp/si_et_05.ndx": "11_14_1:wsj0/si_et_05/440/440v0401\n",
    "wsj0/doc/indices/test/nvp/si_et_05.ndx": "11_14_1: /wsj0/si_et_05/440/440c0401\n",
}


def merged(ending="wv1"):
    """One folder for all discs, transcripts of training apart."""
    files = {
        f"wsj0/{SETS[split]}/{name[:3]}/{name}.{ending}": b""
        for split, names in NAMES.items()
        for name in names
    }
    for name, lines in DOTS.items():
        folder = "transcrp/dots/si_tr_s" if name.startswith("01") else SETS[
            "test" if name.startswith("4") else "validation"
        ]  # fmt: skip
        files[f"wsj0/{folder}/{name[:3]}/{name}"] = lines
    return files


def discs():
    """As published, each disc by itself."""
    places = {"wsj0/si_tr_s/011": "11-1.1/", "wsj0/transcrp": "11-4.1/", "wsj0/si_dt": "11-6.1/"}
    files = {}
    for name, content in (merged() | INDICES).items():
        disc = next((d for start, d in places.items() if name.startswith(start)), "11-14.1/")
        files[f"csr_1/{disc}{name}"] = content
    return files


def upper():
    return {name.upper(): content for name, content in (merged() | INDICES).items()}


def words(split, folder):
    found = testing.generated("wsj_speech", split, folder)
    return {key.split("/")[1]: example["targets"] for key, example in found}


@pytest.mark.parametrize("split", SETS)
@pytest.mark.parametrize("layout", [merged(), merged("wav"), merged("WAV")])
def test_folders_without_an_index(tmp_path, layout, split):
    testing.write_files(tmp_path, layout)
    assert words(split, tmp_path) == WORDS[split]
    for key, example in testing.generated("wsj_speech", split, tmp_path):
        assert example["audio"].name.split(".")[0] == key.split("/")[1]


@pytest.mark.parametrize("layout", [merged() | INDICES, discs(), upper()])
def test_an_index_says_what_belongs_to_a_split(tmp_path, layout):
    testing.write_files(tmp_path, layout)
    # 011c0202 is not listed; speaker 401 is, and no disc has the recordings.
    assert words("train", tmp_path) == {"011c0201": "one two", "012c0201": "mr four"}
    assert words("validation", tmp_path) == WORDS["validation"]
    assert words("test", tmp_path) == WORDS["test"]  # of two indices the plain one


def test_the_speakers_take_turns(tmp_path):
    testing.write_files(tmp_path, merged())
    assert list(words("train", tmp_path)) == ["011c0201", "012c0201", "011c0202"]


def test_a_decompressed_copy_goes_before_the_original(tmp_path):
    testing.write_files(tmp_path, merged() | {"wsj0/si_et_05/440/440c0401.wav": b""})
    ((_, example),) = testing.generated("wsj_speech", "test", tmp_path)
    assert example["audio"].suffix == ".wav"


def test_prompts_serve_where_there_is_no_transcript(tmp_path):
    files = merged()
    del files["wsj0/transcrp/dots/si_tr_s/012/012c0200.dot"]
    files["wsj0/transcrp/prompts/012c0200.ptx"] = "The prompt (012c0201 87.051.870113-0174.1.2)\n"
    files["wsj0/transcrp/prompts/011c0200.ptx"] = "Not said (011c0201 87.051.870113-0174.1.3)\n"
    testing.write_files(tmp_path, files)
    assert words("train", tmp_path) == WORDS["train"] | {"012c0201": "the prompt"}


@pytest.mark.parametrize("index", [{}, INDICES])
def test_sounds_and_transcripts_without_each_other_are_bad_examples(tmp_path, index):
    files = merged() | index
    del files["wsj0/si_tr_s/011/011c0201.wv1"]
    del files["wsj0/transcrp/dots/si_tr_s/012/012c0200.dot"]
    testing.write_files(tmp_path, files)
    found = dict(testing.generated("wsj_speech", "train", tmp_path))
    silent, wordless = found["train/011c0201"], found["train/012c0201"]
    assert isinstance(silent["audio"], errors.BadExampleError)
    assert str(silent["audio"]) == "A transcript has no recording: 011c0201."
    assert silent["targets"] == "one two"
    assert str(wordless["targets"]) == "A recording has no transcript: 012c0201."
    assert wordless["audio"].is_file()


@pytest.mark.parametrize("wrong", [b"\xe9", b"\0"])
def test_a_transcript_that_is_no_text_stays_as_it_is(tmp_path, wrong):
    files = merged()
    files["wsj0/transcrp/dots/si_tr_s/012/012c0200.dot"] = b"Caf" + wrong + b" [noise] (012c0201)\n"
    testing.write_files(tmp_path, files)
    said = words("train", tmp_path)["012c0201"]
    assert said == f"Caf{wrong.decode('utf-8', 'surrogateescape')} [noise] "
    with pytest.raises(errors.BadExampleError):
        registry.problems.get("wsj_speech").targets.encode(said)


@pytest.mark.parametrize("split", SETS)
def test_missing_files_say_the_layout(tmp_path, split):
    with pytest.raises(errors.DataError, match=rf"{SETS[split]}.*Expected: wsj0/ or the discs"):
        testing.generated("wsj_speech", split, tmp_path)
