"""An https server on the loopback that stands for hosts of the public internet."""

import datetime as dt
import socket
import ssl
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("media.example.com", "cdn.example.com")
"""Names that the server's certificate is for."""

Answer = Callable[[BaseHTTPRequestHandler], None]


class TlsServer:
    """Answers ``GET PATH`` as ``answers[PATH]`` does; ``certificate`` is the one to trust.

    ``stopped`` is set at the end, for answers that wait.
    """

    def __init__(self, folder: Path) -> None:
        self.answers: dict[str, Answer] = {}
        self.hosts: list[str | None] = []
        self.stopped = Event()
        self.certificate = folder / "certificate.pem"
        key = folder / "key.pem"
        _write_certificate(self.certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def connect(self, seconds: float) -> socket.socket:
        """Return a connection to the server."""
        return socket.create_connection(("127.0.0.1", self._server.server_port), timeout=seconds)

    def trust(self) -> ssl.SSLContext:
        """Return what verifies the server's certificate, and its name."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def close(self) -> None:
        """Stop the server."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.hosts.append(self.headers["Host"])
                answer = server.answers.get(self.path)
                if answer:
                    answer(self)
                else:
                    self.send_error(404)

            def log_message(self, *_: Any) -> None: ...

        return Handler


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that went away, or did not trust the certificate."""


def content(body: bytes, **headers: str) -> Answer:
    """Return the answer that gives ``body``."""

    def give(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return give


def redirect(url: str) -> Answer:
    """Return the answer that leads to ``url``."""

    def lead(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", url)
        request.end_headers()

    return lead


def raw(*parts: bytes, repeated: bytes = b"", pause: Callable[[], object] = bool) -> Answer:
    """Return the answer that writes ``parts``, then ``repeated`` without end, if it is given."""

    def write(request: BaseHTTPRequestHandler) -> None:
        for part in parts:
            request.wfile.write(part)
        while repeated:
            request.wfile.write(repeated)
            request.wfile.flush()
            if pause() is True:
                return

    return write


def _write_certificate(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in NAMES]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
