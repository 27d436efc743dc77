"""The REST API, by the conventions of TensorFlow Serving."""

import base64

import pytest

GOOD = {"outputs": "a!", "scores": -1.0, "errors": ""}
BAD = {"outputs": "", "scores": 0.0, "errors": "The text is empty."}


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


@pytest.mark.parametrize(
    "path", ["echo:predict", "echo/versions/1:predict"], ids=["newest", "by number"]
)
@pytest.mark.parametrize("row", ["a", {"inputs": "a"}, b64(b"a"), {"inputs": b64(b"a")}])
def test_a_row_is_a_bare_value_or_an_object_and_text_or_base64(server, path, row):
    assert server.post(path, {"instances": [row]}) == (200, {"predictions": [GOOD]})


@pytest.mark.parametrize("inputs", [["a", ""], {"inputs": ["a", ""]}])
def test_columns(server, inputs):
    columns = {name: [GOOD[name], BAD[name]] for name in GOOD}
    assert server.post("echo:predict", {"inputs": inputs}) == (200, {"outputs": columns})


def test_a_bad_row_says_so_and_others_are_answered(server):
    status, answer = server.post("echo:predict", {"instances": ["a", "", "a"]})
    assert (status, answer["predictions"]) == (200, [GOOD, BAD, GOOD])


def test_a_row_that_fails_the_whole_batch_costs_no_other_its_answer(server):
    rows = ["a", "raise", "a", "", "a", "a"]  # two batches of 4
    status, answer = server.post("echo:predict", {"instances": rows})
    assert status == 200
    assert [row["outputs"] for row in answer["predictions"]] == ["a!", "", "a!", "", "a!", "a!"]
    said = answer["predictions"][1]["errors"]
    assert said == "The model cannot take row 1. Received: assertion failed: [a row raises]."


def test_a_single_row_that_fails_is_an_error(server):
    status, answer = server.post("echo:predict", {"instances": ["raise"]})
    assert status == 400
    assert answer["error"].startswith("The model cannot take this request. Received: assertion")


def test_several_inputs_and_bytes_out(server):
    row = {"image": b64(b"\x00\xff\x01"), "question": "q"}
    asked = {"signature_name": "pair", "instances": [row]}
    status, answer = server.post("many:predict", asked)
    assert status == 200
    (found,) = answer["predictions"]
    assert (found["outputs"], found["image_bytes"]) == ("q!3", b64(b"\x00\xff\x01"))


def test_one_output_is_bare_and_what_is_not_finite_is_null(server):
    asked = {"signature_name": "numbers", "instances": [[1, 2, 3], [0, 0, 0.5], [0, 0, 0]]}
    assert server.post("many:predict", asked) == (200, {"predictions": [6.0, None, None]})
    asked = {"signature_name": "numbers", "inputs": {"x": [[1, 2, 3]]}}
    assert server.post("many:predict", asked) == (200, {"outputs": [6.0]})


def test_hypotheses_are_a_list_a_row_and_one_that_is_missing_has_no_score(server):
    asked = {"signature_name": "best", "instances": ["a"]}
    rows = [{"outputs": ["a1", "a2"], "scores": [0.0, None]}]
    assert server.post("many:predict", asked) == (200, {"predictions": rows})


def test_a_seed_belongs_to_the_request(server):
    columns = {"inputs": ["a", "b"], "seed": 7}
    status, answer = server.post("many:predict", {"signature_name": "sample", "inputs": columns})
    assert (status, answer["outputs"]["outputs"]) == (200, ["a7", "b7"])
    rows = [{"inputs": "a", "seed": 7}, {"inputs": "b", "seed": 7}]
    status, answer = server.post("many:predict", {"signature_name": "sample", "instances": rows})
    assert [row["outputs"] for row in answer["predictions"]] == ["a7", "b7"]
    rows[1]["seed"] = 8
    status, answer = server.post("many:predict", {"signature_name": "sample", "instances": rows})
    assert status == 400
    assert answer["error"].startswith("'seed' is not the same in all rows.")


def test_no_rows_have_no_answers(server):
    assert server.post("echo:predict", {"instances": []}) == (200, {"predictions": []})
    empty = {"outputs": [], "scores": [], "errors": []}
    assert server.post("echo:predict", {"inputs": []}) == (200, {"outputs": empty})


