"""Recordings from URLs: what is fetched, and the table of what is refused with one message.

The names and addresses look public; every connection that is made goes to a server on the loopback,
which would give the recording. So a refusal here is the guard's, and no accident of the network.
"""

import socket
from collections.abc import Iterator, Sequence

import pytest

from adapters.web.connection import Connector
from adapters.web.recordings import WebRecordings
from application.ports.links import RecordingLinks
from domain.recording_limits import MOST_SENT_BYTES
from domain.voice_choice import LinkedRecording
from tests.contracts.recording_links import RecordingLinksContract, refusal, the_one_refusal
from tests.loopback.tls_server import Answer, TlsServer, content, raw, redirect

PUBLIC = "93.184.215.14"
OTHER_PUBLIC = "2606:4700::1111"
VOICE = "https://media.example.com/voice.wav"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    server = TlsServer(tmp_path_factory.mktemp("tls"))
    server.answers["/voice.wav"] = content(b"a voice")
    yield server
    server.close()


class Internet:
    """Names and their addresses, of which each look-up takes the next; every one has the server.

    An address in ``dead`` is out of reach. ``connected`` lists the addresses of connections.
    """

    def __init__(self, server: TlsServer) -> None:
        self.names: dict[str, list[Sequence[str]]] = {}
        self.dead: set[str] = set()
        self.connected: list[str] = []
        self._server = server

    def resolve(self, host: str) -> Sequence[str]:
        # What is no known name is taken for an address, as the system's look-up does.
        answers = self.names.get(host, [[host]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: str, seconds: float) -> socket.socket:
        self.connected.append(address)
        if address in self.dead:
            raise TimeoutError("out of reach")
        return self._server.connect(seconds)

    def links(self, *hosts: str, seconds: float = 20) -> WebRecordings:
        connector = Connector(
            resolve=self.resolve, connect=self.connect, make_tls=self._server.trust
        )
        return WebRecordings(hosts=hosts, connector=connector, seconds=seconds)


@pytest.fixture
def internet(server: TlsServer) -> Internet:
    internet = Internet(server)
    internet.names = {"media.example.com": [[PUBLIC]], "cdn.example.com": [[OTHER_PUBLIC]]}
    return internet


@pytest.fixture
def links(internet: Internet) -> WebRecordings:
    return internet.links("*")


def fetched(links: RecordingLinks, url: str = VOICE) -> bytes:
    return links.fetch(LinkedRecording("speaker_audio", url))


class TestWebRecordings(RecordingLinksContract):
    @pytest.fixture
    def links(self, internet: Internet) -> RecordingLinks:
        return internet.links("media.example.com")

    @pytest.fixture(autouse=True)
    def _server(self, server: TlsServer) -> None:
        self.server = server

    def publish(self, links: RecordingLinks, content_: bytes) -> str:
        self.server.answers["/published"] = content(content_)
        return "https://media.example.com/published"


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/voice.wav", "https://10.0.0.1/voice.wav", "https://[::1]/voice.wav"),
        *("https://169.254.169.254/voice.wav", "https://192.168.0.1/voice.wav"),
        *("https://[::ffff:127.0.0.1]/voice.wav", "https://[64:ff9b::7f00:1]/voice.wav"),
        *("https://2130706433/voice.wav", "https://0177.0.0.1/voice.wav"),
        *("https://0x7f000001/voice.wav", "https://127.1/voice.wav", f"https://{PUBLIC}/voice.wav"),
        *("https://localhost/voice.wav", "https:///voice.wav", "https://", "file:///etc/passwd"),
        *("http://media.example.com/voice.wav", "ftp://media.example.com/voice.wav"),
        *("https://media.example.com:8443/voice.wav", "https://media.example.com:x/voice.wav"),
        *("https://me:secret@media.example.com/voice.wav", "https://@media.example.com/voice.wav"),
        *("https://media.example.com\\@cdn.example.com/voice.wav", "https://[/voice.wav"),
        *("https://media.example.com/voice.wav\r\nHost: x", f"{VOICE}?{'x' * 9_000}"),
    ],
)
def test_refuses_a_url_that_is_not_a_public_name_at_https(
    links: WebRecordings, internet: Internet, url: str
) -> None:
    assert refusal(links, url) == the_one_refusal()
    assert internet.connected == []


