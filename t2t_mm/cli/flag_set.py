"""The flags of a command: defined, shown in its help, and parsed."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_mm import errors, registry
from t2t_mm.cli import help_text, old_flags
from t2t_mm.files import paths

_FLAG = re.compile(r"--?(?P<name>[a-z]\w*)(?:=(?P<value>.*))?", re.DOTALL)
_BAD_VALUE = re.compile(r"flag --(?P<name>\w+)=(?P<value>.*?): ", re.DOTALL)


class FlagSet:
    """The flags of one command, with those that the help shows in their order.

    The methods that define a flag return absl's holder; its `.value` is the value.

    Args:
      name: of the command, for errors.
      example: a line that works when pasted.
    """

    def __init__(self, name: str, *, example: str) -> None:
        self.name = name
        self.example = example
        self.flags = flags.FlagValues()
        self.flags.set_gnu_getopt(True)
        self.shown: list[help_text.Shown] = []
        self._required: list[str] = []
        self._patterns: Any = None

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

    def boolean(self, name: str, default: bool | None, text: str, *, shown: str = "") -> Any:
        """Defines a flag that is on (`--name`) or off (`--noname`); see `string`."""
        self._show(name, "", shown or ("on" if default else "off"), text)
        return flags.DEFINE_boolean(name, default, text, flag_values=self.flags)

    def optional_list(self, name: str, text: str, *, alone: str) -> Any:
        """Defines a flag that is given alone, or with a comma list; its value is a tuple.

        Without the flag that is empty; of the flag alone it holds `alone`. See `string`.
        """
        self._show(name, "NAMES", "off", text)
        flag = flags.Flag(
            parser=_NamesParser(alone),
            serializer=flags.ArgumentSerializer(),
            name=name,
            default=(),
            help_string=text,
            boolean=True,
        )
        return flags.DEFINE_flag(flag, self.flags)

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

    def parse(self, argv: Sequence[str]) -> None:
        """Parses the arguments; the values of all flags are new then.

        Raises:
          ConfigError: for a flag that is unknown, given twice or missing, or a bad value.
        """
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
        values: dict[str, str] = {}
        for position, argument in enumerate(argv):
            if argument == "--":
                break
            match = _FLAG.fullmatch(argument)
            name = match["name"] if match else ""
            name = name if name in self.flags else name.removeprefix("no")
            if match is None or name not in self.flags or name == "problem":
                continue
            flag = self.flags[name]
            if isinstance(flag, flags.MultiFlag):
                continue
            value = match["value"]
            if value is None and not flag.boolean:
                value = "".join(argv[position + 1 : position + 2])
            shown = argument.partition("=")[0] + ("" if value is None else f"={value}")
            if flag.name in values:
                raise errors.ConfigError(
                    f"The flag --{flag.name} is given twice",
                    received=f"{values[flag.name]} and {shown}",
                    expected="one of them",
                )
            values[flag.name] = shown

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


class _NamesParser(flags.ArgumentParser):
    """Names after a comma each; absl gives "true" for the flag alone, and "false" for --noFLAG."""

    syntactic_help = "names, with commas between them"

    def __init__(self, alone: str) -> None:
        self._alone = alone

    def parse(self, argument: str | tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(argument, tuple):
            return argument
        if argument in ("true", "false"):
            return (self._alone,) if argument == "true" else ()
        names = tuple(part.strip() for part in argument.split(",") if part.strip())
        if not names:
            raise ValueError("no names")
        return names

    def flag_type(self) -> str:
        return "list of names"


class _PathParser(flags.ArgumentParser):
    syntactic_help = "a path"

    def parse(self, argument: str) -> pathlib.Path:
        if not str(argument).strip():
            raise ValueError("an empty path")
        return paths.expanded(argument)

    def flag_type(self) -> str:
        return "path"
