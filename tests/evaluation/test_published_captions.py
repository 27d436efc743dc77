"""Caption metrics against figures of the published evaluation, pycocoevalcap 1.2.

The figures were printed by its PTBTokenizer, Bleu(4) and Cider() for the sentences below,
which are made up; on 206 photos of COCO the two agree likewise.
"""

import pytest

from t2t_mm.evaluation import base, caption_bleu, cider

WRITTEN = {
    "A small boat is tied to the pier.": [
        "A little boat tied up at a wooden pier.",
        "The boat's rope is tied to the pier",
        "A rowing boat, alone, at the end of a pier.",
    ],
    "Two children play chess in a park": [
        "Two kids are playing chess in the park.",
        "A boy and a girl play a game of chess outdoors!",
        "Children playing chess at a stone table in a park",
        "They don't look up from their chess game.",
    ],
    "A man's bicycle leaning against a red wall.": [
        "A bicycle leans against a wall that's painted red.",
        "Someone left a man's bike by the red wall.",
        "a bike, a wall and a bit of blue sky",
    ],
    "Bread and cheese on a plate": [
        "A plate of bread, cheese and two tomatoes.",
        "Half-eaten bread and some cheese on a white plate",
        'A menu says "bread & cheese" next to a plate.',
        "The bread isn't cut yet; the cheese is.",
        "lunch on a plate",
    ],
    "A clock tower at 10:30 in the evening": [
        "The clock on the tower says 10:30.",
        "A tall clock tower, lit up in the evening",
    ],
    "A train train train crosses the old bridge.": [
        "A train crosses an old stone bridge.",
        "An old train (steam) is on the bridge",
        "The train cannot stop on the bridge",
    ],
    "": ["A woman reads a letter by the window.", "Someone by a window"],
    "A cat sleeps on a warm roof": [
        "The cat is asleep on the roof.",
        "A cat sleeps on a warm roof",
        "A grey cat on a tin roof in the sun",
    ],
}
"""References by what a model might have written."""

BLEU_4 = 0.3921825656171698
CIDER = 1.8975289193226663
CIDERS = [
    2.530725617125685, 1.278460591453239, 1.6172679369777203, 2.1628691563210385,
    2.2948433407559055, 1.097226276508861, 0.0, 4.198838435438882,
]  # fmt: skip

DECODES = base.Decodes(list(WRITTEN), [tuple(own) for own in WRITTEN.values()])


def test_cider():
    metric = cider.Cider()
    metric.update(DECODES)
    assert metric.result()["cider"] == pytest.approx(CIDER, rel=1e-9)
    values = cider.scores(DECODES.outputs, DECODES.references)
    assert values == pytest.approx(CIDERS, rel=1e-9)


def test_bleu():
    metric = caption_bleu.CaptionBleu()
    metric.update(DECODES)
    assert metric.result()["caption_bleu"] == pytest.approx(100 * BLEU_4, rel=1e-9)
