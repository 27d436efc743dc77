"""What the page shows is read from export.json, or from the signature alone."""

import types

import numpy as np

from t2t_mm.serving import signature as signature_lib
from t2t_mm.serving.ui import declarations


def field(name, *, is_text=True, shape=(None,)):
    dtype = np.dtype(object) if is_text else np.dtype(np.int64)
    return signature_lib.Field(name, dtype, "DT_STRING" if is_text else "DT_INT64", shape, name)


def signature(name, *inputs, outputs=("outputs", "scores", "errors")):
    fields = {one.name: one for one in inputs}
    return signature_lib.Signature(name, fields, {key: field(key) for key in outputs})


class Models:
    """Servables by name of export, as `serving.models.Models` gives them."""

    def __init__(self, **servables):
        self.servables = servables

    def names(self):
        return sorted(self.servables)

    def version(self, name):
        return types.SimpleNamespace(servable=self.servables[name])


def servable(folder, details, *signatures):
    named = {one.name: one for one in signatures}
    return types.SimpleNamespace(folder=folder, details=details, signatures=named)


def described(problem, inputs, **rest):
    return {"problem": problem, "inputs": inputs, "targets": {"modality": "language"}, **rest}


def test_an_export_with_export_json(tmp_path):
    picture = tmp_path / "assets.extra" / "examples" / "0-image.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"PNG")
    inputs = {"question": {"modality": "language"}, "image": {"modality": "image", "size": 64}}
    examples = [
        {"inputs": {"question": "why?", "image": {"file": "assets.extra/examples/0-image.png"}}},
        {"inputs": {"question": "why?"}},  # of no use: the picture is missing
        {"inputs": {"question": "why?", "image": {"file": "../../secret"}}},  # lies elsewhere
    ]
    search = {"beam_size": 4}
    details = {
        "model": "multi_model",
        "step": 7,
        "signatures": {
            "serving_default": described("vqa", inputs, examples=examples, search=search)
        },
    }
    default = signature("serving_default", field("image"), field("question"))
    models = Models(vqa=servable(tmp_path, details, default, signature("explain", field("image"))))
    (found,) = declarations.problems(models)
    assert (found.name, found.export, found.signature) == ("vqa", "vqa", "serving_default")
    assert [(one.name, one.kind) for one in found.inputs] == [
        ("question", "text"),
        ("image", "picture"),
    ]
    assert found.about == "multi_model, step 7, beam of 4"
    assert [example.values for example in found.examples] == [
        {"question": "why?", "image": picture.resolve()}
    ]
    assert found.explains


def test_an_export_without_export_json(tmp_path):
    seed = field("seed", is_text=False, shape=())
    other = signature("other", field("inputs"), seed)
    models = Models(mine=servable(tmp_path, {}, signature("serving_default", field("x")), other))
    found = {problem.name: problem for problem in declarations.problems(models)}
    assert sorted(found) == ["mine", "other"]
    assert [(one.kind, one.is_shared) for one in found["other"].inputs] == [
        ("text", False),
        ("number", True),
    ]
    assert not found["mine"].explains


def test_export_json_that_is_nonsense(tmp_path):
    for details in (
        {"signatures": []},
        {"signatures": {"serving_default": 3}},
        {"signatures": {"serving_default": {"inputs": "x", "targets": 1, "examples": {"a": 1}}}},
        {"signatures": {"serving_default": {"inputs": {"x": None}, "examples": [None, 3]}}},
    ):
        one = signature("serving_default", field("x"))
        (found,) = declarations.problems(Models(odd=servable(tmp_path, details, one)))
        assert [each.kind for each in found.inputs] == ["text"], details


def test_a_problem_with_an_export_of_its_own_is_shown_once(tmp_path):
    both = {
        name: described(name, {"inputs": {"modality": "language"}}) for name in ("ende", "fren")
    }
    alone = {"signatures": {"serving_default": both["ende"]}}
    models = Models(
        ende=servable(tmp_path, alone, signature("serving_default", field("inputs"))),
        multi_model=servable(
            tmp_path,
            {"signatures": both},
            signature("ende", field("inputs")),
            signature("fren", field("inputs")),
        ),
    )
    found = [(one.name, one.export) for one in declarations.problems(models)]
    assert found == [("ende", "ende"), ("fren", "multi_model")]


def test_two_exports_of_one_problem_are_told_apart(tmp_path):
    details = {"signatures": {"serving_default": described("ende", {})}}
    one = servable(tmp_path, details, signature("serving_default", field("inputs")))
    found = [each.name for each in declarations.problems(Models(a=one, b=one))]
    assert found == ["ende (a, serving_default)", "ende (b, serving_default)"]
