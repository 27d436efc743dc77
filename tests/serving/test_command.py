"""mm-serve as a command: what it prints, refuses and needs, and how it ends."""

import json
import signal
import socket
import sys
import threading

import httpx
import pytest

from t2t_mm.bin import serve
from tests.serving import toys

NOT_NEEDED = ("gin", "tensorflow_datasets", "sentencepiece", "sacrebleu", "PIL", "pydantic")
WITHOUT = """
import sys

class Refused:
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {names!r}:
            raise ImportError(name + " is not installed")

sys.meta_path.insert(0, Refused())
from t2t_mm.bin import serve
sys.exit(serve.main())
"""


def fails(capsys, *flags):
    assert serve.main([*map(str, flags)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_one_process_from_its_first_line_to_its_end(toy_exports):
    program = WITHOUT.format(names=NOT_NEEDED)
    flags = [f"--export_dir={toy_exports / 'echo'}", f"--export_dir={toy_exports / 'many'}"]
    with toys.Process(*flags, command=[sys.executable, "-c", program]) as process:
        assert process.said["models"] == ["echo", "many"]
        assert process.url.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=process.url, trust_env=False) as client:
            assert client.get("/readyz").status_code == 200
            answer = client.post("/v1/models/echo:predict", json={"instances": ["a", ""]})
            assert [row["outputs"] for row in answer.json()["predictions"]] == ["a!", ""]
        found = []

        def ask():
            asked = {"instances": ["slow 1"]}
            found.append(httpx.post(f"{process.url}/v1/models/echo:predict", json=asked).json())

        slow = threading.Thread(target=ask)
        slow.start()
        toys.until(lambda: has_begun(process.url, 2))
        code, err = process.end(signal.SIGTERM)
        slow.join()
        assert found[0]["predictions"][0]["outputs"] == "slow 1!"
        assert (code, err) == (0, "")


def has_begun(url, batches):
    text = httpx.get(f"{url}/metrics", trust_env=False).text
    labels = '{model="echo",signature="serving_default"}'
    return f"mm_serve_batch_rows_count{labels} {batches:.1f}" in text


def test_what_cannot_be_served_is_one_line(capsys, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "--export_dir is no folder. Received:" in fails(capsys, "--export_dir=none")
    said = fails(capsys, f"--export_dir={empty}", "--port=0")
    assert "There is no export to serve." in said
    assert "mm-export --export_dir=FOLDER" in said
    assert "needs tokens" in fails(capsys, f"--export_dir={empty}", "--host=0.0.0.0")
    said = fails(capsys, f"--export_dir={empty}", f"--token_file={tmp_path / 'none'}")
    assert "--token_file cannot be read." in said
    (tmp_path / "tokens").write_text("# none\n\n")
    said = fails(capsys, f"--export_dir={empty}", f"--token_file={tmp_path / 'tokens'}")
    assert "--token_file holds no token." in said
    said = fails(capsys, f"--export_dir={empty}", f"--tls_certificate={tmp_path / 'tokens'}")
    assert "The certificate and its key cannot be used." in said
    assert "needs --tls_certificate" in fails(capsys, f"--export_dir={empty}", "--tls_key=key")
    assert "--port" in fails(capsys, f"--export_dir={empty}", "--port=70000")
    assert "--host is no address" in fails(capsys, f"--export_dir={empty}", "--host=no.such.host.")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"The port {port} is in use." in fails(
            capsys, f"--export_dir={empty}", f"--port={port}"
        )


def test_a_missing_extra_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = fails(capsys, f"--export_dir={tmp_path}")
    assert "pip install 't2t-mm[serve]'" in said


@pytest.mark.slow
def test_the_second_signal_ends_at_once(toy_exports):
    with toys.Process(f"--export_dir={toy_exports / 'echo'}") as process:
        asked = json.dumps({"instances": ["slow 20"]}).encode()
        address = process.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1]))) as connection:
            connection.sendall(
                b"POST /v1/models/echo:predict HTTP/1.1\r\nHost: x\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(asked), asked)
            )
            toys.until(lambda: has_begun(process.url, 1))
            process.child.send_signal(signal.SIGINT)
            ready = f"{process.url}/readyz"
            toys.until(lambda: httpx.get(ready, trust_env=False).status_code == 503)
            code, err = process.end(signal.SIGINT, timeout_s=5)
    assert code == 130
    assert err == "mm-serve: interrupted again: ends at once\n"
