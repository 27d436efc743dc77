"""Word segmentation for metrics, also for scripts without spaces between words.

Chinese, Japanese, Thai, Lao, Khmer, Burmese and Tibetan put no spaces between words; a whole
sentence would count as one word. A problem may name a tokenizer of sacreBLEU for its targets
(`Problem.metric_tokenizer`, such as "zh" or "ja-mecab"). If it names none, `chosen` picks one
by the references.

sacreBLEU is imported only when one is made.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from t2t_mm import errors
from t2t_mm.process import extras

Segmenter = Callable[[str], str]
"""A function that puts spaces between the words of a text."""

DEFAULT = "13a"

_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3100-\u312f\u31a0-\u31bf"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_KANA = (
    "\u3031-\u3035\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\uff66-\uff9f\U0001b000-\U0001b16f"
)
_OF_THE_SOUTH = (  # Thai, Lao, Tibetan, Burmese, Khmer, Tai scripts
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u0f00\u0f40-\u0fbc\u1000-\u103f"
    "\u1050-\u108f\u109a-\u109f\u1780-\u17d3\u17d7\u17dc-\u17dd\u1950-\u19cf\u1a20-\u1a7c"
    "\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaac2\uaadb-\uaadd"
)
_UNSPACED = re.compile(f"[{_HAN}{_KANA}{_OF_THE_SOUTH}]")
_IS_HAN, _IS_KANA = re.compile(f"[{_HAN}]"), re.compile(f"[{_KANA}]")
_GAP = re.compile(rf"(?<=[{_HAN}{_KANA}{_OF_THE_SOUTH}])\s+(?=[{_HAN}{_KANA}{_OF_THE_SOUTH}])")
WORD = re.compile(rf"[{_HAN}{_KANA}{_OF_THE_SOUTH}]|[^\s{_HAN}{_KANA}{_OF_THE_SOUTH}]+")
"""What corruptions take for a word: a sign of a script without spaces, or what spaces part."""
_SPACED_WORD = re.compile(rf"[^\W\d_{_HAN}{_KANA}{_OF_THE_SOUTH}]+")

_LETTERS_A_WORD = 2
"""Estimated letters of a word in scripts without spaces, to compare them with other words."""

_ALL = (_HAN + _KANA + _OF_THE_SOUTH,)
_PARTED = {
    "none": (), "13a": (), "intl": (), "ko-mecab": (),
    "zh": (_HAN,), "ja-mecab": (_HAN + _KANA,),
    "char": _ALL, "spm": _ALL, "flores101": _ALL, "flores200": _ALL, "spBLEU-1K": _ALL,
}  # fmt: skip
"""By tokenizer of sacreBLEU: the letters of scripts without spaces that it separates."""

_EXTRAS = {"ja-mecab": "ja", "ko-mecab": "ko"}

TOKENIZERS = tuple(_PARTED)
"""Their names, as sacreBLEU has them."""


class Scripts(NamedTuple):
    """Counts of a text's words and letters by kind of script.

    Attributes:
      spaced: words of scripts with spaces.
      han: Chinese characters.
      kana: letters of Japanese.
      others: letters of other scripts without spaces.
    """

    spaced: int
    han: int
    kana: int
    others: int

    @property
    def unspaced(self) -> int:
        """Letters of scripts without spaces."""
        return self.han + self.kana + self.others

    @property
    def share(self) -> float:
        """The estimated fraction of words in scripts without spaces."""
        words = self.unspaced / _LETTERS_A_WORD
        return words / (words + self.spaced) if words else 0.0


def scripts(texts: Iterable[str]) -> Scripts:
    """Counts the scripts of texts."""
    spaced = han = kana = others = 0
    for text in texts:
        spaced += len(_SPACED_WORD.findall(text))
        if not text.isascii():
            unspaced = len(_UNSPACED.findall(text))
            own = len(_IS_HAN.findall(text))
            japanese = len(_IS_KANA.findall(text))
            han, kana, others = han + own, kana + japanese, others + unspaced - own - japanese
    return Scripts(spaced, han, kana, others)


def declared(task: Any) -> str:
    """Returns the tokenizer that a task's problem names; empty if it names none."""
    return getattr(task, "metric_tokenizer", "") if task is not None else ""


