"""The configuration: frozen dataclasses set by gin files, and checked before work begins."""

from typing import TYPE_CHECKING, Any

from t2t_mm.config.configurables import classes, register

if TYPE_CHECKING:
    from t2t_mm.config.configuration import (
        build,
        load,
        load_below,
        only,
        operative,
        read_run,
        reset,
        unused,
        values,
    )

__all__ = [
    "build",
    "classes",
    "load",
    "load_below",
    "only",
    "operative",
    "read_run",
    "register",
    "reset",
    "unused",
    "values",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from t2t_mm.config import configuration  # with gin, which lists and help go without

    return getattr(configuration, name)
