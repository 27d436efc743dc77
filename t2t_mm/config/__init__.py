"""The configuration: frozen dataclasses set by gin files, and checked before work begins."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from t2t_mm.config.configuration import (
        build,
        classes,
        import_configurables,
        load,
        load_below,
        only,
        operative,
        read_run,
        register,
        reset,
        unused,
    )

__all__ = [
    "build",
    "classes",
    "import_configurables",
    "load",
    "load_below",
    "only",
    "operative",
    "read_run",
    "register",
    "reset",
    "unused",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from t2t_mm.config import configuration  # with gin, which lists and help do not need

    return getattr(configuration, name)
