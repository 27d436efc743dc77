"""Damage of a JSON file is one line that names file and field, whatever the damage is."""

import copy
import json
import re

import pytest

from t2t_mm import errors
from t2t_mm.schemas import checkpoint, json_files, run

SHA256 = "0" * 64
RUN = {
    "format": 1,
    "model": "multi_model",
    "schedule": "uniform",
    "data_dir": "/data",
    "problems": [
        {
            "name": "to_german",
            "version": "1.0.0",
            "inputs": {"inputs": {"modality": "language", "vocab": "mm_8k", "max_length": 256}},
            "targets": {"modality": "language", "vocab": "mm_8k", "max_length": 256},
            "command": "to-german",
            "metrics": ["bleu"],
            "splits": ["train", "validation"],
            "vocabularies": {"mm_8k": {"size": 300, "sha256": SHA256}},
        }
    ],
}
GONE = object()


def _with(field, value):
    """Returns the description of a run in which one field is another, or gone."""
    changed = copy.deepcopy(RUN)
    inner = changed
    for part in field[:-1]:
        inner = inner[part]
    if value is GONE:
        del inner[field[-1]]
    else:
        inner[field[-1]] = value
    return json.dumps(changed).encode()


def _refused(text, schema=run.Run):
    with pytest.raises(errors.ConfigError) as caught:
        json_files.parse(text, schema, place="runs/a/problems.json", error=errors.ConfigError)
    line = str(caught.value)
    assert line.startswith("runs/a/problems.json is damaged") and "\n" not in line
    return line


def test_a_whole_file_comes_back_as_it_is():
    read = json_files.parse(json.dumps(RUN).encode(), run.Run, place="", error=errors.ConfigError)
    assert read == RUN


def test_what_is_not_named_is_kept():
    text = _with(("later",), {"a": [1]})
    read = json_files.parse(text, run.Run, place="", error=errors.ConfigError)
    assert read["later"] == {"a": [1]}


PROBLEM = ("problems", 0)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (("model",), GONE, "model is missing"),
        (("model",), 3, r"model. Received: 3. Expected: a text"),
        (("model",), "../x", "model. Received: '../x'. Expected: small letters"),
        (("model",), "x\n", "model. Received: 'x.*small letters"),
        (("problems",), {}, r"problems. Received: \{\}. Expected: a list"),
        (("problems",), [], "problems. Received.*one at least"),
        ((*PROBLEM, "name"), "../../x", r"problems\[0\].name. Received: '../../x'"),
        ((*PROBLEM, "version"), "..", r"problems\[0\].version. Received: '..'"),
        ((*PROBLEM, "splits"), [], r"problems\[0\].splits. Received.*one at least"),
        ((*PROBLEM, "splits"), ["a/b"], r"problems\[0\].splits\[0\]. Received: 'a/b'"),
        ((*PROBLEM, "inputs", "a/b"), RUN["problems"][0]["targets"], r"inputs.a/b \(its name\)"),
        ((*PROBLEM, "inputs", "inputs"), None, r"inputs.inputs. Received: None. Exp.*an object"),
        ((*PROBLEM, "targets", "vocab"), "/etc", r"targets.vocab. Received: '/etc'"),
        ((*PROBLEM, "vocabularies", "mm_8k", "size"), 10**30, "mm_8k.size.*less than 9,223"),
        ((*PROBLEM, "vocabularies", "mm_8k", "size"), True, "mm_8k.size.*a whole number"),
        ((*PROBLEM, "vocabularies", "mm_8k", "sha256"), "0", "mm_8k.sha256.*64 hexadecimal"),
        (("data_dir",), "a\0b", "data_dir"),
        (("data_dir",), "\ud800", "no JSON"),
        (("later",), float("nan"), "no JSON"),
        (("later",), float("inf"), "no JSON"),
    ],
)
def test_a_wrong_field_is_named(field, value, said):
    assert re.search(said, _refused(_with(field, value)))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"null", b"\xff{}", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000],
)
def test_what_is_no_json_is_refused(text):
    assert len(_refused(text)) < 300


def test_a_value_of_any_size_is_cut():
    assert len(_refused(_with(("model",), ["x" * 10_000]))) < 300


def test_several_faults_are_counted():
    assert "(and 2 more)" in _refused(
        json.dumps({**RUN, "model": 1, "schedule": 2, "format": ""}).encode()
    )


def test_a_sidecar_names_files_of_its_folder_only():
    sidecar = {
        "format": 1,
        "step": 5,
        "prefix": "ckpt-5-0",
        "files": {"../../x": {"bytes": 1, "sha256": SHA256}},
        "fingerprint": {},
        "extra": {},
    }
    assert "../../x (its name)" in _refused(json.dumps(sidecar).encode(), checkpoint.Sidecar)


def _sidecar(**extra):
    return {
        "format": 1,
        "step": 5,
        "prefix": "ckpt-5-0",
        "files": {"ckpt-5-0.index": {"bytes": 1, "sha256": SHA256}},
        "fingerprint": {},
        "extra": extra,
    }


def test_the_sums_of_a_training_are_checked():
    text = json.dumps(_sidecar(tally={"elapsed_s": 1.0, "losses": [], "sums": {}})).encode()
    assert "extra.tally.losses. Received: []. Expected: an object" in _refused(
        text, checkpoint.Sidecar
    )
