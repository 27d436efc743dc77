"""What machine this is, so that a table says where it is true."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import platform
import subprocess
import time
from typing import Any

PACKAGES = ("tensorflow", "keras", "numpy", "tensorflow-text", "sentencepiece")
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
_CPU_INFO = pathlib.Path("/proc/cpuinfo")
_MEMORY = pathlib.Path("/proc/meminfo")
_LOAD = pathlib.Path("/proc/loadavg")


def describe() -> dict[str, Any]:
    """Returns processor, cores, memory, versions, commit, time and load."""
    text = _read(_CPU_INFO)
    models = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    words = set(text.split())
    memory = [line for line in _read(_MEMORY).splitlines() if line.startswith("MemTotal")]
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "instructions": [flag for flag in _FLAGS if flag in words],
        "cores": os.cpu_count(),
        "memory_GB": round(int(memory[0].split()[1]) / 1e6, 1) if memory else None,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": _commit(),
        "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        "load": float(_read(_LOAD).split()[0]) if _read(_LOAD) else None,
    }


def computes_bfloat16() -> bool:
    """Returns whether the processor has instructions for products in bfloat16."""
    return bool({"avx512_bf16", "amx_bf16"} & set(_read(_CPU_INFO).split()))


def precisions(asked: str) -> list[str]:
    """Returns the arithmetics to measure; "auto" takes those that the processor computes."""
    if asked == "auto":
        return ["float32", "bfloat16"] if computes_bfloat16() else ["float32"]
    return asked.split(",")


def in_words(found: dict[str, Any]) -> str:
    """Returns the description as one paragraph."""
    packages = ", ".join(f"{n} {v}" for n, v in found["packages"].items() if v)
    return (
        f"{found['processor']}, {found['cores']} cores ({', '.join(found['instructions'])}), "
        f"{found['memory_GB']} GB; Python {found['python']}, {packages}; commit {found['commit']}, "
        f"{found['time']}, load at the beginning {found['load']}"
    )


def _read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    command = ["git", "describe", "--always", "--dirty"]
    here = pathlib.Path(__file__).resolve().parent
    try:
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None
