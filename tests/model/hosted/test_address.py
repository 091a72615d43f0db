"""The key is sent to BFL and nowhere else."""

from __future__ import annotations

import asyncio

import pytest
from httpx2 import URL

from brandpress.model.errors import HostedError, RequestError
from brandpress.model.family import REGIONS
from brandpress.model.hosted.address import Service, service_of


@pytest.fixture(autouse=True)
def _no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFL_API_URL", raising=False)


@pytest.mark.parametrize(
    ("region", "base"),
    [
        (None, "https://api.bfl.ai"),
        ("global", "https://api.bfl.ai"),
        ("eu", "https://api.eu.bfl.ai"),
        ("us", "https://api.us.bfl.ai"),
    ],
)
def test_each_region_has_its_address(region: str | None, base: str) -> None:
    assert service_of(region) == Service(URL(base))


def test_an_unknown_region_is_rejected_with_the_allowed_ones() -> None:
    with pytest.raises(RequestError, match="region 'mars': allowed: global, eu, us"):
        service_of("mars")
    assert REGIONS == ("global", "eu", "us")


@pytest.mark.parametrize(
    "address", ["https://proxy.example.com/bfl", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1"]
)
def test_the_environment_overrides_the_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_URL", f" {address} ")
    assert service_of("eu") == Service(URL(address), overridden=True)


@pytest.mark.parametrize(
    "address",
    [
        "http://proxy.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "proxy.example.com",
        "https://user:secret@proxy.example.com",
        "https://proxy.example.com/?token=secret",
        "https://proxy.example.com/\n",
        "https://",
    ],
)
def test_an_unsafe_override_is_rejected(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_URL", address if address.strip() == address else f"{address}x")
    with pytest.raises(HostedError, match="BFL_API_URL") as caught:
        service_of(None)
    assert "secret" not in str(caught.value)


def test_an_unknown_region_is_rejected_even_with_an_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_URL", "https://proxy.example.com")
    with pytest.raises(RequestError):
        service_of("mars")


OWN = Service(URL("http://127.0.0.1:8080"), overridden=True)
REAL = Service(URL("https://api.bfl.ai"))


@pytest.mark.parametrize(
    ("service", "address"),
    [
        (REAL, "https://api.bfl.ai/v1/get_result?id=1"),
        (REAL, "https://api.us1.bfl.ai/v1/get_result?id=1"),
        (REAL, "https://bfl.ai/x"),
        (REAL, "https://API.EU.BFL.AI:443/x"),
        (OWN, "http://127.0.0.1:8080/v1/get_result?id=1"),
        (OWN, "https://api.eu.bfl.ai/v1/get_result?id=1"),
    ],
)
def test_the_key_can_be_sent_to_bfl(service: Service, address: str) -> None:
    assert service.status_address(address) == URL(address)


@pytest.mark.parametrize(
    ("service", "address"),
    [
        (REAL, "http://api.bfl.ai/x"),
        (REAL, "https://notbfl.ai/x"),
        (REAL, "https://bfl.ai.example.com/x"),
        (REAL, "https://example.com/.bfl.ai"),
        (REAL, "https://api.bfl.ai@example.com/x"),
        (REAL, "https://example.com\\@api.bfl.ai.example.com/x"),
        (REAL, "https://example.com#.bfl.ai"),
        (REAL, "https://api.bfl.ai\N{IDEOGRAPHIC FULL STOP}example.com/x"),
        (REAL, "https://api.bfl.a\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}/x"),
        (REAL, "ftp://api.bfl.ai/x"),
        (REAL, "/v1/get_result?id=1"),
        (REAL, "//api.bfl.ai/x"),
        (REAL, ""),
        (REAL, "http://127.0.0.1:8080/x"),
        (OWN, "http://127.0.0.1:8081/x"),
        (OWN, "https://127.0.0.1:8080/x"),
        (OWN, "http://localhost:8080/x"),
        (OWN, "http://127.0.0.1.example.com:8080/x"),
    ],
)
def test_the_key_is_sent_nowhere_else(service: Service, address: str) -> None:
    with pytest.raises(HostedError, match="polling_url"):
        service.status_address(address)


def test_a_picture_can_be_on_any_host_over_https() -> None:
    address = "https://delivery.example.com/results/1?sig=2"
    assert REAL.picture_address(address) == URL(address)
    assert OWN.picture_address("http://127.0.0.1:99/1?sig=2").port == 99


@pytest.mark.parametrize(
    ("service", "address"),
    [
        (REAL, "http://delivery.bfl.ai/1?sig=hidden"),
        (REAL, "http://127.0.0.1/1?sig=hidden"),
        (OWN, "http://delivery.bfl.ai/1?sig=hidden"),
        (OWN, "file:///etc/passwd"),
        (REAL, "data:image/png;base64,hidden"),
    ],
)
def test_an_unencrypted_picture_is_not_downloaded(service: Service, address: str) -> None:
    with pytest.raises(HostedError, match=r"result\.sample") as caught:
        service.picture_address(address)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.7", "192.168.1.1", "169.254.169.254", "[::1]", "[fd00::1]", "[::ffff:10.0.0.1]"],
)
@pytest.mark.parametrize("service", [REAL, Service(URL("https://proxy.example.com"), overridden=True)])
def test_a_picture_is_not_downloaded_from_a_private_network(
    service: Service, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    with pytest.raises(HostedError, match="is in a private network, so the picture wasn't downloaded"):
        asyncio.run(service.check_public(URL(f"https://{host}/picture.png?sig=secret")))


@pytest.mark.parametrize(
    ("service", "url"),
    [
        (REAL, "https://8.8.8.8/a"),
        (REAL, "https://[2606:4700::1111]/a"),
        (REAL, "https://no-such-host.invalid/a"),
        (OWN, "http://127.0.0.1:99/a"),
        (Service(URL("https://10.0.0.7:8443"), overridden=True), "https://10.0.0.7:8443/a"),
    ],
)
def test_public_hosts_and_this_machine_as_the_service_are_allowed(
    service: Service, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_proxies(monkeypatch)
    asyncio.run(service.check_public(URL(url)))


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