@pytest.mark.parametrize(
    "addresses",
    [
        *([["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["100.64.0.1"], ["0.0.0.0"]]),
        *([["::1"], ["fd00:ec2::254"], ["fe80::1%eth0"], ["::ffff:10.0.0.1"]]),
        *([["64:ff9b::a00:1"], [PUBLIC, "127.0.0.1"], [OTHER_PUBLIC, PUBLIC, "fd00::1"], []]),
    ],
    ids=str,
)
def test_refuses_a_name_of_which_one_address_is_not_public(
    links: WebRecordings, internet: Internet, addresses: list[str]
) -> None:
    internet.names["media.example.com"] = [addresses]

    assert refusal(links, VOICE) == the_one_refusal()
    assert internet.connected == []


def test_connects_to_the_address_that_was_checked_whatever_the_name_means_then(
    links: WebRecordings, internet: Internet
) -> None:
    internet.names["media.example.com"] = [[PUBLIC], ["127.0.0.1"]]

    assert fetched(links) == b"a voice"
    assert internet.connected == [PUBLIC]


def test_refuses_a_name_that_has_become_private_when_a_redirect_leads_back_to_it(
    links: WebRecordings, internet: Internet, server: TlsServer
) -> None:
    internet.names["media.example.com"] = [[PUBLIC], ["127.0.0.1"]]
    server.answers["/back"] = redirect(VOICE)

    assert refusal(links, "https://media.example.com/back") == the_one_refusal()
    assert internet.connected == [PUBLIC]


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/voice.wav", "https://internal.example.com/voice.wav", "//[::1]/"),
        *("http://media.example.com/voice.wav", "file:///etc/passwd", "https://2130706433/", ""),
        *("https://media.example.com:22/voice.wav", "https://a@media.example.com/voice.wav"),
    ],
)
def test_refuses_a_redirect_to_what_it_would_not_fetch_itself(
    links: WebRecordings, internet: Internet, server: TlsServer, url: str
) -> None:
    internet.names["internal.example.com"] = [["10.0.0.1"]]
    server.answers["/leads-on"] = redirect(url)

    assert refusal(links, "https://media.example.com/leads-on") == the_one_refusal()
    assert set(internet.connected) == {PUBLIC}


def test_refuses_a_redirect_to_a_host_that_is_not_allowed(
    internet: Internet, server: TlsServer
) -> None:
    server.answers["/away"] = redirect("https://cdn.example.com/voice.wav")

    found = refusal(internet.links("media.example.com"), "https://media.example.com/away")

    assert found == the_one_refusal()
    assert internet.connected == [PUBLIC]


def test_follows_three_redirects_and_no_fourth(links: WebRecordings, server: TlsServer) -> None:
    server.answers["/1"] = redirect("/voice.wav")
    server.answers["/2"] = redirect("//cdn.example.com/1")
    server.answers["/3"] = redirect("https://media.example.com/2")
    server.answers["/4"] = redirect("3")

    assert fetched(links, "https://media.example.com/3") == b"a voice"
    assert refusal(links, "https://media.example.com/4") == the_one_refusal()


@pytest.mark.parametrize(
    "hosts", [(), ("example.com",), ("cdn.example.com",), ("a.media.example.com",)], ids=str
)
def test_refuses_a_host_that_is_not_named(internet: Internet, hosts: tuple[str, ...]) -> None:
    assert refusal(internet.links(*hosts), VOICE) == the_one_refusal()
    assert internet.connected == []


@pytest.mark.parametrize(
    "url",
    [
        *("https://MEDIA.example.com./voice.wav", "https://media.example.com:443/voice.wav"),
        *(f"{VOICE}#t=1", "HTTPS://media.example.com/voice.wav"),
    ],
)
def test_fetches_from_a_named_host_however_it_is_written(
    internet: Internet, server: TlsServer, url: str
) -> None:
    server.hosts.clear()

    assert fetched(internet.links("media.example.com"), url) == b"a voice"
    assert server.hosts == ["media.example.com"]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/endless", raw(OK, b"\r\n", repeated=b"x" * 65_536)),
        ("/endless-chunks", raw(OK, CHUNKED, repeated=b"8000\r\n" + b"x" * 0x8000 + b"\r\n")),
        ("/cut-off-chunks", raw(OK, CHUNKED, b"8000\r\nx")),
        ("/endless-head", raw(OK, repeated=b"X-More: of it\r\n")),
        ("/endless-line", raw(OK, b"X: ", repeated=b"x" * 4_096)),
        ("/large", content(b"x", Content_Length=str(MOST_SENT_BYTES + 1))),
        ("/cut-off", content(b"only a part", Content_Length="1000")),
        ("/packed", content(b"x", Content_Encoding="gzip")),
        ("/partial", raw(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx")),
        ("/failing", raw(b"HTTP/1.1 500 Fault\r\nContent-Length: 1\r\n\r\nx")),
        ("/other-protocol", raw(b"220 smtp.example.com ESMTP\r\n")),
        ("/silent", raw()),
    ],
)
def test_refuses_an_answer_that_is_no_complete_recording(
    links: WebRecordings, server: TlsServer, path: str, answer: Answer
) -> None:
    server.answers[path] = answer

    assert refusal(links, f"https://media.example.com{path}") == the_one_refusal()


def test_refuses_an_answer_that_comes_byte_by_byte_for_too_long(
    internet: Internet, server: TlsServer
) -> None:
    def until_the_server_stops() -> bool:
        return server.stopped.wait(0.01)

    server.answers["/trickle"] = raw(OK, b"\r\n", repeated=b"x", pause=until_the_server_stops)
    links = internet.links("*", seconds=0.3)

    assert refusal(links, "https://media.example.com/trickle") == the_one_refusal()


def test_refuses_a_name_whose_look_up_does_not_end(server: TlsServer) -> None:
    def hang(_: str) -> Sequence[str]:
        server.stopped.wait()
        return [PUBLIC]

    links = WebRecordings(hosts=["*"], connector=Connector(resolve=hang), seconds=0.1)

    assert refusal(links, VOICE) == the_one_refusal()


def test_refuses_a_name_that_does_not_exist() -> None:
    def fail(_: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    links = WebRecordings(hosts=["*"], connector=Connector(resolve=fail))

    assert refusal(links, VOICE) == the_one_refusal()


def test_refuses_a_host_whose_certificate_is_for_another_name(
    links: WebRecordings, internet: Internet
) -> None:
    internet.names["other.example.com"] = [[PUBLIC]]

    assert refusal(links, "https://other.example.com/voice.wav") == the_one_refusal()


def test_refuses_a_certificate_that_nobody_vouches_for(internet: Internet) -> None:
    connector = Connector(resolve=internet.resolve, connect=internet.connect)
    links = WebRecordings(hosts=["*"], connector=connector)

    assert refusal(links, VOICE) == the_one_refusal()
    assert internet.connected == [PUBLIC]


def test_tries_the_next_address_of_a_host_that_is_partly_out_of_reach(
    links: WebRecordings, internet: Internet
) -> None:
    internet.names["media.example.com"] = [[OTHER_PUBLIC, PUBLIC]]
    internet.dead = {OTHER_PUBLIC}

    assert fetched(links) == b"a voice"
    assert internet.connected == [OTHER_PUBLIC, PUBLIC]


def test_refuses_a_host_that_is_out_of_reach(links: WebRecordings, internet: Internet) -> None:
    internet.dead = {PUBLIC}

    assert refusal(links, VOICE) == the_one_refusal()


def test_takes_no_proxy_from_the_environment(
    links: WebRecordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert fetched(links) == b"a voice"


def test_asks_for_the_path_and_query_as_they_are_signed(
    links: WebRecordings, server: TlsServer
) -> None:
    server.answers["/a%20b/%C3%BC?X-Sig=a%2Fb&c=d+e"] = content(b"signed")

    assert fetched(links, "https://media.example.com/a%20b/ü?X-Sig=a%2Fb&c=d+e") == b"signed"
