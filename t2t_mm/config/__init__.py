"""The configuration: frozen dataclasses whose fields gin files set, checked before work begins."""

from t2t_mm.config.configuration import (
    build,
    classes,
    import_configurables,
    load,
    only,
    operative,
    register,
    reset,
    unused,
)

__all__ = [
    "build",
    "classes",
    "import_configurables",
    "load",
    "only",
    "operative",
    "register",
    "reset",
    "unused",
]
