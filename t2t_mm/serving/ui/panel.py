"""The part of the page that belongs to one problem: inputs, button, answer, pictures."""

from __future__ import annotations

import html
import json
import logging
import pathlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import gradio as gr

from t2t_mm import errors
from t2t_mm.serving import models as models_lib
from t2t_mm.serving.ui import answers, declarations, media, pictures

_LOG = logging.getLogger("t2t_mm.serving.ui")
_FAULT = "A fault of the server; its log says more."
_MOST_BARS = 10


class Panel:
    """Widgets of one problem; make it within a `gr.Blocks`.

    Args:
      problem: that answers.
      models: of the server.
    """

    def __init__(self, problem: declarations.Problem, models: models_lib.Models) -> None:
        self._problem, self._models = problem, models
        if problem.about:
            html_part(f"<p class='mm-about'>{html.escape(problem.about)}</p>")
        with gr.Row(equal_height=False):
            with gr.Column(min_width=300):
                self._inputs = [_widget(one) for one in problem.inputs]
                button = gr.Button("Answer", variant="primary")
                listed = self._examples() if problem.examples else None
            with gr.Column(min_width=300):
                self._message = html_part()
                self._text = gr.Textbox(
                    label="Output",
                    elem_classes="mm-output",
                    interactive=False,
                    lines=2,
                    max_lines=20,
                    buttons=["copy"],
                    visible=not problem.classes,
                )
                self._table = html_part()
                self._bars = gr.Label(
                    label="Class",
                    num_top_classes=_MOST_BARS,
                    visible=bool(problem.classes),
                    buttons=[],
                )
                self._rest = gr.JSON(label="Outputs", visible=False, buttons=["copy"])
                self._reference = gr.Textbox(
                    label="Reference of the example", interactive=False, visible=False
                )
        self._pictures = html_part()
        self._shown = [
            self._message,
            self._text,
            self._table,
            self._bars,
            self._rest,
            self._pictures,
        ]
        self._ask(button)
        if listed is not None:
            self._choose(listed)

    def _ask(self, button: gr.Button) -> None:
        asked: dict[str, Any] = {
            "fn": self.answer,
            "inputs": self._inputs,
            "outputs": self._shown,
            "api_visibility": "private",
            "concurrency_limit": None,
            "show_progress_on": [self._text, self._bars],
        }
        button.click(**asked)
        for one, widget in zip(self._problem.inputs, self._inputs, strict=True):
            if one.kind == "text":
                widget.submit(**asked)
            changed = getattr(widget, "input", None) or getattr(widget, "upload", None)
            if changed is not None and self._problem.examples:
                changed(
                    lambda: gr.update(visible=False),
                    outputs=self._reference,
                    api_visibility="private",
                    show_progress="hidden",
                )

    def _examples(self) -> gr.Dataset:
        """Makes the list of examples."""
        ones = [one for one in self._problem.inputs if one.kind != "number"]
        examples = self._problem.examples
        labels = None
        if [one.kind for one in ones] == ["sound"]:  # its name tells nothing
            labels = [
                f"sound {number}: {errors.shortened(example.reference, 40)}"
                for number, example in enumerate(examples, start=1)
            ]
        return gr.Dataset(
            label="Examples",
            components=[_column(one) for one in ones],
            headers=[one.name for one in ones],
            samples=[[str(each.values[one.name]) for one in ones] for each in examples],
            sample_labels=labels,
            type="index",
        )

    def _choose(self, listed: gr.Dataset) -> None:
        """Lets a choice from the list fill the inputs, and show the reference."""
        pairs = list(zip(self._problem.inputs, self._inputs, strict=True))
        filled = [(one, widget) for one, widget in pairs if one.kind != "number"]

        def choose(number: int) -> list[Any]:
            example = self._problem.examples[number]
            values = [str(example.values[one.name]) for one, _ in filled]
            reference = gr.update(value=example.reference, visible=bool(example.reference))
            return [*values, reference]

        listed.click(
            choose,
            inputs=listed,
            outputs=[*(widget for _, widget in filled), self._reference],
            api_visibility="private",
            show_progress="hidden",
        )

    async def answer(self, *given: Any) -> AsyncIterator[list[Any]]:
        """Yields updates of the widgets: the answer, then the pictures where there are any.

        Args:
          *given: a value of each widget.
        """
        try:
            values = {
                one.name: _value(one, value)
                for one, value in zip(self._problem.inputs, given, strict=True)
            }
            found = await self._predict(values, self._problem.signature)
            answer = answers.read(found)
        except errors.UserError as error:
            answer = answers.Answer(message=str(error))
        except Exception:
            _LOG.exception("the page cannot show an answer of %s", self._problem.name)
            answer = answers.Answer(message=_FAULT)
        yield self._updates(answer)
        if answer.message is None and self._problem.explains:
            drawn = await self._drawn(values, answer)
            if drawn:
                yield self._updates(answer, drawn)

    async def _drawn(self, values: dict[str, Any], answer: answers.Answer) -> str:
        given = {one.name: values[one.name] for one in self._problem.inputs if not one.is_shared}
        if answer.text is not None:
            given[answers.TEXTS] = answer.text
        try:
            found = await self._predict(given, declarations.EXPLAIN)
            raw = {name: value for name, value in values.items() if isinstance(value, bytes)}
            return pictures.explanation(found, self._problem.inputs, raw)
        except errors.UserError:
            return ""  # it is drained or busy: the answer itself is there
        except Exception:
            _LOG.exception("the page cannot explain an answer of %s", self._problem.name)
            return ""

    async def _predict(self, values: dict[str, Any], signature: str) -> Any:
        shared = {one.name for one in self._problem.inputs if one.is_shared}
        inputs = {name: value if name in shared else [value] for name, value in values.items()}
        return await self._models.predict(self._problem.export, inputs, signature=signature)

    def _updates(self, answer: answers.Answer, drawn: str = "") -> list[Any]:
        is_text = answer.text is not None
        score = f" · {answer.score}" if answer.score else ""
        message = "" if answer.message is None else html.escape(answer.message)
        return [
            gr.update(
                value=f"<div class='mm-message' role='alert'>{message}</div>",
                visible=bool(message),
            ),
            gr.update(
                value=answer.text or "",
                label=f"Output{score}",
                placeholder="an empty text" if is_text else "",
                visible=is_text and not message,
            ),
            gr.update(value=answer.table or "", visible=answer.table is not None),
            gr.update(value=dict(answer.bars or {}) or None, visible=answer.bars is not None),
            gr.update(value=answer.rest, visible=answer.rest is not None),
            gr.update(value=drawn, visible=bool(drawn)),
        ]


