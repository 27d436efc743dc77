"""Runs the steps of a Dockerfile where there is no daemon.

A stage has a folder for its root and a virtual environment for its Python. COPY copies, RUN runs
in the folder that WORKDIR names; making a user is only noted. Of what else there is, such as the
command of the image, the last of each kind is kept.
"""

import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

_STEP = re.compile(r"([A-Z]+)\s+(.*)")


@dataclasses.dataclass
class Stage:
    name: str
    steps: list[tuple[str, str]]

    def last(self, kind):
        """Returns what the last step of a kind says; lists as such."""
        said = [text for own, text in self.steps if own == kind]
        return json.loads(said[-1]) if said[-1].startswith("[") else said[-1]

    def sources(self):
        """Returns the paths that it copies from the build's context."""
        copies = [shlex.split(text) for kind, text in self.steps if kind == "COPY"]
        return [each for copy in copies if not copy[0].startswith("--") for each in copy[:-1]]


def parse(path):
    """Returns the stages of a Dockerfile by name."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    stages = {}
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        kind, text = _STEP.fullmatch(line.strip()).groups()
        if kind == "FROM":
            stage = stages[text.split()[-1]] = Stage(text.split()[-1], [])
        else:
            stage.steps.append((kind, text))
    return stages


def context(repository, folder):
    """Copies what .dockerignore lets through: names that begin with "!", of all that there is."""
    for line in (repository / ".dockerignore").read_text().splitlines():
        source = repository / line.removeprefix("!")
        if line.startswith("!") and source.exists():
            copy(source, folder / source.name)
    return folder


def copy(source, target):
    if source.is_dir():
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignore)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


class Image:
    """What the steps of a stage made.

    Attributes:
      root: stands for `/`.
      workdir: in which its command runs.
      environment: of its commands.
      users: what was said to `useradd`.
    """

    def __init__(self, stage, folder, build_context, images=()):
        self.root = folder / stage.name
        self.workdir = self.root
        self.root.mkdir(parents=True)
        tools = folder / f"{stage.name}-tools"
        python = folder / f"{stage.name}-python"
        subprocess.run([sys.executable, "-m", "venv", python], check=True)
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        self.environment = {
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            **kept,
            "PATH": f"{tools}:{python / 'bin'}:/usr/bin:/bin",
        }
        noted = tools / "users"
        tools.mkdir()
        noted.touch()
        (tools / "useradd").write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(noted))}\n')
        (tools / "useradd").chmod(0o755)
        self._context, self._images = build_context, {image.root.name: image for image in images}
        for kind, text in stage.steps:
            self._step(kind, text)
        self.users = noted.read_text()

    def path(self, name):
        return self.workdir / name if not name.startswith("/") else self.root / name[1:]

    def run(self, command, **options):
        """Starts a command, a list, in the image."""
        found = shutil.which(command[0], path=self.environment["PATH"])
        return subprocess.Popen(
            [found, *command[1:]],
            cwd=self.workdir,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def _step(self, kind, text):
        if kind == "WORKDIR":
            self.workdir = self.path(text)
            self.workdir.mkdir(parents=True, exist_ok=True)
        elif kind in ("ARG", "ENV"):
            self.environment |= dict(part.split("=", 1) for part in shlex.split(text))
        elif kind == "RUN":
            subprocess.run(
                ["/bin/sh", "-ec", text], cwd=self.workdir, env=self.environment, check=True
            )
        elif kind == "COPY":
            self._copy(shlex.split(text))

    def _copy(self, words):
        words = [re.sub(r"\$\{(\w+)\}", lambda n: self.environment[n[1]], word) for word in words]
        read = self._context.joinpath
        if words[0].startswith("--from="):
            image = self._images[words.pop(0).removeprefix("--from=")]
            read = image.path
        *sources, target = words
        for source in map(read, sources):
            into = self.path(target)
            copy(source, into if source.is_dir() else into / pathlib.Path(source).name)
