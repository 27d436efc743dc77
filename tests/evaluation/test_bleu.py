import math
import types

import pytest
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


CHINESE = ["我们昨天在公园里看见一只白色的小狗。", "他说明天下午会下大雨。"]
THAI = ["เมื่อวานเราเห็นลูกสุนัขสีขาว", "พรุ่งนี้บ่ายฝนจะตกหนัก"]
JAPANESE = ["昨日公園で白い子犬を見ました。", "明日の午後は大雨になるそうです。"]


@pytest.mark.parametrize(
    ("texts", "tokenizer"), [(CHINESE, "zh"), (THAI, "char"), (JAPANESE, "char")]
)
def test_scripts_without_spaces_are_measured_with_a_tokenizer_that_parts_them(texts, tokenizer):
    outputs = [text[:4] + "x" + text[5:] for text in texts]  # one letter off in each
    metric = bleu.Bleu()
    metric.update(base.Decodes(outputs, [(text,) for text in texts]))
    expected = sacrebleu.corpus_bleu(outputs, [texts], tokenize=tokenizer).score
    assert metric.result() == {"bleu": expected}
    assert expected > 50
    assert f"tok:{tokenizer}|" in metric.notes()["bleu"]
    assert metric.notes()["bleu_tokenizer"].startswith(tokenizer)


def test_a_problem_names_its_tokenizer():
    metric = bleu.Bleu(types.SimpleNamespace(metric_tokenizer="char"))
    metric.update(base.Decodes(CHINESE[:1], [(CHINESE[0],)]))
    metric.result()
    assert "tok:char" in metric.notes()["bleu"]
    assert "bleu_tokenizer" not in metric.notes()


def test_a_tokenizer_that_does_not_part_the_text_is_warned_of():
    metric = bleu.Bleu(types.SimpleNamespace(metric_tokenizer="13a"))
    metric.update(base.Decodes(CHINESE, [(text,) for text in CHINESE]))
    metric.result()
    assert "warning: about 100% of the words" in metric.notes()["bleu_tokenizer"]