def chosen(found: Scripts) -> str:
    """Returns the tokenizer of sacreBLEU for a problem that names none.

    That is `13a`, sacreBLEU's default, unless most words are in scripts without spaces. Then
    it is `zh` for Chinese, and for all others `char`, which takes each character for a word:
    unlike `ja-mecab` it needs no dictionary.
    """
    if found.share <= 0.5:
        return DEFAULT
    return "zh" if found.han > 0.95 * found.unspaced else "char"


def note(name: str, found: Scripts, *, is_declared: bool) -> str:
    """Returns a warning about a tokenizer that does not suit the texts; usually empty.

    Args:
      name: of the tokenizer.
      found: in the references.
      is_declared: by the problem, not chosen.
    """
    parted = 0
    if _PARTED[name]:
        parted = found.han
        parted += found.kana if name != "zh" else 0
        parted += found.others if _PARTED[name] == _ALL else 0
    left = found.unspaced - parted
    if left > parted and found.share > 0.1:
        share = found._replace(han=left, kana=0, others=0).share
        return (
            f"warning: about {share:.0%} of the words are in scripts without spaces, which {name} "
            f"does not part: they count as wrong as soon as one letter is. metric_tokenizer of "
            f"the problem names one that does, such as {_advice(found)}"
        )
    if not is_declared and name != DEFAULT:
        said = f"{name}, for most of the text is in scripts without spaces"
        if name == "char":
            said += f"; {_advice(found)} by metric_tokenizer of the problem"
        return said
    if is_declared and name == "ja-mecab" and found.unspaced and not found.kana:
        return "warning: ja-mecab parts Japanese, and there is no kana in the references"
    return ""


def bleu(name: str) -> Any:
    """Makes sacreBLEU's metric with a tokenizer.

    Raises:
      ConfigError: for what the tokenizer needs and cannot find: a dictionary, a model.
    """
    import sacrebleu

    if name not in TOKENIZERS:
        raise errors.ConfigError(
            f"sacreBLEU has no tokenizer {name!r}",
            expected=f"one of {', '.join(TOKENIZERS)}",
            hint=errors.did_you_mean(name, TOKENIZERS),
        )
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return sacrebleu.BLEU(tokenize=name)
    except (Exception, SystemExit) as error:  # each tokenizer raises errors of its own
        if name in _EXTRAS:
            what = "needs a dictionary that is not installed"
            hint = extras.install(_EXTRAS[name])
        else:
            what = "needs a model that could not be read or downloaded"
            hint = "Put it where sacreBLEU looks (~/.sacrebleu/models, or the folder that SACREBLEU"
            hint += " names); zh and char need none"
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise errors.ConfigError(
            f"The tokenizer {name!r} of sacreBLEU {what}", received=said[0], hint=hint
        ) from error


def spacing(task: Any) -> Segmenter:
    """Returns the word segmentation for metrics that split a text at spaces.

    Text of scripts with spaces stays as it is. In other scripts, words are those of the
    dictionary if the problem names `ja-mecab`. With any other tokenizer, or none named, each
    letter with its marks is a word. With `13a`, `intl` or `none` nothing is separated.

    Raises:
      ConfigError: where a dictionary is not installed.
    """
    name = declared(task)
    if name in _EXTRAS:
        return functools.partial(_by_dictionary, bleu(name).tokenizer)
    if name and not _PARTED[name]:
        return str
    return part_letters


def rule(task: Any) -> str:
    """Describes, for notes, what `spacing` does with scripts without spaces."""
    name = declared(task)
    return f"words as {name} parts them" if name in _EXTRAS else "letters without spaces as words"


def part_letters(text: str) -> str:
    """Puts spaces around every letter, with its marks, of scripts without spaces."""
    if text.isascii() or not _UNSPACED.search(text):
        return text
    parts: list[str] = []
    for sign in text:
        if unicodedata.category(sign)[0] == "M" and parts:
            parts[-1] = parts[-1].rstrip() + sign + (" " if parts[-1].endswith(" ") else "")
        elif _UNSPACED.match(sign):
            parts.append(f" {sign} ")
        else:
            parts.append(sign)
    return "".join(parts)


def close_gaps(text: str) -> str:
    """Removes the spaces between letters of scripts without spaces."""
    return text if text.isascii() else _GAP.sub("", text)


def _by_dictionary(part: Segmenter, text: str) -> str:
    return text if text.isascii() else part(text)


def _advice(found: Scripts) -> str:
    if found.kana:
        return "'ja-mecab' or 'char'"
    return "'zh'" if found.han > found.others else "'flores200' or 'char'"
