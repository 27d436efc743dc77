import numpy as np

from t2t_mm.process import memory

MIB = 2**20


def test_what_is_held_is_seen_and_given_back():
    before = memory.resident_bytes()
    held = np.ones(64 * MIB, np.uint8)
    during = memory.resident_bytes()
    assert during - before > 60 * MIB
    assert memory.peak_bytes() >= before + 60 * MIB
    del held
    assert memory.resident_bytes() < during - 60 * MIB


def test_without_the_systems_word_it_is_the_peak(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_STATM", tmp_path / "none")
    assert memory.resident_bytes() == memory.peak_bytes()
