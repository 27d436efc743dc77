import random

import numpy as np

from t2t_mm.problems.sample_world import speech, synthesis


def test_voices_differ():
    voices = [speech.Voice.draw(random.Random(seed)) for seed in range(40)]
    assert len({voice.pitch_hz for voice in voices}) == 40
    low = [voice for voice in voices if voice.pitch_hz < 150]
    assert 8 < len(low) < 32
    assert max(v.tract for v in low) < min(v.tract for v in voices if v not in low)


def test_a_recording_is_what_the_synthesiser_makes():
    voice = speech.Voice(pitch_hz=110, tract=1.0, speed=1.0, breath=0.02)
    samples, expected = (
        module.say("a star", voice, rate=8_000, dice=random.Random(3))
        for module in (speech, synthesis)
    )
    np.testing.assert_array_equal(samples, expected)
