"""A real S3 service for tests: SeaweedFS in a process of its own."""

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.s3.connection import AddressingStyle, RetryPolicy, S3Connection
from tests.loopback.free_ports import free_ports

ACCESS_KEY_ID = "seaweed-access-key"
SECRET_ACCESS_KEY = "seaweed-secret-of-the-tests"
BUCKET = "media"
DOMAIN = "s3.test"
"""The domain whose host names may begin with the bucket: ``media.s3.test``."""

DEFAULT_POLICY = RetryPolicy()
READY_WITHIN_SECONDS = 60.0
PORT_OPTIONS = (
    "s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port",
    "volume.port.grpc", "filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seaweed:
    """The running service; ``endpoint_url`` is its own or that of a proxy before it."""

    endpoint_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a worker store here."""
        return {
            "OBJECT_STORE": "s3",
            "S3_ENDPOINT_URL": self.endpoint_url,
            "S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "S3_BUCKET_NAME": BUCKET,
        }

    def connection(
        self,
        *,
        access_key_id: str = ACCESS_KEY_ID,
        secret_access_key: str = SECRET_ACCESS_KEY,
        addressing_style: AddressingStyle = "auto",
        retry_policy: RetryPolicy = DEFAULT_POLICY,
    ) -> S3Connection:
        return S3Connection(
            endpoint_url=self.endpoint_url,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            addressing_style=addressing_style,
            retry_policy=retry_policy,
        )


@contextmanager
def running_seaweed() -> Generator[Seaweed, None, None]:
    """Start the service with one empty bucket, on ports that were free, and stop it at the end."""
    with free_ports(len(PORT_OPTIONS)) as ports:
        yield from _running(dict(zip(PORT_OPTIONS, ports, strict=True)))


def remove_sockets(ports: Iterable[int]) -> None:
    """Remove the sockets of a killed service, whose names carry its ports."""
    for port in ports:
        for left in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
            left.unlink()


def _running(ports: dict[str, int]) -> Generator[Seaweed, None, None]:
    folder = Path(tempfile.mkdtemp(prefix="seaweed-"))
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("weed")), f"-logdir={folder}", "mini",
            f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={BUCKET}",
            "-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
            "-master.telemetry=false", "-s3.autoCreateBucket=false", f"-s3.domainName={DOMAIN}",
            *(f"-{name}={port}" for name, port in ports.items()),
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        },
        stdout=log,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        seaweed = Seaweed(f"http://127.0.0.1:{ports['s3.port']}")
        _wait_until_it_stores(seaweed, process, folder / "log")
        yield seaweed
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        log.close()
        shutil.rmtree(folder)
        remove_sockets(ports.values())


def _wait_until_it_stores(seaweed: Seaweed, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a first object is stored: volumes are allocated after the port is open."""
    client = seaweed.connection(retry_policy=RetryPolicy(attempts=1)).client()
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            client.put_object(Bucket=BUCKET, Key=f"probe/{uuid.uuid4().hex}", Body=io.BytesIO(b"x"))
        except Exception:  # noqa: BLE001 - any error means that it is not ready
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"SeaweedFS did not start:\n{log.read_text(errors='replace')[-4000:]}")
