import io

import pytest

from t2t_mm.problems.sample_world import corpora_speech, english, scene

soundfile = pytest.importorskip("soundfile")

WRITERS = {
    "wsj": corpora_speech.write_wsj,
    "librispeech": corpora_speech.write_librispeech,
    "fsdd": corpora_speech.write_fsdd,
}


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(corpora_speech, "_HELD_OUT", 5)


def made(name, folder, seed=0, size=30):
    WRITERS[name](folder, seed=seed, size=size)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def opened(data):
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        return file.format, file.subtype, file.samplerate, file.frames / file.samplerate


def test_wsj_has_its_layout(tmp_path):
    found = made("wsj", tmp_path)
    sounds = {name: data for name, data in found.items() if name.endswith(".wv1")}
    assert len(sounds) == 40
    assert sorted(set(found) - set(sounds))[:3] == [
        "wsj0/doc/indices/test/nvp/si_dt_05.ndx",
        "wsj0/doc/indices/test/nvp/si_et_05.ndx",
        "wsj0/doc/indices/train/tr_s_wv1.ndx",
    ]
    assert sounds["wsj0/si_tr_s/000/000c0201.wv1"].startswith(b"NIST_1A")
    for data in sounds.values():
        *kind, seconds = opened(data)
        assert kind == ["NIST", "PCM_16", 8_000]
        assert 0.8 < seconds < 5
    lines = found["wsj0/transcrp/dots/si_tr_s/000/000c0200.dot"].decode().splitlines()
    assert [line[-10:] for line in lines] == ["(000c0201)", "(000c0202)"]
    index = found["wsj0/doc/indices/train/tr_s_wv1.ndx"].decode().splitlines()
    assert index[1] == "11_1_1:wsj0/si_tr_s/000/000c0201.wv1"
    assert len(index) == 31


def test_librispeech_has_its_layout(tmp_path):
    found = made("librispeech", tmp_path)
    sounds = {name: data for name, data in found.items() if name.endswith(".flac")}
    assert len(sounds) == 40
    *kind, _ = opened(sounds["LibriSpeech/train-clean-100/100/1000/100-1000-0000.flac"])
    assert kind == ["FLAC", "PCM_16", 8_000]
    lines = found["LibriSpeech/test-clean/300/1000/300-1000.trans.txt"].decode().splitlines()
    assert lines[0].split()[0] == "300-1000-0000"
    assert lines[0][14:].isupper()
    assert not set(lines[0]) & set(".,?")


def test_fsdd_has_its_layout(tmp_path):
    found = made("fsdd", tmp_path, size=70)
    parts = [name.removeprefix("recordings/").removesuffix(".wav").split("_") for name in found]
    assert len(parts) == 70 + 5 + 5
    assert sorted({int(index) for _, _, index in parts}) == [0, 5, 10, 11]
    assert {digit for digit, _, _ in parts} == set("0123456789")
    assert len({speaker for _, speaker, _ in parts}) == 6
    *kind, seconds = opened(found["recordings/7_anna_10.wav"])
    assert kind == ["WAV", "PCM_16", 8_000]
    assert 0.3 < seconds < 1


@pytest.mark.parametrize("name", WRITERS)
def test_twins_are_equal_and_another_seed_differs(tmp_path, name):
    first, twin, other = (
        made(name, tmp_path / folder, seed, size=12)
        for folder, seed in (("first", 3), ("twin", 3), ("other", 4))
    )
    assert first == twin
    assert first != other


def test_the_sentences_are_those_of_the_scenes(tmp_path):
    utterances = list(corpora_speech._utterances("train", seed=0, count=20))
    written = {english.write(scene.draw(0, "train", number)) for number in range(1_000)}
    assert {said.text for said in utterances} <= written
    assert all(len(said.text.split()) <= 8 for said in utterances)
    assert [said.speaker for said in utterances] == list(range(20))


def test_nobody_heard_in_training_is_heard_in_the_other_splits():
    voices = [
        corpora_speech._voice(0, split, number)
        for split, count in corpora_speech._SPEAKERS.items()
        for number in range(count)
    ]
    assert len(set(voices)) == 36
