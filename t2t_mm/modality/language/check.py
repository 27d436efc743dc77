"""The check of texts in the graph: UTF-8, length, control characters, blank ones."""

from __future__ import annotations

import functools
import sys
from typing import ClassVar

import tensorflow as tf

from t2t_mm.modality import checks
from t2t_mm.modality.language import declaration as language

_SHOWN = 40
"""Characters of a text that an error shows."""


class LanguageCheck(checks.RawCheck):
    """Checks texts as `Language.encode` does, which keeps them unchanged."""

    may_be_blank: ClassVar[bool] = False

    def check(self, raw: tf.Tensor) -> checks.Checked:
        whole = tf.strings.unicode_transcode(raw, "UTF-8", "UTF-8", errors="replace")
        shown = tf.strings.substr(whole, 0, _SHOWN, unit="UTF8_CHAR")
        errors = [
            tf.where(
                whole == raw,
                checks.GOOD,
                "A text is not valid Unicode. Expected: UTF-8.",
            ),
            self._length(whole, shown),
            _control(whole, shown),
        ]
        if not self.may_be_blank:
            is_blank = tf.strings.regex_full_match(whole, _blank())
            errors.append(tf.where(is_blank, "A text is empty.", checks.GOOD))
        return checks.Checked(raw, checks.first(*errors))

    def _length(self, text: tf.Tensor, shown: tf.Tensor) -> tf.Tensor:
        count = tf.strings.length(text, unit="UTF8_CHAR")
        said = checks.sentence(
            "A text is too long. Received: ",
            tf.strings.as_string(count),
            " characters, from '",
            shown,
            f"' on. Expected: at most {language.MAX_CHARACTERS:,}. Are its line ends lost?",
        )
        return tf.where(count > language.MAX_CHARACTERS, said, checks.GOOD)


class PrefixCheck(LanguageCheck):
    """Checks prefixes of texts, which may be empty."""

    may_be_blank = True


def _control(text: tf.Tensor, shown: tf.Tensor) -> tf.Tensor:
    """Returns the error for the first control character of each text, which is valid UTF-8."""
    pattern = language.CONTROL_CHARACTERS.pattern
    before = tf.strings.regex_replace(text, f"(?s){pattern}.*", "", replace_global=False)
    sign = tf.strings.substr(text, tf.strings.length(before), tf.ones_like(_lengths(text)))
    code = tf.io.decode_raw(sign, tf.uint8, fixed_length=1)[:, 0]  # 0 too where there is none
    names = tf.constant([f"U+{number:04X}" for number in range(256)])
    place = tf.strings.length(before, unit="UTF8_CHAR") + 1
    hint = tf.where(code == 0, " Is it text in UTF-16, or no text?", "")
    said = checks.sentence(
        "A text holds a control character. Received: ",
        tf.gather(names, tf.cast(code, tf.int32)),
        " at character ",
        tf.strings.as_string(place),
        " of '",
        tf.strings.regex_replace(shown, pattern, "?"),
        "'.",
        hint,
    )
    return tf.where(before == text, checks.GOOD, said)


def _lengths(text: tf.Tensor) -> tf.Tensor:
    return tf.strings.length(text)


@functools.cache
def _blank() -> str:
    """Returns a pattern for `declaration.is_blank`: of every character that is not visible."""
    signs = [code for code in range(sys.maxunicode + 1) if language.is_blank(chr(code))]
    ranges: list[list[int]] = []
    for code in signs:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    inside = "".join(rf"\x{{{low:x}}}-\x{{{high:x}}}" for low, high in ranges)
    return f"[{inside}]*"
