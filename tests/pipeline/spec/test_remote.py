"""Downloads of references, from a real local TLS server that the tests treat as public."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
import trustme
from PIL import Image

from brandpress.pipeline.spec import inspection, picture_cache, remote
from brandpress.pipeline.spec.brand_file import examine_brand
from brandpress.pipeline.spec.inspection import inspect_all
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.public_address import is_public
from brandpress.pipeline.spec.remote import HOSTS, MAX_SECONDS, Downloader

HOST = "pictures.example.com"
MAX_BYTES = 100_000


@dataclass
class Site:
    """The server: its answers keyed by path, as (status, body), and the paths that were requested.

    trust: the context that trusts its certificate; None: the system's. drip: the part that is sent a byte at a time.
    validators: the headers of all answers. statuses: of the answers. hangs_up: closes each connection after its
    answer, without saying so."""

    port: int = 0
    trust: ssl.SSLContext | None = None
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    requested_paths: list[str] = field(default_factory=list)
    drip: str = ""
    validators: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    connections: int = 0
    hangs_up: bool = False

    def url(self, path: str = "/mug.png") -> str:
        return f"https://{HOST}:{self.port}{path}"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            site.connections += 1

        def do_GET(self) -> None:
            site.requested_paths.append(self.path)
            if site.drip:
                self.send_slowly()
                return
            status, body = site.answers.get(self.path, (404, b""))
            sent = {self.headers["If-None-Match"], self.headers["If-Modified-Since"]} - {None}
            if sent and sent == set(site.validators.values()):
                status, body = 304, b""
            site.statuses.append(status)
            self.send_response(status)
            for name, value in site.validators.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", "https://169.254.169.254/latest/meta-data")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection |= site.hangs_up

        def send_slowly(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.0 200 OK\r\nX-A: " + (b"a\r\n\r\n" if site.drip == "body" else b""))
                for _ in range(600):
                    self.wfile.write(b"a")
                    time.sleep(0.1)

        def log_message(self, *arguments: object) -> None:
            pass

    authority = trustme.CA()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port, site.trust = server.server_port, ssl.create_default_context()
    authority.configure_trust(site.trust)
    monkeypatch.setenv(HOSTS, f"other.org, {HOST}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treats this machine's address as public: a mock, because tests must not use the network."""
    monkeypatch.setattr(remote, "is_public", lambda address: True)


def downloader(site: Site, address: str = "127.0.0.1", seconds: float = MAX_SECONDS) -> Downloader:
    return Downloader(resolve=lambda host, port: [address], context=site.trust, seconds=seconds)


def get(site: Site, url: str, address: str = "127.0.0.1") -> Path:
    with downloader(site, address) as own:
        return own.fetch(url, MAX_BYTES)


def rejection(site: Site, url: str, address: str = "127.0.0.1") -> str:
    with pytest.raises(WrongValueError) as error:
        get(site, url, address)
    return f"{error.value.what}; {error.value.allowed}"


def test_a_picture_is_cached_by_its_digest(site: Site, public: None, tmp_path: Path) -> None:
    site.answers["/m%C3%BCg.png"] = (200, b"picture")
    cached = get(site, site.url("/m\u00fcg.png"))
    assert cached.read_bytes() == b"picture"
    assert cached.is_relative_to(tmp_path / "cache")
    cached.write_bytes(b"damaged")
    assert get(site, site.url("/m%C3%BCg.png")) == cached
    assert cached.read_bytes() == b"picture"


VALIDATORS = [{"ETag": '"1"'}, {"Last-Modified": "Fri, 27 Nov 2026 10:00:00 GMT"}]


@pytest.mark.parametrize("validators", [*VALIDATORS, VALIDATORS[0] | VALIDATORS[1]])
def test_an_unchanged_file_is_not_downloaded_again(site: Site, public: None, validators: dict[str, str]) -> None:
    site.answers["/mug.png"], site.validators = (200, b"picture"), validators
    cached = get(site, site.url())
    assert get(site, site.url()) == cached
    assert site.statuses == [200, 304]
    site.answers["/mug.png"] = (200, b"another picture")
    site.validators = dict.fromkeys(validators, "changed")
    assert get(site, site.url()).read_bytes() == b"another picture"
    assert site.statuses == [200, 304, 200]


def test_a_damaged_file_in_the_cache_is_downloaded_again(site: Site, public: None) -> None:
    site.answers["/mug.png"], site.validators = (200, b"picture"), VALIDATORS[0]
    cached = get(site, site.url())
    cached.write_bytes(b"damaged")
    assert get(site, site.url()).read_bytes() == b"picture"
    cached.unlink()
    assert get(site, site.url()).read_bytes() == b"picture"
    assert site.statuses == [200, 200, 200]


