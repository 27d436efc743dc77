"""A server on this machine that misbehaves as told, request by request."""

import contextlib
import gzip
import hashlib
import http.server
import re
import socket
import ssl
import struct
import threading

import pytest
import trustme

from t2t_mm.datagen import progress
from t2t_mm.downloads import control, declaration

PAGE = b"<!DOCTYPE html>\n<html><body>Log in to go on</body></html>\n"
QUICK = control.Patience(tries=3, connect_s=2.0, read_s=0.4, pause_s=0.01, longest_pause_s=0.05)


class Server:
    """Serves `files`, by path; `faults` are consumed by requests, one each (`faults_of` by path).

    A request without a fault is answered as a good server does, with ranges and ETags.
    """

    def __init__(self):
        self.files = {}
        self.faults = []
        self.faults_of = {}
        self.requests = []
        self.leave = threading.Event()
        outer = self

        class Handler(_Handler):
            server_state = outer

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # connections that end as told
        self.scheme = "http"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def start(self, context=None):
        if context is not None:
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
            self.scheme = "https"
        self._thread.start()
        return self

    def stop(self):
        self.leave.set()
        self._http.shutdown()
        self._http.server_close()

    def url(self, name):
        return f"{self.scheme}://localhost:{self._http.server_port}/{name}"

    def put(self, name, content):
        """Serves a file, and returns its declaration."""
        self.files[f"/{name}"] = content
        return declaration.Download(
            self.url(name), len(content), hashlib.sha256(content).hexdigest()
        )


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        state = self.server_state
        state.requests.append((self.path, dict(self.headers)))
        content = state.files.get(self.path)
        faults = state.faults_of.get(self.path, state.faults)
        fault = faults.pop(0) if faults else ""
        with contextlib.suppress(OSError):
            if content is None and not fault:
                fault = "status 404"
            name, _, rest = fault.partition(" ")
            if name:
                getattr(self, f"do_{name}")(content or b"", rest)
            else:
                self._good(content)

    def _good(self, content):
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        fits = self.headers.get("If-Range", tag) == tag
        if asked and fits and int(asked[1]) >= len(content):
            self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        elif asked and fits:
            start = int(asked[1])
            self._send(
                206,
                content[start:],
                {
                    "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}",
                    "ETag": tag,
                },
            )
        else:
            self._send(200, content, {"ETag": tag, "Accept-Ranges": "bytes"})

    def _send(self, status, body, headers=(), *, length=None, end=False):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if length != "":
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = self.close_connection or end

    def do_status(self, content, number):
        self._send(int(number), b"no\n", {"Retry-After": "1"} if number == "503" else {})

    def do_late(self, content, rest):
        self.server_state.leave.wait(0.3)
        self._send(404, b"no\n")

    def do_page(self, content, rest):
        self._send(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})

    def do_broken(self, content, rest):
        """Promises all, and breaks off in the middle."""
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        self._send(200, content[: len(content) // 2], {"ETag": tag}, length=len(content), end=True)

    def do_cut(self, content, rest):
        """Has only half of the file, and says so."""
        self._send(200, content[: len(content) // 2])

    def do_long(self, content, rest):
        self._send(200, content + b"and more", length="", end=True)

    def do_wrong(self, content, rest):
        self._send(200, bytes(byte ^ 1 for byte in content))

    def do_redirect(self, content, to):
        self._send(302, b"", {"Location": to or self.path})

    def do_stall(self, content, rest):
        self._send(200, content[: len(content) // 2], length=len(content))
        self.server_state.leave.wait(5)
        self.close_connection = True

    def do_trickle(self, content, rest):
        self._send(200, b"", length=len(content), end=True)
        for place in range(len(content)):
            self.wfile.write(content[place : place + 1])
            self.wfile.flush()
            if self.server_state.leave.wait(0.1):
                break

    def do_whole(self, content, rest):
        """Ignores ranges."""
        self._send(200, content)

    def do_elsewhere(self, content, rest):
        """Answers with another range than was asked for."""
        self._send(
            206, content[1:], {"Content-Range": f"bytes 1-{len(content) - 1}/{len(content)}"}
        )

    def do_unsatisfied(self, content, rest):
        self._send(416, b"")

    def do_coded(self, content, rest):
        """Compresses for transport, unasked."""
        self._send(200, gzip.compress(content), {"Content-Encoding": "gzip"})

    def do_mislabelled(self, content, rest):
        """Calls a packed file one of gzip coding."""
        self._send(200, content, {"Content-Encoding": "gzip"})

    def do_strange(self, content, rest):
        self._send(200, content, {"Content-Encoding": "rot13"})

    def do_reset(self, content, rest):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def do_garbage(self, content, rest):
        self.wfile.write(b"\x00\xffthis is not HTTP\r\n\r\n")
        self.close_connection = True

    def do_chunks(self, content, rest):
        """Breaks off a body in chunks."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        half = content[: len(content) // 2]
        self.wfile.write(f"{len(half):x}\r\n".encode() + half + b"\r\n")
        self.close_connection = True

    def do_unsized(self, content, rest):
        """Says nothing of the size, and closes after half of it."""
        self._send(200, content[: len(content) // 2], length="", end=True)


class Said(progress.Progress):
    """Keeps what was told."""

    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture
def server():
    serving = Server().start()
    yield serving
    serving.stop()


@pytest.fixture
def secure_server(tmp_path, monkeypatch):
    """A server by https, whose certificate this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    serving = Server().start(context)
    yield serving
    serving.stop()


@pytest.fixture
def said():
    return Said()