def test_rows_of_several_batches_are_joined_and_padded(server):
    asked = {"signature_name": "letters", "instances": ["ab", "c", "d", "e", "fgh"]}
    status, answer = server.post("many:predict", asked)
    assert status == 200
    tokens = [row["tokens"] for row in answer["predictions"]]
    assert tokens == [["a", "b", ""], *([c, "", ""] for c in "cde"), ["f", "g", "h"]]


def test_classify_gives_a_label_and_score_for_each_class(server):
    asked = {"signature_name": "classes", "examples": [{"inputs": "cat"}]}
    results = [[["cat", 0.75], ["dog", 0.25]]]
    assert server.post("many:classify", asked) == (200, {"results": results})
    asked["examples"] += [{"inputs": ""}]
    assert server.post("many:classify", asked) == (
        200,
        {"results": [*results, []], "errors": ["", "The text is empty."]},
    )


def test_status_and_metadata(server):
    fine = {"error_code": "OK", "error_message": ""}
    status = {"version": "1", "state": "AVAILABLE", "status": fine}
    for path in ("/v1/models/echo", "/v1/models/echo/versions/1"):
        assert server.get(path) == (200, {"model_version_status": [status]})
    code, answer = server.get("/v1/models/echo/metadata")
    assert code == 200
    assert answer["model_spec"] == {"name": "echo", "signature_name": "", "version": "1"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["inputs"] == {
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "serving_default_inputs:0",
    }
    assert set(signature["outputs"]) == {"outputs", "scores", "errors"}


def test_health_and_metrics(server):
    assert server.get("/healthz") == (200, {"status": "alive"})
    assert server.get("/readyz") == (200, {"status": "ready"})
    server.post("echo:predict", {"instances": ["a", ""]})
    server.post("no/such:predict", {})
    text = server.client.get("/metrics").text
    labels = 'model="echo",signature="serving_default"'
    assert f'mm_serve_requests_total{{code="200",{labels}}}' in text
    assert 'mm_serve_rows_total{model="echo",result="bad",signature="serving_default"}' in text
    assert 'mm_serve_model_version{model="echo"} 1.0' in text
    assert "such" not in text


BAD_REQUESTS = {
    "no JSON": ("echo:predict", b"{", 400, "The body is no JSON. Received: Expecting property"),
    "no UTF-8": ("echo:predict", b'{"instances": ["\xff"]}', 400, "The body is no UTF-8."),
    "brackets": ("echo:predict", b'{"inputs":' + b"[" * 50_000, 400, "The body is no JSON to be"),
    "digits": ("echo:predict", b'{"inputs":' + b"1" * 5_000 + b"}", 400, "The body is no JSON"),
    "no object": ("echo:predict", b"[1]", 400, "The body is no object."),
    "no key": ("echo:predict", {"instance": []}, 400, "Did you mean 'instances'?"),
    "both keys": ("echo:predict", {"instances": [], "inputs": []}, 400, "both 'instances' and"),
    "no list": ("echo:predict", {"instances": "a"}, 400, "'instances' is no list."),
    "model": ("ecko:predict", {"instances": []}, 404, "Did you mean 'echo'?"),
    "version": ("echo/versions/2:predict", {"instances": []}, 404, "no version '2' of echo."),
    "no number": ("echo/versions/x:predict", {"instances": []}, 404, "A version is a whole"),
    "label": ("echo/labels/stable:predict", {"instances": []}, 404, "There is no label 'stable'"),
    "verb": ("echo:predikt", {"instances": []}, 404, "Did you mean 'predict'?"),
    "path": ("echo/versions/1/more", {}, 404, "There is no path 'more'."),
    "no signature": ("many:predict", {"instances": []}, 400, "no signature 'serving_default'."),
    "signature": (
        "many:predict",
        {"signature_name": "ecko", "instances": []},
        400,
        "Did you mean 'echo'?",
    ),
    "signature type": ("echo:predict", {"signature_name": 1}, 400, "'signature_name' is no string"),
    "input": ("echo:predict", {"instances": [{"input": "a"}]}, 400, "Did you mean 'inputs'?"),
    "missing": (
        "many:predict",
        {"signature_name": "pair", "instances": [{"image": "a"}]},
        400,
        "The input 'question' is missing in row 0.",
    ),
    "bare": (
        "many:predict",
        {"signature_name": "pair", "instances": ["a"]},
        400,
        "Row 0 does not name its inputs.",
    ),
    "unequal": (
        "many:predict",
        {"signature_name": "pair", "inputs": {"image": ["a", "b"], "question": ["q"]}},
        400,
        "Received: 2 of 'image', 1 of 'question'.",
    ),
    "number for text": ("echo:predict", {"instances": ["a", 1]}, 400, "'inputs' of row 1 is no te"),
    "null": ("echo:predict", {"instances": [None]}, 400, "Received: null."),
    "nested": ("echo:predict", {"instances": [["a"]]}, 400, "Received: a list."),
    "surrogate": ("echo:predict", b'{"instances": ["\\ud800"]}', 400, "half of a surrogate pair"),
    "base64": ("echo:predict", {"instances": [{"b64": "a b!"}]}, 400, "of row 0 is no base64."),
    "padding": ("echo:predict", {"instances": [{"b64": "abc"}]}, 400, "of row 0 is no base64."),
    "base64 type": ("echo:predict", {"instances": [{"b64": 1}]}, 400, "of row 0 is no text."),
    "text for number": (
        "many:predict",
        {"signature_name": "numbers", "instances": [["a", "b", "c"]]},
        400,
        "'x' of row 0 is of the wrong type.",
    ),
    "shape": (
        "many:predict",
        {"signature_name": "numbers", "instances": [[1, 2]]},
        400,
        "'x' is of the wrong shape. Received: [1, 2]. Expected: [any, 3].",
    ),
    "ragged": (
        "many:predict",
        {"signature_name": "numbers", "instances": [[1, 2, 3], [1, 2]]},
        400,
        "The rows of 'x' have not one shape.",
    ),
    "seed": (
        "many:predict",
        {"signature_name": "sample", "inputs": {"inputs": ["a"], "seed": 1.5}},
        400,
        "'seed' is of the wrong type.",
    ),
    "seed range": (
        "many:predict",
        {"signature_name": "sample", "inputs": {"inputs": ["a"], "seed": 2**63}},
        400,
        "'seed' is out of range.",
    ),
    "classify": ("echo:classify", {"examples": []}, 400, "is not one of classes."),
    "regress": ("echo:regress", {"examples": []}, 400, "is not one of regression."),
    "rows": ("echo:predict", {"instances": ["a"] * 21}, 413, "Received: 21. Expected: 20 at most."),
    "columns": ("echo:predict", {"inputs": ["a"] * 21}, 413, "Received: 21. Expected: 20 at most."),
    "body": ("echo:predict", b" " * 100_001, 413, "Received: 100,001 bytes."),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_what_is_wrong_is_one_line(server, case):
    path, body, status, said = BAD_REQUESTS[case]
    code, answer = server.post(path, body)
    assert code == status
    assert set(answer) == {"error"}
    assert said in answer["error"]
    assert "\n" not in answer["error"]
    assert len(answer["error"]) < 500


def test_methods(server):
    asked = server.client.request
    assert asked("OPTIONS", "/v1/models/echo:predict").headers["allow"] == "POST, OPTIONS"
    assert asked("HEAD", "/v1/models/echo").status_code == 200
    for method, path, allowed in (
        ("GET", "/v1/models/echo:predict", "POST, OPTIONS"),
        ("POST", "/v1/models/echo", "GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/models/echo", ""),
        ("POST", "/healthz", ""),
    ):
        answer = asked(method, path)
        assert answer.status_code == 405
        assert "allow" in answer.headers
        assert answer.headers["allow"] == allowed or not allowed
        assert f"{method} is not the way" in answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v1/models/../../etc/passwd", "/v1/models/%2e%2e%2fetc", "/v1/models/a%00"],
)
def test_paths_lead_nowhere_else(server, path):
    status, answer = server.get(path)
    assert status == 404
    assert set(answer) == {"error"}


def test_a_compressed_body_is_refused(server):
    headers = {"Content-Encoding": "gzip"}
    answer = server.client.post("/v1/models/echo:predict", content=b"x", headers=headers)
    assert answer.status_code == 415


def test_the_log_has_a_line_a_request_and_nothing_of_its_content(server):
    server.logged.clear()
    server.post("echo:predict", {"instances": ["secret words"]})
    (line,) = server.logged
    assert line.startswith("POST /v1/models/echo:predict 200 ")
    assert "secret" not in line
