import math

import sacrebleu

from t2t_mm.evaluation import base, bleu

OUTPUTS = ["Ein Hund läuft im Park.", "Zwei Kinder spielen, wie immer.", "Ein Mann"]
WANTED = ["Ein Hund läuft durch den Park.", "Zwei kinder spielen wie immer.", "Eine Frau"]
REFERENCES = [(text,) for text in WANTED]


def test_equals_sacrebleu_whatever_the_batches():
    metric = bleu.Bleu()
    metric.update(base.Decodes(OUTPUTS[:1], REFERENCES[:1]))
    metric.update(base.Decodes(OUTPUTS[1:], REFERENCES[1:]))
    expected = sacrebleu.corpus_bleu(OUTPUTS, [WANTED])
    assert metric.result() == {"bleu": expected.score}
    assert 0 < expected.score < 100


def test_the_signature_says_cased_and_which_tokeniser():
    metric = bleu.Bleu()
    metric.update(base.Decodes(OUTPUTS, REFERENCES))
    metric.result()
    signature = metric.notes()["bleu"]
    for part in ("case:mixed", "tok:13a", "smooth:exp", f"version:{sacrebleu.__version__}"):
        assert part in signature


def test_case_counts():
    metric = bleu.Bleu()
    metric.update(base.Decodes(["ein hund läuft im park ."], [("Ein Hund läuft im Park .",)]))
    assert metric.result()["bleu"] < 50


def test_several_references_equal_sacrebleu_though_their_number_differs():
    others = ["Im Park läuft ein Hund.", None, "Ein Mann"]
    several = [tuple(filter(None, pair)) for pair in zip(WANTED, others, strict=True)]
    metric = bleu.Bleu()
    metric.update(base.Decodes(OUTPUTS, several))
    expected = sacrebleu.corpus_bleu(OUTPUTS, [WANTED, others])
    assert metric.result() == {"bleu": expected.score}
    assert "nrefs:var" in metric.notes()["bleu"]
    assert expected.score > sacrebleu.corpus_bleu(OUTPUTS, [WANTED]).score


def test_nothing_to_measure_is_nan():
    metric = bleu.Bleu()
    assert math.isnan(metric.result()["bleu"])
    assert metric.notes() == {}
