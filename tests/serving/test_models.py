"""Versions that come and go, and failures of loading."""

import shutil
import time

import pytest

from t2t_mm import errors
from t2t_mm.serving import exports
from tests.serving import conftest, toys


def state(server, name="echo"):
    _, answer = server.get(f"/v1/models/{name}")
    return {one["version"]: one["state"] for one in answer.get("model_version_status", [])}


def answer(server):
    status, found = server.post("echo:predict", {"instances": ["a"]})
    return found["predictions"][0]["outputs"] if status == 200 else status


def look(server):
    server.client.portal.call(server.models.versions.look)


def test_versions_come_fail_and_go(tmp_path, toy_exports):
    folder = tmp_path / "exports"
    toys.copy_version(toy_exports / "echo" / "1", folder / "echo", 1)
    with conftest.Server(folder) as server:
        assert state(server) == {"1": "AVAILABLE"}
        first = server.models.version("echo")

        # A damaged version is reported once, told in the status, and the old one answers.
        (folder / "echo" / "2").mkdir()
        (folder / "echo" / "2" / "saved_model.pb").write_bytes(b"damaged")
        look(server)
        look(server)
        (line,) = server.said
        assert line.startswith("warning: echo version 2 cannot be loaded: saved_model.pb is dam")
        assert state(server) == {"2": "END", "1": "AVAILABLE"}
        assert answer(server) == "a!"
        assert server.post("echo/versions/2:predict", {"instances": ["a"]})[0] == 404

        # Mended, it is taken up; the old one is let go.
        shutil.rmtree(folder / "echo" / "2")
        toys.export(folder / "echo", 2, mark="?")
        look(server)
        assert answer(server) == "a?"
        toys.until(lambda: state(server) == {"2": "AVAILABLE", "1": "END"})
        assert first.servable is None
        assert server.post("echo/versions/1:predict", {"instances": ["a"]})[0] == 404
        assert server.get("/readyz")[0] == 200

        # Taken away, the one before answers again.
        shutil.rmtree(folder / "echo" / "2")
        look(server)
        assert answer(server) == "a!"

        # Another model comes; a model without versions goes, but not at the first look.
        toys.copy_version(toy_exports / "echo" / "1", folder / "other", 3)
        shutil.rmtree(folder / "echo" / "1")
        look(server)
        assert server.get("/v1/models")[1] == {"models": ["echo", "other"]}
        look(server)
        assert server.get("/v1/models")[1] == {"models": ["other"]}
        assert answer(server) == 404
        assert state(server, "other") == {"3": "AVAILABLE"}


def test_a_request_ends_on_the_version_it_began_on(tmp_path, toy_exports):
    folder = tmp_path / "exports"
    toys.copy_version(toy_exports / "echo" / "1", folder / "echo", 1)
    with conftest.Server(folder) as server:

        async def both():
            import asyncio

            slow = asyncio.create_task(server.models.predict("echo", {"inputs": ["slow 1"]}))
            await asyncio.sleep(0.1)
            toys.copy_version(toy_exports / "echo" / "1", folder / "echo", 2)
            await server.models.versions.look()
            there = dict(server.models.versions.models["echo"].versions)
            return {n: v.state for n, v in there.items()}, await slow

        states, found = server.client.portal.call(both)
        assert states == {1: "UNLOADING", 2: "AVAILABLE"}
        assert found["outputs"].tolist() == [b"slow 1!"]
        toys.until(lambda: state(server) == {"2": "AVAILABLE", "1": "END"})


def test_examples_warm_a_model_up_and_are_described(tmp_path):
    details = {"signatures": {"serving_default": {"examples": [{"inputs": {"inputs": "warm"}}]}}}
    toys.export(tmp_path / "echo", details=details)
    with conftest.Server(tmp_path) as server:
        assert server.models.describe("echo") == details
    details["signatures"]["serving_default"]["examples"][0]["inputs"]["inputs"] = "raise"
    toys.export(tmp_path / "echo", 2, details=details)
    with conftest.Server(tmp_path) as server:  # what cannot answer its own example is damaged
        assert state(server) == {"1": "AVAILABLE", "2": "END"}


def test_deadline(tmp_path, toy_exports):
    with conftest.Server(toy_exports / "echo", timeout_s=0.2) as server:
        began = time.monotonic()
        status, found = server.post("echo:predict", {"instances": ["slow 1.5"]})
        assert (status, found) == (
            504,
            {"error": "The answer took too long. Expected: 0.2 s at most."},
        )
        assert time.monotonic() - began < 1.2
        toys.until(lambda: not server.models.workers.busy)
        assert answer(server) == "a!"


def test_draining_refuses_what_is_new(toy_exports):
    with conftest.Server(toy_exports / "echo") as server:
        server.models.is_draining = True
        assert server.get("/readyz") == (503, {"status": "draining"})
        assert server.get("/healthz")[0] == 200
        assert answer(server) == 503


def test_nothing_to_serve(tmp_path):
    with pytest.raises(errors.ConfigError, match="is no folder"):
        exports.roots([tmp_path / "none"])
    with pytest.raises(errors.DataError, match="There is no export to serve"):
        conftest.Server(tmp_path).__enter__()
    (tmp_path / "m" / "1").mkdir(parents=True)
    with pytest.raises(errors.DataError, match="No export can be loaded. Received: .*saved_model"):
        conftest.Server(tmp_path).__enter__()


def test_a_folder_of_versions_and_a_version(tmp_path):
    for name in ("m/1", "m/02", "m/x", "n/7", "2024/1"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "empty").mkdir()
    found = {name: sorted(there) for name, (_, there) in scan(tmp_path).items()}
    assert found == {"m": [1, 2], "n": [7], "2024": [1]}
    assert list(scan(tmp_path / "m")) == ["m"]
    assert sorted(scan(tmp_path / "m", tmp_path)) == ["2024", "m", "n"]
    with pytest.raises(errors.ConfigError, match="is a version of an export.*Give --export_dir="):
        scan(tmp_path / "m" / "1")
    (tmp_path / "other" / "m" / "1").mkdir(parents=True)
    with pytest.raises(errors.ConfigError, match="Two exports are called m"):
        scan(tmp_path, tmp_path / "other")


def scan(*folders):
    return exports.scan(exports.roots(folders))