@pytest.mark.parametrize("entry", [b"", b"[]", b'{"sha256": 1}', b'{"sha256": "../x", "etag": "1"}', b"[" * 9_000])
def test_a_damaged_entry_of_the_cache_is_ignored(site: Site, public: None, entry: bytes) -> None:
    site.answers["/mug.png"], site.validators = (200, b"picture"), VALIDATORS[0]
    cached = get(site, site.url())
    [kept] = cached.parent.glob("*.json")
    kept.write_bytes(entry)
    assert get(site, site.url()) == cached
    assert site.statuses == [200, 200]


def test_a_file_without_validators_is_downloaded_each_time(site: Site, public: None) -> None:
    site.answers["/mug.png"] = (200, b"picture")
    assert get(site, site.url()) == get(site, site.url())
    assert site.statuses == [200, 200]


def test_a_validator_that_is_no_header_is_not_kept(site: Site, public: None) -> None:
    site.answers["/mug.png"], site.validators = (200, b"picture"), {"ETag": "1" * 2_000}
    get(site, site.url())
    assert get(site, site.url()).read_bytes() == b"picture"
    assert site.statuses == [200, 200]


def test_a_connection_is_kept_for_the_next_file(site: Site, public: None) -> None:
    site.answers = {"/a.png": (200, b"a"), "/b.png": (200, b"b")}
    with downloader(site) as own:
        assert [own.fetch(site.url(path), MAX_BYTES).read_bytes() for path in ("/a.png", "/b.png")] == [b"a", b"b"]
        with pytest.raises(WrongValueError, match="HTTP 404"):
            own.fetch(site.url("/c.png"), MAX_BYTES)
        assert own.fetch(site.url("/a.png"), MAX_BYTES).read_bytes() == b"a"
    assert site.connections == 2  # the unread answer to /c.png closed the first


def test_a_connection_that_its_server_closed_is_opened_again(site: Site, public: None) -> None:
    site.answers, site.hangs_up = {"/a.png": (200, b"a")}, True
    with downloader(site) as own:
        for _ in range(3):
            assert own.fetch(site.url("/a.png"), MAX_BYTES).read_bytes() == b"a"
    assert site.connections == 3


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://pictures.example.com/a.png", "can't be fetched"),
        ("file:///etc/passwd", "can't be fetched"),
        ("s3://bucket/a.png", "can't be fetched"),
        ("https://", "can't be fetched"),
        ("https://me:hush@pictures.example.com/a.png", "must not hold credentials"),
        ("https://pictures.example.com/a.png?X-Amz-Signature=hush", "has a query or a fragment"),
        ("https://pictures.example.com/a.png#hush", "has a query or a fragment"),
        ("https://evil.org/a.png", "doesn't allow 'evil.org'"),
        ("https://pictures.example.com.evil.org/a.png", "doesn't allow"),
        ("https://sub.pictures.example.com/a.png", "doesn't allow"),
        ("https://[::1/a.png", "isn't an address"),
        ("https://pictures.example.com:99999/a.png", "isn't an address"),
    ],
)
def test_invalid_addresses_are_rejected_without_a_request(site: Site, url: str, words: str) -> None:
    message = rejection(site, url)
    assert words in message
    assert "hush" not in message.partition("#")[0]
    assert site.requested_paths == []


def test_no_host_is_allowed_by_default(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOSTS)
    assert "doesn't allow" in rejection(site, site.url())


def test_a_star_allows_all_subdomains(site: Site, public: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, "*.example.com")
    site.answers["/mug.png"] = (200, b"picture")
    assert get(site, site.url()).read_bytes() == b"picture"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
        "64:ff9b:1::5db8:d70e",
        "::10.0.0.1",
        "::93.184.215.14",
        "::ffff:93.184.215.14",
        "::ffff:0:10.0.0.1",
        "2002:0a00:0001::1",
        "2001:0:5db8:d70e:0:0:f5ff:fffe",
        "fec0::1",
        "fe80::1%lo",
        "ff02::1",
        "fd00:ec2::254",
        "0.1.2.3",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "240.0.0.1",
        "not an address",
    ],
)
def test_private_addresses_are_never_requested(site: Site, address: str) -> None:
    assert not is_public(address)
    assert "private network" in rejection(site, site.url(), address)
    assert site.requested_paths == []


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough(site: Site) -> None:
    with pytest.raises(WrongValueError, match="private network"):
        Downloader(resolve=lambda host, port: ["93.184.215.14", "10.0.0.1"]).fetch(site.url(), MAX_BYTES)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b"", "the server returned HTTP 404"),
        (302, b"", "has moved"),
        (200, b"x" * (MAX_BYTES + 1), "is larger than 100,000 bytes"),
    ],
)
def test_rejected_responses(site: Site, public: None, status: int, body: bytes, words: str) -> None:
    site.answers["/mug.png"] = (status, body)
    assert words in rejection(site, site.url())


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_host_that_drips_is_given_up(site: Site, public: None, part: str) -> None:
    """Each byte comes well within the socket's timeout."""
    site.drip = part
    start = time.monotonic()
    with pytest.raises(WrongValueError) as error, downloader(site, seconds=1) as impatient:
        impatient.fetch(site.url(), MAX_BYTES)
    assert "takes longer than 1 s" in error.value.what
    assert time.monotonic() - start < 30  # of the minute that the server takes


