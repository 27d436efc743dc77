"""A local S3 server, and a proxy before it that does one thing wrong."""

import contextlib
import http.client
import http.server
import socket
import struct
import threading
import time

import pytest

from t2t_mm.files import mirrors, paths, stores

FAULTS = (
    "500",
    "503",
    "reset",
    "hang",
    "cut_download",
    "short_download",
    "flipped_download",
    "cut_upload",
    "lost_upload",
    "missing",
    "denied",
    "no_bucket",
)
UPLOADS = ("cut_upload", "lost_upload")
DOWNLOADS = ("cut_download", "short_download", "flipped_download")
HANG_S = 1.5
BUCKET = "bucket"


def _error(status, code):
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return status, body.encode()


_ANSWERS = {
    "500": _error(500, "InternalError"),
    "503": _error(503, "SlowDown"),
    "missing": _error(404, "NoSuchKey"),
    "denied": _error(403, "AccessDenied"),
    "no_bucket": _error(404, "NoSuchBucket"),
}


class Proxy:
    """Passes requests on; of those that a fault concerns, `times` go wrong, from `first` on."""

    def __init__(self, host, port):
        self.backend = host, port
        self.fault, self.first, self.times, self.seen = None, 0, 0, 0
        self.concerned = self.hits = 0
        self._lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                with contextlib.suppress(OSError):
                    super().handle_one_request()

            def log_message(self, *_):
                pass

            def _any(self):
                proxy.serve(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _any  # noqa: N815

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def breaks(self, fault, first=0, times=1):
        self.fault, self.first, self.times = fault, first, times
        self.seen = self.concerned = self.hits = 0

    def _fault(self, handler, body):
        """Counts a request; returns what is to go wrong with it, if anything."""
        is_upload = handler.command == "PUT" and body
        is_download = handler.command == "GET" and "?" not in handler.path
        with self._lock:
            self.seen += 1
            if self.fault in UPLOADS and not is_upload:
                return None
            if self.fault in DOWNLOADS and not is_download:
                return None
            number = self.concerned
            self.concerned += 1
            if not self.fault or not self.first <= number < self.first + self.times:
                return None
            self.hits += 1
            return self.fault

    def serve(self, handler):
        body = self._body(handler)
        fault = self._fault(handler, body)
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()
            handler.close_connection = True
            return
        if fault == "hang":
            time.sleep(HANG_S)
            handler.close_connection = True
            return
        if fault in _ANSWERS:
            status, data = _ANSWERS[fault]
            self._answer(handler, status, {"Content-Type": "application/xml"}, data)
            return
        if fault == "lost_upload":
            self._answer(handler, 200, {"ETag": '"0"'}, b"")
            return
        headers = {k: v for k, v in handler.headers.items() if k.lower() != "transfer-encoding"}
        if fault == "cut_upload":
            body = body[: len(body) // 2]
            dropped = ("x-amz-checksum", "content-md5", "x-amz-sdk-checksum")
            headers = {k: v for k, v in headers.items() if not k.lower().startswith(dropped)}
        headers["Content-Length"] = str(len(body))
        upstream = http.client.HTTPConnection(*self.backend, timeout=20)
        upstream.request(handler.command, handler.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        sent = {k: v for k, v in answer.getheaders() if k.lower() != "transfer-encoding"}
        if fault == "short_download":
            data = data[: len(data) // 2]
        if fault == "flipped_download":
            data = bytes([data[0] ^ 1]) + data[1:]
        if fault == "cut_download":
            self._answer(handler, answer.status, sent, data, kept=len(data) // 2)
            return
        self._answer(handler, answer.status, sent, data)

    @staticmethod
    def _body(handler):
        if "chunked" in handler.headers.get("Transfer-Encoding", "").lower():
            body = b""
            while size := int(handler.rfile.readline().split(b";")[0], 16):
                body += handler.rfile.read(size)
                handler.rfile.readline()
            handler.rfile.readline()
            return body
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

    @staticmethod
    def _answer(handler, status, headers, data, kept=None):
        handler.send_response(status)
        head = handler.command == "HEAD"
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "date", "server"):
                handler.send_header(name, value)
        length = headers.get("Content-Length", "0") if head else str(len(data))
        handler.send_header("Content-Length", length)
        handler.end_headers()
        if not head:
            handler.wfile.write(data if kept is None else data[:kept])
            handler.wfile.flush()
        if kept is not None:
            handler.close_connection = True


@contextlib.contextmanager
def server():
    """Yields a proxy before a server with an empty bucket."""
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    proxy = Proxy(host, port)
    try:
        yield proxy
    finally:
        proxy.server.shutdown()
        moto.stop()


@pytest.fixture(scope="module")
def proxy():
    with server() as served:
        yield served


@pytest.fixture
def s3(proxy, monkeypatch):
    """Returns the proxy, with an empty bucket behind it."""
    import boto3
    import s3fs

    for name, value in (
        ("AWS_ENDPOINT_URL", proxy.url),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("T2T_MM_STORE_TIMEOUT_S", "1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(stores, "_PAUSE_S", 0.01)
    s3fs.S3FileSystem.clear_instance_cache()
    proxy.breaks(None)
    proxy.client = boto3.client("s3", endpoint_url="http://{}:{}".format(*proxy.backend))
    proxy.client.create_bucket(Bucket=BUCKET)
    yield proxy
    proxy.breaks(None)
    for entry in proxy.client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        proxy.client.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Returns a function: begins a new process on a machine, with a cache of its own."""

    def begin(name):
        monkeypatch.setenv(mirrors.CACHE_VARIABLE, str(tmp_path / name))
        monkeypatch.setattr(mirrors, "_mirrors", {})
        return paths.expanded("s3://bucket/data/p/1.0.0")

    return begin
