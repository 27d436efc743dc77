"""What metrics take for words, in scripts with spaces and without."""

import sys
import types

import pytest
import sacrebleu
from sacrebleu.metrics import bleu as sacrebleu_bleu

from t2t_mm import errors
from t2t_mm.modality.language import words

GERMAN = "Wir sahen gestern im Park einen kleinen weißen Hund."
CHINESE = "我们昨天在公园里看见一只白色的小狗。"
JAPANESE = "昨日公園で白い子犬を見ました。"
KATAKANA = "コンピューターのニュースをチェックする。"
THAI = "เมื่อวานเราเห็นลูกสุนัขสีขาวในสวนสาธารณะ"
LAO = "ມື້ວານນີ້ພວກເຮົາເຫັນໝາ"
BURMESE = "မနေ့ကပန်းခြံထဲမှာခွေးဖြူလေးတွေ့ခဲ့တယ်"
KHMER = "ម្សិលមិញយើងបានឃើញកូនឆ្កែពណ៌ស"
KOREAN = "우리는 어제 공원에서 하얀 강아지를 보았다."
HINDI = "हमने कल पार्क में एक सफेद पिल्ला देखा।"
ARABIC = "رأينا أمس كلبا أبيض صغيرا في الحديقة."


def chosen(*texts):
    return words.chosen(words.scripts(texts))


@pytest.mark.parametrize(
    ("text", "tokenizer"),
    [
        (GERMAN, "13a"),
        (KOREAN, "13a"),
        (HINDI, "13a"),
        (ARABIC, "13a"),
        ("2017 - 42 !", "13a"),
        ("", "13a"),
        (CHINESE, "zh"),
        (JAPANESE, "char"),
        (KATAKANA, "char"),
        (THAI, "char"),
        (LAO, "char"),
        (BURMESE, "char"),
        (KHMER, "char"),
        ("我用 Python 写代码。", "zh"),  # 5 letters, some 2.5 words, and a word between spaces
        ("The word 狗 means dog in Chinese.", "13a"),
    ],
)
def test_the_text_decides_where_nothing_is_declared(text, tokenizer):
    assert chosen(text) == tokenizer


def test_a_few_names_in_another_script_change_nothing():
    assert chosen(*[GERMAN] * 9, CHINESE) == "13a"
    assert chosen(*[CHINESE] * 9, GERMAN) == "zh"


def test_the_names_are_those_of_sacrebleu():
    assert set(words.TOKENIZERS) == set(sacrebleu_bleu.BLEU.TOKENIZERS)


@pytest.mark.parametrize("name", ["zh", "char", "13a", "intl", "none"])
def test_a_tokenizer_parts_what_it_is_said_to_part(name):
    """The longest run without a space of each script, by sacreBLEU itself."""
    part = sacrebleu.BLEU(tokenize=name).tokenizer
    for text in (CHINESE, KATAKANA, THAI):
        is_parted = max(map(len, part(text).split())) <= 2
        assert is_parted != ("warning" in words.note(name, words.scripts([text]), is_declared=True))


def test_what_is_right_needs_no_note():
    german = words.scripts([GERMAN])
    assert words.note("13a", german, is_declared=False) == ""
    assert words.note("13a", german, is_declared=True) == ""
    assert words.note("zh", words.scripts([CHINESE]), is_declared=True) == ""
    assert words.note("ja-mecab", words.scripts([JAPANESE]), is_declared=True) == ""
    assert words.note("flores200", words.scripts([THAI]), is_declared=True) == ""


def test_what_was_chosen_or_is_wrong_is_said():
    assert words.note("zh", words.scripts([CHINESE]), is_declared=False).startswith("zh, for most")
    assert "'ja-mecab'" in words.note("char", words.scripts([JAPANESE]), is_declared=False)
    half = words.scripts([GERMAN] * 2 + [CHINESE])  # 18 words, and 17 letters, some 8 words
    assert "warning: about 32% of the words" in words.note("13a", half, is_declared=False)
    assert "no kana" in words.note("ja-mecab", words.scripts([CHINESE]), is_declared=True)


def test_letters_are_parted_with_their_marks():
    assert words.part_letters("我用 Python.").split() == ["我", "用", "Python."]
    assert words.part_letters("ที่นี่").split() == ["ที่", "นี่"]
    assert words.part_letters(GERMAN) is GERMAN
    assert words.part_letters(KOREAN) is KOREAN


def test_gaps_between_letters_that_need_none_are_closed():
    assert words.close_gaps("白 色 的 dog is 小  狗") == "白色的 dog is 小狗"
    assert words.close_gaps(GERMAN) == GERMAN


def test_a_declared_tokenizer_decides_how_words_are_spaced():
    def spacing(name):
        return words.spacing(types.SimpleNamespace(metric_tokenizer=name))

    assert words.spacing(None)("白狗").split() == ["白", "狗"]
    assert spacing("zh")("白狗").split() == ["白", "狗"]
    assert spacing("13a")("白狗").split() == ["白狗"]


def test_a_tokenizer_that_is_not_installed_says_what_to_install(monkeypatch):
    for module in ("MeCab", "ipadic", "sacrebleu.tokenizers.tokenizer_ja_mecab"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "MeCab", None)
    with pytest.raises(errors.ConfigError, match=r"pip install 't2t-mm\[ja\]'"):
        words.bleu("ja-mecab")


def test_a_model_that_cannot_be_downloaded_is_one_line(monkeypatch, tmp_path):
    from sacrebleu.tokenizers import tokenizer_spm

    def refuse(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(tokenizer_spm, "SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr(tokenizer_spm, "download_file", refuse)
    with pytest.raises(errors.ConfigError, match=r"flores200.*no route to host.*SACREBLEU"):
        words.bleu("flores200")


def test_an_unknown_tokenizer_gets_a_suggestion():
    with pytest.raises(errors.ConfigError, match="Did you mean 'zh'"):
        words.bleu("zh_")
