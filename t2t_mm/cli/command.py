"""What all commands have in common: flags, help, errors, exit codes, JSON.

A command is a `Command` with its flags and one function that does the work:

    _COMMAND = cli.Command("mm-count", "Counts.", example="mm-count --to=3")
    _TO = _COMMAND.integer("to", 10, "where to stop")

    def main(argv=None):
        return _COMMAND.run(_count, argv)

    def _count():
        if not _COMMAND.json:
            print(_TO.value)
        return {"last": _TO.value}

The flags are absl's, in a set of the command's own, so that commands can be
imported side by side and the help shows nothing else. Exit codes: 0 done, 2 the
request cannot be carried out, 1 a fault of ours, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import pathlib
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from absl import flags

from t2t_mm import errors, plugins, registry, version
from t2t_mm.cli import help_text, old_flags, refusals
from t2t_mm.files import paths
from t2t_mm.process import command_output, quiet_import, signals

_FLAG = re.compile(r"--?(?P<name>[a-z]\w*)(?:=(?P<value>.*))?", re.DOTALL)
_BAD_VALUE = re.compile(r"flag --(?P<name>\w+)=(?P<value>.*?): ", re.DOTALL)
_HELP = ("--help", "-help", "-h", "--helpshort", "--helpfull", "-?")


def info(text: str) -> None:
    """Prints a line for people, on standard error."""
    print(text, file=sys.stderr, flush=True)


def console(*, stderr: bool = False) -> Any:
    """Returns a rich console; plain and wide where the stream is no terminal."""
    import rich.console

    class Console(rich.console.Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError(errno.EPIPE, "the reader is gone")

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 160, highlight=False)


class Command:
    """One command: a name, flags and a way to run.

    The methods that define a flag return absl's holder; its `.value` is the value.

    Args:
      name: as it is typed.
      description: what it does, in a sentence or a short paragraph.
      example: a line that works when pasted.
    """

    def __init__(self, name: str, description: str, *, example: str) -> None:
        self.name = name
        self.description = description
        self.example = example
        self.flags = flags.FlagValues()
        self.flags.set_gnu_getopt(True)
        self.shown: list[help_text.Shown] = []
        self._required: list[str] = []
        self._patterns: Any = None
        self._stdout: TextIO | None = None
        self._common = [
            self.multi(
                "usr_dir",
                "folder of your own problems; repeatable, or a comma list",
                shown="$T2T_MM_USR_DIR",
            ),
            self.boolean("json", False, "print the answer as one JSON document"),
            self.boolean("debug", False, "show the traceback of an error too"),
        ]

    def string(
        self, name: str, default: str | None, text: str, *, required: bool = False, shown: str = ""
    ) -> Any:
        """Defines a flag with any text as its value.

        Args:
          name: without the two dashes.
          default: the value where it is left out.
          text: what it is for.
          required: whether it must be given.
          shown: what the help says of the default, where that is not the value itself.
        """
        self._show(name, "TEXT", shown or default, text, required=required)
        return flags.DEFINE_string(name, default, text, flag_values=self.flags)

    def path(
        self, name: str, default: str | None, text: str, *, required: bool = False, shown: str = ""
    ) -> Any:
        """Defines a flag whose value is a `pathlib.Path`, with `~` expanded; see `string`."""
        self._show(name, "PATH", shown or default, text, required=required)
        serializer = flags.ArgumentSerializer()
        return flags.DEFINE(_PathParser(), name, default, text, self.flags, serializer)

    def integer(
        self, name: str, default: int | None, text: str, *, least: int | None = 0, shown: str = ""
    ) -> Any:
        """Defines a flag whose value is a whole number, of `least` or more; see `string`."""
        self._show(name, "N", shown or default, text)
        return flags.DEFINE_integer(name, default, text, lower_bound=least, flag_values=self.flags)

    def number(
        self,
        name: str,
        default: float | None,
        text: str,
        *,
        least: float | None = None,
        shown: str = "",
    ) -> Any:
        """Defines a flag whose value is a number, of `least` or more; see `string`."""
        self._show(name, "X", shown or default, text)
        return flags.DEFINE_float(name, default, text, lower_bound=least, flag_values=self.flags)

    def boolean(self, name: str, default: bool, text: str) -> Any:
        """Defines a flag that is on (`--name`) or off (`--noname`)."""
        self._show(name, "", "on" if default else "off", text)
        return flags.DEFINE_boolean(name, default, text, flag_values=self.flags)

    def choice(
        self, name: str, default: str | None, values: Sequence[str], text: str, *, shown: str = ""
    ) -> Any:
        """Defines a flag whose value is one of `values`; see `string`."""
        self._show(name, "|".join(values), shown or default, text)
        return flags.DEFINE_enum(name, default, list(values), text, flag_values=self.flags)

    def multi(self, name: str, text: str, *, shown: str = "none") -> Any:
        """Defines a flag that may be given several times; its value is a list; see `string`."""
        self._show(name, "TEXT", shown, text)
        return flags.DEFINE_multi_string(name, [], text, flag_values=self.flags)

    def problems(self, *, required: bool = True, shown: str = "") -> None:
        """Defines `--problems`, and `--problem` as another name of it; see `string`."""
        text = "names of problems; a comma list, with globs such as 'multi30k_*'"
        self._show("problems", "NAMES", shown or None, text, required=required, also="problem")
        self._patterns = flags.DEFINE_multi_string("problems", [], text, flag_values=self.flags)
        flags.DEFINE_alias("problem", "problems", flag_values=self.flags)

    def gin(self) -> tuple[Any, Any]:
        """Defines the repeatable `--gin_file` and `--gin_param`; returns both holders."""
        files = self.multi("gin_file", "a .gin file, by path or by its name under gin/; repeatable")
        params = self.multi("gin_param", "a binding such as 'Batching.max_length=64'; repeatable")
        return files, params

    @property
    def json(self) -> bool:
        """Whether the answer is wanted as JSON."""
        return bool(self.flags["json"].value)

    def problem_names(self) -> list[str]:
        """Returns the names that `--problems` stands for, globs expanded.

        Raises:
          ConfigError: for no name, an unknown one, or a pattern that matches nothing.
        """
        patterns = self.problem_patterns()
        if not patterns:
            raise errors.ConfigError(
                "--problems names no problem", hint=f"For example: {self.example}"
            )
        return registry.problems.match(patterns)

    def problem_patterns(self) -> list[str]:
        """Returns what `--problems` holds, for names that need not be registered here."""
        patterns = [part.strip() for text in self._patterns.value for part in text.split(",")]
        return [pattern for pattern in patterns if pattern]

    def say(self, line: str) -> None:
        """Prints a line for people, on standard error, under the command's name."""
        info(f"{self.name}: {line}")

    def emit(self, value: Mapping[str, Any]) -> None:
        """Prints one JSON document, on a line of its own, on standard output."""
        stream = self._stdout or sys.stdout
        stream.write(f"{command_output.to_json(value)}\n")
        stream.flush()

    def run(
        self,
        work: Callable[[], Mapping[str, Any] | None],
        argv: Sequence[str] | None = None,
    ) -> int:
        """Parses the flags, loads the plugins, works and prints the answer.

        Args:
          work: does it; what it returns is printed when `--json` is given.
          argv: arguments without the command's name; those of the process if None.

        Returns:
          The exit code.
        """
        argv = list(sys.argv[1:] if argv is None else argv)
        command_output.open_streams()
        options = argv[: argv.index("--")] if "--" in argv else argv
        try:
            if any(option in _HELP for option in options):
                print(help_text.text(self))
                return 0
            if "--version" in options:
                print(f"{self.name} {version.__version__}")
                return 0
            self._parse(argv)
            with signals.as_interrupts():
                self._work(work)
            return 0
        except errors.UserError as error:
            return self._fail(error, options)
        except KeyboardInterrupt as interrupt:
            info(f"{self.name}: {interrupt or 'interrupted'}")
            return 130
        except Exception as error:
            if isinstance(error, BrokenPipeError) and command_output.reader_is_gone():
                command_output.silence()
                return 0
            refused = refusals.told(error)
            if refused is not None:
                return self._fail(refused, options)
            # The last line of defence: a fault ends with its traceback and exit code 1.
            return self._fault()

    def _work(self, work: Callable[[], Mapping[str, Any] | None]) -> None:
        if not self.flags["debug"].value:
            quiet_import.install()
        try:
            with contextlib.ExitStack() as stack:
                if self.json:  # whatever else prints must not spoil the document
                    self._stdout = stack.enter_context(command_output.answers_only())
                with contextlib.redirect_stdout(sys.stderr):
                    self._load_plugins()
                answer = work()
                if self.json and answer is not None:
                    self.emit(answer)
            sys.stdout.flush()
        finally:
            self._stdout = None

    def _parse(self, argv: Sequence[str]) -> None:
        for name in self.flags:
            self.flags[name].unparse()
        try:
            rest = self.flags([self.name, *argv])[1:]
        except flags.UnrecognizedFlagError as error:
            old = old_flags.error(argv, self.flags)
            if old is not None:
                raise old from error
            names = [f"--{name}" for name in self.flags]
            near = errors.did_you_mean(f"--{error.flagname}", names)
            raise errors.ConfigError(
                f"Unknown flag --{error.flagname}", hint=near or f"See {self.name} --help"
            ) from error
        except flags.IllegalFlagValueError as error:
            raise self._bad_value(error) from error
        except flags.Error as error:
            raise errors.ConfigError(
                f"Bad flag: {error}", hint=f"See {self.name} --help"
            ) from error
        finally:
            if not self.flags.is_parsed():
                self.flags.mark_as_parsed()
        self._check_repeats(argv)
        if rest:
            raise errors.ConfigError(
                f"{self.name} takes flags only",
                received=repr(rest[0]),
                expected="--FLAG=VALUE",
            )
        for name in self._required:
            if self.flags[name].value in (None, "", []):
                raise errors.ConfigError(
                    f"The flag --{name} is missing", hint=f"For example: {self.example}"
                )
        if not flags.FLAGS.is_parsed():
            flags.FLAGS([self.name])  # libraries read absl's own set

    def _check_repeats(self, argv: Sequence[str]) -> None:
        """Raises for a flag that is given twice and holds one value: which is meant?"""
        given: dict[str, str] = {}
        for position, argument in enumerate(argv):
            if argument == "--":
                break
            found = _FLAG.fullmatch(argument)
            name = found["name"] if found else ""
            name = name if name in self.flags else name.removeprefix("no")
            if found is None or name not in self.flags or name == "problem":
                continue
            flag = self.flags[name]
            if isinstance(flag, flags.MultiFlag):
                continue
            value = found["value"]
            if value is None and not flag.boolean:
                value = "".join(argv[position + 1 : position + 2])
            shown = argument.partition("=")[0] + ("" if value is None else f"={value}")
            if flag.name in given:
                raise errors.ConfigError(
                    f"The flag --{flag.name} is given twice",
                    received=f"{given[flag.name]} and {shown}",
                    expected="one of them",
                )
            given[flag.name] = shown

    def _bad_value(self, error: Exception) -> errors.ConfigError:
        match = _BAD_VALUE.match(str(error))
        if match is None or match["name"] not in self.flags:
            return errors.ConfigError(f"Bad flag: {error}", hint=f"See {self.name} --help")
        parser = self.flags[match["name"]].parser
        values = getattr(parser, "enum_values", None)
        return errors.ConfigError(
            f"Bad value of --{match['name']}",
            received=match["value"] or "nothing",
            expected=f"one of {', '.join(values)}"
            if values
            else parser.syntactic_help or "true or false",
            hint=errors.did_you_mean(match["value"], values) if values else None,
        )

    def _load_plugins(self) -> None:
        for report in plugins.load_all(self.flags["usr_dir"].value):
            if report.status == "failed" and self.name != "mm-list":
                info(f"{self.name}: warning: plugin {report.name} did not load: {report.error}")

    def _fail(self, error: errors.UserError, options: Sequence[str]) -> int:
        # Where the flags could not be parsed, --debug may stand behind what is wrong.
        if self.flags["debug"].value or "--debug" in options:
            traceback.print_exc()
        info(f"{self.name}: {error}")
        return 2

    def _fault(self) -> int:
        traceback.print_exc()
        info(f"{self.name}: the above is a fault of t2t-mm, not of the request; please report it")
        return 1

    def _show(
        self,
        name: str,
        value: str,
        default: object,
        text: str,
        *,
        required: bool = False,
        also: str = "",
    ) -> None:
        self.shown.append(help_text.Shown(name, value, default, text, required, also))
        if required:
            self._required.append(name)


class _PathParser(flags.ArgumentParser):
    syntactic_help = "a path"

    def parse(self, argument: str) -> pathlib.Path:
        if not str(argument).strip():
            raise ValueError("an empty path")
        return paths.expanded(argument)

    def flag_type(self) -> str:
        return "path"
