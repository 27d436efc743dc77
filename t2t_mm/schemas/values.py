"""Values that several of the files hold: names, hashes, counts."""

from __future__ import annotations

import re
from typing import Annotated, Any, cast

import pydantic
import pydantic_core

from t2t_mm import registry

WHOLE = pydantic.ConfigDict(strict=True, extra="allow")


def like(pattern: re.Pattern[str], words: str) -> pydantic.AfterValidator:
    """Returns a validator of texts that match `pattern`; `words` describe it."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise pydantic_core.PydanticCustomError("unlike", cast("Any", words))
        return value

    return pydantic.AfterValidator(check)


Name = Annotated[str, like(registry.NAME, registry.NAME_WORDS)]
PlainName = Annotated[str, like(registry.PLAIN_NAME, registry.PLAIN_NAME_WORDS)]
Text = Annotated[str, like(re.compile(r"[^\0]+"), "a text")]
Sha256 = Annotated[str, like(re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits")]
TensorFile = Annotated[
    str,
    like(
        re.compile(r"ckpt-\d+-\d+(\.index|\.data-\d{5}-of-\d{5})?"),
        "a checkpoint's name, as in ckpt-500-0.index",
    ),
]
Count = Annotated[int, pydantic.Field(ge=0, lt=2**63)]
Seed = Annotated[int, pydantic.Field(ge=-(2**31), lt=2**31)]
NumberText = Annotated[
    str, like(re.compile(r"nan|-?inf|-?\d+(\.\d+)?(e[+-]?\d+)?"), "a number, as text")
]
Number = Annotated[float, pydantic.Field(allow_inf_nan=False)]
