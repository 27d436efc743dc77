"""The configuration: frozen dataclasses set by gin files, and checked before work begins."""

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
