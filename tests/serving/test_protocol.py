"""Clients that send too much, too slowly, all at once, or go away."""

import http.client
import json
import ssl
import subprocess
import threading
import time

import httpx
import pytest

from t2t_mm.serving import protocol
from tests.serving import conftest, toys

PATH = "/v1/models/echo:predict"


def post(body, *headers, length=None):
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", *headers]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def rows(*texts):
    return json.dumps({"instances": texts}).encode()


def read(connection):
    """Reads one answer: its status and JSON."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, json.loads(answer.read())


def ask(live, *texts):
    answer = httpx.post(f"{live.url}{PATH}", json={"instances": texts}, trust_env=False)
    return answer.status_code, [row["outputs"] for row in answer.json().get("predictions", [])]


@pytest.fixture(autouse=True)
def _it_lives(live):
    yield
    assert ask(live, "a") == (200, ["a!"])


def test_requests_are_answered_in_their_order_on_one_connection(live):
    with live.socket() as connection:
        connection.sendall(post(rows("a")) + post(rows("b")) + post(b"{") + post(rows("c")))
        file = connection.makefile("rb")

        class One:  # HTTPResponse closes what it reads from
            def makefile(self, mode):
                return file

        answers = []
        for _ in range(4):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += file.readline()
            size = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
            answers.append((int(head.split()[1]), json.loads(file.read(size))))
    assert [status for status, _ in answers] == [200, 200, 400, 200]
    texts = [answer["predictions"][0]["outputs"] for status, answer in answers if status == 200]
    assert texts == ["a!", "b!", "c!"]


def test_a_head_that_does_not_come_ends_the_connection(live, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_S", 0.3)
    began = time.monotonic()
    with live.socket() as connection:
        connection.sendall(b"POST /v1/mod")
        assert closed(connection)
    with live.socket() as connection:  # a byte now and then does not help
        for _ in range(20):
            try:
                connection.sendall(b"X")
            except OSError:
                break
            time.sleep(0.05)
        assert closed(connection)
    assert time.monotonic() - began < 3


def closed(connection):
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_a_body_that_does_not_come_is_408(live):
    with live.socket() as connection:
        connection.sendall(post(b'{"insta', length=50))
        status, answer = read(connection)
    assert status == 408
    assert answer["error"].startswith("The body came too slowly. Received: 7 bytes.")


def test_a_large_body_is_refused_before_it_is_read(live):
    with live.socket() as connection:
        connection.sendall(post(b"x" * 10, length=10**9))
        status, answer = read(connection)
    assert status == 413
    assert "1,000,000,000 bytes. Expected: 100,000 at most" in answer["error"]


def test_who_waits_for_100_continue_is_told_at_once(live):
    with live.socket() as connection:
        connection.sendall(post(b"", "Expect: 100-continue", length=10**9))
        assert read(connection)[0] == 413
    with live.socket() as connection:
        connection.sendall(post(b"", "Expect: 100-continue", length=len(rows("a"))))
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(rows("a"))
        assert read(connection)[0] == 200


@pytest.mark.parametrize("is_chunked", [False, True])
def test_who_sends_all_before_reading_still_reads_the_refusal(live, is_chunked):
    part = b"x" * 65536
    with live.socket() as connection:
        if is_chunked:
            connection.sendall(post(b"", "Transfer-Encoding: chunked", length=False))
            for _ in range(100):
                connection.sendall(b"10000\r\n" + part + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
        else:
            connection.sendall(post(part * 100))
        assert read(connection)[0] == 413


def test_a_refused_body_without_end_is_not_read_for_ever(live, monkeypatch):
    monkeypatch.setattr(protocol, "REST_S", 0.3)
    began = time.monotonic()
    with live.socket() as connection:
        connection.sendall(post(b"", "Transfer-Encoding: chunked", length=False))
        with pytest.raises(OSError, match="reset|pipe|refused|aborted|Broken"):
            while time.monotonic() - began < 10:
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert time.monotonic() - began < 5


def test_all_bodies_together_are_bounded(live):
    held = []
    for _ in range(3):
        connection = live.socket()
        connection.sendall(post(b" " * 90_000, length=90_001))
        held.append(connection)
    toys.until(lambda: live.run.api._bodies._held == 270_000)
    with live.socket() as connection:
        connection.sendall(post(b" " * 90_000))
        status, answer = read(connection)
    assert (status, answer["error"]) == (503, "Too much is being sent at once.")
    for connection in held:
        connection.close()
    toys.until(lambda: live.run.api._bodies._held == 0)


def test_the_work_of_a_client_that_is_gone_is_dropped(live):
    slow = threading.Thread(target=ask, args=[live, "slow 0.6"])
    slow.start()
    toys.until(lambda: live.models.workers.busy)
    before = batches(live)
    gone = live.socket()
    gone.sendall(post(rows("slow 5")))
    toys.until(lambda: live.models.in_flight == 2)
    gone.close()
    toys.until(lambda: live.models.in_flight == 1, timeout_s=0.5)
    slow.join()
    assert batches(live) == before
    text = httpx.get(f"{live.url}/metrics", trust_env=False).text
    assert 'mm_serve_errors_total{kind="client_gone",model="echo"' in text


def batches(live):
    text = httpx.get(f"{live.url}/metrics", trust_env=False).text
    return [line for line in text.splitlines() if line.startswith("mm_serve_batch_rows_count")]


def test_what_is_no_http_is_400(live):
    with live.socket() as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_so_many_connections_at_most(live, monkeypatch):
    monkeypatch.setattr(protocol, "MOST_CONNECTIONS", 3)
    toys.until(lambda: not live.run.server.server_state.connections)
    held = [live.socket() for _ in range(3)]
    toys.until(lambda: len(live.run.server.server_state.connections) == 3)
    with live.socket() as connection:
        assert read(connection) == (503, {"error": "The server has too many clients."})
    for connection in held:
        connection.close()
    toys.until(lambda: not live.run.server.server_state.connections)


def test_tokens(toy_exports, tmp_path):
    file = tmp_path / "tokens"
    file.write_text("# ours\nfirst-token-of-the-file\n\nshort\n")
    with conftest.Live(toy_exports / "echo", token_file=file) as running:
        mode, short = running.said
        assert mode.startswith("warning: others may read")
        assert short.startswith("warning: a token of")
        status = {}
        for token in (None, "first-token-of-the-file", "short", "other", "# ours"):
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            for path in ("/v1/models/echo", "/metrics", "/healthz", "/readyz"):
                answer = httpx.get(f"{running.url}{path}", headers=headers, trust_env=False)
                status[token, path] = answer.status_code
        known = ("first-token-of-the-file", "short")
        for (token, path), code in status.items():
            assert code == (200 if token in known or path.endswith("z") else 401), (token, path)
        auth = httpx.BasicAuth("anyone", "short")
        assert httpx.get(f"{running.url}/v1/models", auth=auth, trust_env=False).status_code == 200


def test_tls(toy_exports, tmp_path):
    made = ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run([*kind, "-nodes", *made, *name], check=True, capture_output=True)
    options = {"certificate": tmp_path / "cert.pem", "key": tmp_path / "key.pem"}
    with conftest.Live(toy_exports / "echo", **options) as running:
        assert running.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        answer = httpx.get(f"{running.url}/v1/models", verify=context, trust_env=False)
        assert answer.json() == {"models": ["echo"]}


def test_what_has_begun_is_answered_when_the_server_is_to_end(toy_exports):
    with conftest.Live(toy_exports / "echo") as running:
        found = []
        slow = threading.Thread(target=lambda: found.append(ask(running, "slow 1")))
        slow.start()
        toys.until(lambda: running.models.workers.busy)
        idle = running.socket()
        running.end()
        toys.until(lambda: running.models.is_draining)
        answer = httpx.get(f"{running.url}/readyz", trust_env=False)
        assert (answer.status_code, answer.json()) == (503, {"status": "draining"})
        assert (
            httpx.post(f"{running.url}{PATH}", content=rows("a"), trust_env=False).status_code
            == 503
        )
        slow.join()
        assert found == [(200, ["slow 1!"])]
        assert closed(idle)
    assert running.is_idle
    with pytest.raises(OSError, match="reset|pipe|refused|aborted|Broken"):
        running.socket()


def test_the_end_does_not_wait_for_ever(toy_exports):
    with conftest.Live(toy_exports / "echo", limits={"drain_s": 0.2}) as running:
        slow = running.socket()
        slow.sendall(post(rows("slow 4")))
        toys.until(lambda: running.models.workers.busy)
        began = time.monotonic()
        running.end()
        toys.until(lambda: not running.models.is_ready, timeout_s=3.5)
        assert time.monotonic() - began < 3.5
    assert "warning: 1 requests were not answered in time" in running.said