def test_an_untrusted_certificate(site: Site, public: None) -> None:
    site.trust = None
    assert "can't be fetched" in rejection(site, site.url())


def test_a_server_that_is_down(site: Site, public: None) -> None:
    assert "can't be fetched" in rejection(site, f"https://{HOST}:1/mug.png")


def test_a_host_that_cannot_be_reached_is_given_up(site: Site, public: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """10,000 pictures on a dead host would take hours."""
    connects: list[object] = []
    connect, site.answers = socket.create_connection, {"/a.png": (200, b"a")}
    monkeypatch.setattr(socket, "create_connection", lambda *given: connects.append(given) or connect(*given))
    with downloader(site) as own:
        given_up = "can't be reached, 3 connections in a row have failed: Connection refused"
        for reason in [r"1/0.png' can't be fetched: Connection refused"] * 3 + [f"1/0.png': '{HOST}' {given_up}"] * 3:
            with pytest.raises(WrongValueError, match=reason):
                own.fetch(f"https://{HOST}:1/0.png", MAX_BYTES)
        assert len(connects) == 3
        assert own.fetch(site.url("/a.png"), MAX_BYTES).read_bytes() == b"a"


@pytest.mark.parametrize("addresses", [None, ["10.0.0.1"]])
def test_a_host_is_looked_up_once(site: Site, addresses: list[str] | None) -> None:
    lookups: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        lookups.append(host)
        if addresses is None:
            raise OSError
        return addresses

    with Downloader(resolve=resolve) as own:
        for path in ("/a.png", "/b.png"):
            with pytest.raises(WrongValueError, match=f"{path}.*(there is no host|private network)"):
                own.fetch(site.url(path), MAX_BYTES)
    assert lookups == [HOST]


def test_a_brand_with_an_address(site: Site, public: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (96, 80), "red").save(tmp_path / "mug.png")
    site.answers["/mug.png"] = (200, (tmp_path / "mug.png").read_bytes())
    site.answers["/page.html"] = (200, b"<html>")
    trust = site.trust
    monkeypatch.setattr(remote.ssl, "create_default_context", lambda: trust)
    monkeypatch.setattr(remote, "addresses_of", lambda host, port: ["127.0.0.1"])
    file = tmp_path / "brand.yaml"
    file.write_text(
        f"brand: northwind\nproducts:\n  mug: {{description: a mug, references: [{site.url()}]}}\n"
        f"  page: {{description: a page, references: [{site.url('/page.html')}]}}\n"
    )
    examined = examine_brand(file)
    assert [str(problem) for problem in examined.problems] == [
        f"{file}:4:44: products.page: {site.url('/page.html')!r} is a web page; download the picture itself"
    ]
    assert (examined.pictures[site.url()].file, examined.pictures[site.url()].width) == (site.url(), 96)


def test_many_addresses_share_connections_and_are_not_decoded_twice(
    site: Site, public: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.validators, trust = VALIDATORS[0], site.trust
    for number in range(60):
        picture = BytesIO()
        Image.new("RGB", (96, 80), (number, 0, 0)).save(picture, "PNG")
        site.answers[f"/{number}.png"] = (200, picture.getvalue())
    monkeypatch.setattr(remote.ssl, "create_default_context", lambda: trust)
    monkeypatch.setattr(remote, "addresses_of", lambda host, port: ["127.0.0.1"])
    now = time.time_ns
    monkeypatch.setattr(picture_cache.time, "time_ns", lambda: now() + 10**10)  # so that the files count as settled
    addresses = [site.url(path) for path in site.answers]
    pictures, errors = inspect_all(addresses, tmp_path)
    assert (list(pictures), errors) == (addresses, {})
    assert site.connections <= inspection.DOWNLOAD_THREADS
    monkeypatch.setattr(inspection, "inspect_file", lambda file, path: pytest.fail(f"{file} is decoded again"))
    assert inspect_all(addresses, tmp_path) == (pictures, {})
    assert site.statuses == [200] * 60 + [304] * 60
