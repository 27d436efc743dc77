import numpy as np
import pytest

from t2t_mm import errors, registry, testing
from t2t_mm.data import manifest
from t2t_mm.datagen import generate

TEXTS = {0: "HE SAID DON'T", 1: "THE OTHER ONE"}


class SampleLibriSpeechTest(testing.ProblemTestCase):
    problem = "librispeech"
    expected_examples = {"train": 40, "validation": 100, "test": 100}

    @pytest.mark.slow  # the same as those of wsj_speech
    def test_features(self):
        super().test_features()


def chapter(subset, speaker, top="librispeech/LibriSpeech/", sound=b""):
    place = f"{top}{subset}/{speaker}/900"
    names = {number: f"{speaker}-900-{number:04d}" for number in TEXTS}
    lines = "".join(f"{name} {TEXTS[number]}\n" for number, name in names.items())
    return {
        f"{place}/{speaker}-900.trans.txt": lines,
        **{f"{place}/{name}.flac": sound for name in names.values()},
    }


def corpus(subsets, **more):
    files = {}
    for subset, speakers in subsets.items():
        for speaker in speakers:
            files |= chapter(subset, speaker, **more)
    return files


def speakers(split, folder):
    found = testing.generated("librispeech", split, folder)
    return list(dict.fromkeys(int(key.split("/")[1].split("-")[0]) for key, _ in found))


def test_every_subset_goes_to_its_split(tmp_path):
    subsets = {
        "train-clean-100": [30, 4], "train-other-500": [100], "dev-clean": [7], "test-clean": [8],
        "dev-other": [9], "test-other": [10],
    }  # fmt: skip
    testing.write_files(tmp_path, corpus(subsets))
    assert speakers("train", tmp_path) == [4, 30, 100]
    assert speakers("validation", tmp_path) == [7]
    assert speakers("test", tmp_path) == [8]
    (first, _) = testing.generated("librispeech", "validation", tmp_path)
    assert first == (
        "validation/7-900-0000",
        {
            "audio": tmp_path / "librispeech/LibriSpeech/dev-clean/7/900/7-900-0000.flac",
            "targets": "he said don't",
        },
    )


@pytest.mark.parametrize("top", ["librispeech/LibriSpeech/", "LibriSpeech/", ""])
def test_the_folder_may_be_named_at_any_height(tmp_path, top):
    testing.write_files(tmp_path, corpus({"train-clean-5": [1, 2]}, top=top))
    assert speakers("train", tmp_path) == [2]


def test_training_speakers_stand_in_for_subsets_that_are_missing(tmp_path):
    testing.write_files(tmp_path, corpus({"train-clean-100": range(1, 23)}))
    assert speakers("validation", tmp_path) == [1, 11, 21]
    assert speakers("test", tmp_path) == [6, 16]
    rest = [number for number in range(1, 23) if number % 10 not in (1, 6)]
    assert speakers("train", tmp_path) == rest
    testing.write_files(tmp_path, corpus({"test-clean": [99]}))
    assert speakers("test", tmp_path) == [99]
    assert speakers("train", tmp_path) == sorted([*rest, 6, 16])


def test_mini_librispeech_is_not_read_beside_what_it_repeats(tmp_path):
    testing.write_files(
        tmp_path, corpus({"train-clean-5": [3], "dev-clean-2": [5], "test-clean": [8]})
    )
    assert [speakers(split, tmp_path) for split in ("train", "validation")] == [[3], [5]]
    testing.write_files(tmp_path, corpus({"train-clean-100": [3, 4], "dev-clean": [5, 6]}))
    assert [speakers(split, tmp_path) for split in ("train", "validation")] == [[3, 4], [5, 6]]


def test_test_subsets_are_never_trained_on(tmp_path):
    testing.write_files(tmp_path, corpus({"test-clean": range(20), "dev-clean": range(20)}))
    with pytest.raises(errors.DataError, match=r"train-clean-100.*Expected: LibriSpeech/SUBSET"):
        testing.generated("librispeech", "train", tmp_path)


def test_sounds_and_transcripts_without_each_other_are_counted(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    noise = np.random.default_rng(0).normal(0, 0.1, 4_000)
    soundfile.write(tmp_path / "sound.flac", noise, 16_000)
    sound = (tmp_path / "sound.flac").read_bytes()
    files = corpus({"train-clean-100": [1], "dev-clean": [2], "test-clean": [3]}, sound=sound)
    place = "librispeech/LibriSpeech/train-clean-100/1/900"
    del files[f"{place}/1-900-0001.flac"]
    files |= {f"{place}/1-900-0002.flac": sound, f"{place}/1-900-0003.flac": sound}
    files[f"{place}/1-900.trans.txt"] += "1-900-0003 ...\n"
    testing.write_files(tmp_path, files)

    def made(**options):
        return generate.generate(
            "librispeech", tmp_path / "data", manual_dir=tmp_path, workers=1, **options
        )

    with pytest.raises(errors.BadExampleError, match="audio: A transcript has no recording: 1-900"):
        made()
    with pytest.raises(errors.BadExampleError, match="--max_bad_examples=2"):
        made(max_bad_examples=2)
    assert made(max_bad_examples=3)["problems"]["librispeech"]["splits"]["train"]["examples"] == 1
    found = manifest.Manifest.load(tmp_path / "data", "librispeech", "1.0.0")
    assert found.details["skipped"] == {
        "audio: A transcript has no recording": 1,
        "targets: A recording has no transcript": 1,
        "targets: A transcript has no words": 1,
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (b"\xe9", "A line is not UTF-8: .*1-900.trans.txt, line 1. Received: byte 0xe9"),
        (b"\0", "A text holds a control character. Received: U.0000"),
    ],
)
def test_a_transcript_that_is_no_text_is_a_bad_example(tmp_path, wrong, said):
    files = corpus({"train-clean-100": [1], "dev-clean": [2], "test-clean": [3]})
    place = "librispeech/LibriSpeech/train-clean-100/1/900/1-900.trans.txt"
    files[place] = files[place].encode().replace(b"SAID", b"S" + wrong + b"D")
    testing.write_files(tmp_path, files)
    noise = np.random.default_rng(0).normal(0, 0.1, 4_000)
    soundfile = pytest.importorskip("soundfile")
    for path in tmp_path.rglob("*.flac"):
        soundfile.write(path, noise, 16_000)
    with pytest.raises(errors.BadExampleError, match=f"'train/1-900-0000'.*targets: {said}"):
        generate.generate("librispeech", tmp_path / "data", manual_dir=tmp_path, workers=1)


@pytest.mark.real_data
def test_the_real_recordings(real_data):
    root = real_data("librispeech")
    splits = {
        split: dict(testing.generated("librispeech", split, root))
        for split in ("train", "validation", "test")
    }
    assert {split: len(found) for split, found in splits.items()} == {
        "train": 198, "validation": 14, "test": 75,
    }  # fmt: skip
    assert splits["test"]["test/1188-133604-0030"]["targets"] == "he knows them both"
    voices = {split: {key.split("/")[1].split("-")[0] for key in splits[split]} for split in splits}
    assert not voices["train"] & (voices["validation"] | voices["test"])
    declared = registry.problems.get("librispeech").inputs["audio"]
    for found in splits.values():
        example = next(iter(found.values()))
        assert declared.encode(example["audio"])[:4] == b"RIFF"