def html_part(value: str = "") -> gr.HTML:
    """Returns a place for HTML; hidden while it is empty."""
    shown = bool(value)
    return gr.HTML(value, visible=shown, apply_default_css=False, elem_classes="mm-html")


def _widget(one: declarations.Input) -> Any:
    """Returns the widget of an input."""
    label = f"{one.name} · {one.hint()}" if one.hint() else one.name
    if one.kind == "picture":
        made = gr.Image(
            label=label,
            sources=["upload", "webcam", "clipboard"],
            type="filepath",
            height=300,
            buttons=["fullscreen"],
        )
        # The file reaches us as it came. Gradio would decode it, and raise at what is no picture;
        # and it writes a stub beside the module of a subclass.
        made.preprocess = _path  # type: ignore[method-assign,assignment]
        return made
    if one.kind == "sound":
        return gr.Audio(
            label=label, sources=["microphone", "upload"], type="filepath", buttons=["download"]
        )
    if one.kind == "choice":
        return gr.Dropdown(label=label, choices=[str(c) for c in one.about["classes"]], value=None)
    if one.kind == "file":
        return gr.File(label=label, type="filepath")
    if one.kind == "number":
        return gr.Textbox(label=label, value="0", max_lines=1)
    return gr.Textbox(label=label, lines=3, max_lines=12, html_attributes=_TEXT)


_TEXT = gr.InputHTMLAttributes(spellcheck=False)


def _path(payload: Any) -> str | None:
    return payload.path if payload else None


def _column(one: declarations.Input) -> Any:
    if one.kind == "picture":
        return gr.Image(render=False)
    if one.kind == "sound":
        return gr.Audio(render=False)
    return gr.Textbox(render=False)


def _value(one: declarations.Input, given: Any) -> Any:
    """Returns what the signature takes.

    Raises:
      UserError: it cannot be used; the message is for the page.
    """
    if one.kind == "number":
        try:
            return json.loads(str(given))
        except ValueError as error:
            raise errors.DataError(
                f"{one.name!r} is no number", received=errors.shortened(repr(given), 40)
            ) from error
    if one.kind == "text":
        return str(given or "")
    if not given:
        what = {"picture": "a picture", "sound": "a sound", "choice": "a choice"}
        raise errors.DataError(f"{one.name!r} is missing", expected=what.get(one.kind, "a file"))
    if one.kind == "choice":
        return str(given)
    path = pathlib.Path(given)
    if one.kind == "picture":
        return media.picture(path)
    if one.kind == "sound":
        longest = one.about.get("max_seconds")
        return media.sound(path, rate=int(one.about.get("sample_rate", 16_000)), longest_s=longest)
    return path.read_bytes()


def tabs(problems: Sequence[declarations.Problem], models: models_lib.Models) -> None:
    """Makes a tab for each problem, within a `gr.Blocks`."""
    with gr.Tabs():
        for problem in problems:
            with gr.Tab(problem.name):
                Panel(problem, models)


def chooser(problems: Sequence[declarations.Problem], models: models_lib.Models) -> None:
    """Makes a list to choose from, and the panel of the chosen problem: for very many."""
    names = [problem.name for problem in problems]
    chosen = gr.Dropdown(
        label=f"Problem · one of {len(names):,}", choices=names, value=names[0], filterable=True
    )

    @gr.render(inputs=chosen)  # type: ignore[untyped-decorator]
    def show(name: str) -> None:
        found = [problem for problem in problems if problem.name == name]
        if found:
            Panel(found[0], models)
