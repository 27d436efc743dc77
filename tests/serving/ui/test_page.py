"""The page over toy exports: what it holds, what it answers, and that nothing leads elsewhere."""

import dataclasses
import json
import re
import socket

import httpx
import pytest
from starlette import testclient

from t2t_mm.serving import tokens
from tests.serving import conftest, toys

gradio = pytest.importorskip("gradio")
page = pytest.importorskip("t2t_mm.serving.ui.page")
panel = pytest.importorskip("t2t_mm.serving.ui.panel")

LOADED = re.compile(
    r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["'](https?:[^"']*|//[^"']*)"""
)


@pytest.fixture(scope="module")
def server(toy_exports, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    example = {"inputs": {"inputs": "hello"}, "reference": "hallo"}
    described = {
        "problem": "ende",
        "inputs": {"inputs": {"modality": "language"}},
        "targets": {"modality": "language"},
        "examples": [example],
    }
    details = {"step": 3, "signatures": {"serving_default": described}}
    toys.copy_version(toy_exports / "echo" / "1", folder / "ende", 1)
    place = folder / "ende" / "1" / "assets.extra"
    place.mkdir()
    (place / "export.json").write_text(json.dumps(details))
    toys.copy_version(toy_exports / "many" / "1", folder / "odd name <b>", 1)
    with conftest.Server(folder) as running:
        running.app = page.mount(running.app, running.models)
        yield running
        running.client.portal.call(running.app.close)


def answers(server, name, *given):
    """Returns what the last update of a panel's answer shows: values of visible widgets."""
    problem = next(p for p in page.declarations.problems(server.models) if p.name == name)

    async def last():
        with gradio.Blocks(analytics_enabled=False):
            shown = panel.Panel(problem, server.models)
        return [update async for update in shown.answer(*given)][-1]

    updates = server.client.portal.call(last)
    return [update["value"] for update in updates if update["visible"]]


def test_the_page_has_a_tab_for_each_problem_and_the_api_beside_it(server):
    answer = server.client.get("/")
    assert answer.status_code == 200
    for name in ("ende", "classes", "sample"):
        assert f'"label":"{name}"' in answer.text
    assert server.client.get("/healthz").json() == {"status": "alive"}
    posted = server.client.post("/v1/models/ende:predict", json={"instances": ["a"]})
    assert posted.json()["predictions"][0]["outputs"] == "a!"
    assert server.client.get("/v1/models/none").status_code == 404


def test_nothing_is_loaded_from_elsewhere(server):
    answer = server.client.get("/")
    assert LOADED.findall(answer.text) == []
    assert "fonts.googleapis" not in answer.text
    assert "url(http" not in server.client.get("/theme.css").text
    policy = answer.headers["content-security-policy"]
    assert "http" not in policy
    assert "default-src 'self'" in policy
    assert '"analytics_enabled":false' in answer.text


def test_a_browser_is_asked_for_the_token_in_a_line_of_its_own(server):
    client = testclient.TestClient(tokens.Tokens(server.app, [b"secret"]))
    refused = client.get("/healthy")
    assert refused.status_code == 401
    assert refused.headers.get_list("www-authenticate") == ['Basic realm="mm-serve"', "Bearer"]
    assert client.get("/metrics", auth=("anybody", "secret")).status_code == 200


def test_an_answer_and_its_score(server):
    assert answers(server, "ende", "hello") == ["hello!"]


def test_an_error_of_the_row_is_a_message(server):
    (message,) = answers(server, "ende", "")
    assert "The text is empty." in message
    assert "role='alert'" in message


def test_a_long_text(server):
    assert answers(server, "ende", "x" * 1_000_000) == ["x" * 1_000_000 + "!"]


def test_classes_and_a_seed(server):
    assert answers(server, "classes", "cat") == [{"cat": 0.75, "dog": 0.25}]
    assert answers(server, "sample", "a", "7") == ["a7"]
    assert "'seed' is no number" in answers(server, "sample", "a", "seven")[0].replace(
        "&#x27;", "'"
    )


def test_a_model_that_raises_is_a_message(server):
    (message,) = answers(server, "ende", "raise")
    assert "mm-message" in message


def test_a_body_that_is_too_large_is_not_read(server):
    answer = server.client.post("/gradio_api/upload", headers={"Content-Length": str(1 << 30)})
    assert answer.status_code == 413
    answer = server.client.post("/gradio_api/upload", content=iter([b"x"]))
    assert answer.status_code == 411


def test_before_the_models_are_loaded_the_page_says_so(server, monkeypatch):
    monkeypatch.setattr(server.models, "is_ready", False)
    answer = server.client.get("/")
    assert answer.status_code == 503
    assert "being loaded" in answer.text


def test_hundreds_of_problems_are_chosen_from_a_list(server):
    (one, *_) = page.declarations.problems(server.models)
    many = [dataclasses.replace(one, name=f"p{i}") for i in range(300)]
    config = page.blocks(many, server.models).get_config_file()
    kinds = [component["type"] for component in config["components"]]
    assert kinds.count("dropdown") == 1
    assert "tabitem" not in kinds
    assert len(kinds) < 20


def test_no_request_reaches_for_elsewhere(server, monkeypatch):
    def refuse(*arguments, **named):
        raise AssertionError(f"a request leaves: {arguments}")

    monkeypatch.setattr(httpx, "get", refuse)
    monkeypatch.setattr(httpx, "post", refuse)
    page.blocks(page.declarations.problems(server.models), server.models)


@pytest.mark.parametrize("path", ["/etc/passwd", __file__])
def test_no_file_of_the_machine_is_shown(server, path):
    server.client.get("/")
    answer = server.client.get(f"/gradio_api/file={path}")
    assert answer.status_code == 403


def test_the_server_fetches_nothing_for_a_client(server):
    """A picture by its URL, as a client of Gradio's own protocol might send it."""
    config = json.loads(server.client.get("/config").text)
    asked = next(one["id"] for one in config["dependencies"] if len(one["outputs"]) == 6)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x.png"
        file = {"path": url, "url": url, "meta": {"_type": "gradio.FileData"}}
        sent = {"data": [file], "fn_index": asked, "session_hash": "x"}
        server.client.post("/gradio_api/queue/join", json=sent)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.slow
def test_a_new_export_has_a_tab_at_the_next_look(server, toy_exports):
    assert '"label":"later"' not in server.client.get("/").text
    toys.copy_version(toy_exports / "echo" / "1", server.folder / "later", 1)
    server.client.portal.call(server.models.look)
    assert '"label":"later"' in server.client.get("/").text
    assert answers(server, "later", "hello") == ["hello!"]
