"""The base of all commands: flags, help, errors, exit codes, JSON.

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
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from t2t_mm import errors, plugins, version
from t2t_mm.cli import flag_set, help_text, refusals
from t2t_mm.files import mirrors
from t2t_mm.plugins import blame
from t2t_mm.process import command_output, gpus, quiet_import, signals

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


@contextlib.contextmanager
def _mirrored() -> Iterator[None]:
    """Takes what the work has written to the URLs that it was for, also where it ended early."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(errors.UserError):
            mirrors.push_all()
        raise
    mirrors.push_all()


class Command(flag_set.FlagSet):
    """One command: a name, flags and a way to run.

    Args:
      name: as it is typed.
      description: what it does, in a sentence or a short paragraph.
      example: a line that works when pasted.
      takes_plugins: whether it works with problems and models, which plugins define; one that
        does not runs without what they import.
    """

    def __init__(
        self, name: str, description: str, *, example: str, takes_plugins: bool = True
    ) -> None:
        super().__init__(name, example=example)
        self.description = description
        self._stdout: TextIO | None = None
        self._takes_plugins = takes_plugins
        if takes_plugins:
            self.multi(
                "usr_dir",
                "folder of your own problems; repeatable, or a comma list",
                shown="$T2T_MM_USR_DIR",
            )
        self._common = [
            self.boolean("json", False, "print the answer as one JSON document"),
            self.boolean("debug", False, "show the traceback of an error too"),
        ]

    @property
    def json(self) -> bool:
        """Whether the answer is wanted as JSON."""
        return bool(self.flags["json"].value)

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
            self.parse(argv)
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
            return self._fault(error)

    def _work(self, work: Callable[[], Mapping[str, Any] | None]) -> None:
        if not self.flags["debug"].value:
            quiet_import.install()
        gpus.grow_memory()
        try:
            with contextlib.ExitStack() as stack:
                if self.json:  # whatever else prints must not spoil the document
                    self._stdout = stack.enter_context(command_output.answers_only())
                with contextlib.redirect_stdout(sys.stderr):
                    self._load_plugins()
                with _mirrored():
                    answer = work()
                    if self.json and answer is not None:
                        self.emit(answer)
            sys.stdout.flush()
        finally:
            self._stdout = None

    def _load_plugins(self) -> None:
        if not self._takes_plugins:
            return
        for report in plugins.load_all(self.flags["usr_dir"].value):
            if report.status == "failed" and self.name != "mm-list":
                info(f"{self.name}: warning: plugin {report.name} did not load: {report.error}")

    def _fail(self, error: errors.UserError, options: Sequence[str]) -> int:
        # Where the flags could not be parsed, --debug may stand behind what is wrong.
        if self.flags["debug"].value or "--debug" in options:
            traceback.print_exc()
        info(f"{self.name}: {error}")
        return 2

    def _fault(self, error: Exception) -> int:
        traceback.print_exc()
        plugin = blame.at_fault(error)
        whose = "t2t-mm, not of the request; please report it"
        if plugin is not None:
            whose = f"the plugin {plugin}, not of t2t-mm"
        info(f"{self.name}: the above is a fault of {whose}")
        return 1
