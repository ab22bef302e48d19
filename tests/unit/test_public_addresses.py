import pytest

from adapters.web.addresses import is_public
from domain.host_name import host_name


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1"),
        *("192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.0.9", "192.0.2.1"),
        *("192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
        *("239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"),
        *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "2002:7f00:1::1"),
        *("2001:0:7f00:1::1", "2001:2::1", "2001:10::1", "2001:db8::1", "3fff::1", "100::1"),
        *("fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "ff02::1", "5f00::1", "4000::1"),
        *("", "localhost", "2130706433", "0177.0.0.1", "127.1", "8.8.8.8/32"),
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450::1"]
)
def test_an_address_of_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001"),
        *("\uff11\uff12\uff17.0.0.1", "127\u30020.0.1", "::1", "[::1]", "", ".", "a..b", "a b.com"),
        *("-a.com", "a/b.com", "a@b.com", "a:80", "a%2eb.com", f"{'a' * 64}.com", "\ud800.com"),
        f"{'a.' * 127}com",
    ],
)
def test_an_address_in_whatever_form_is_no_host_name(text: str) -> None:
    assert host_name(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Media.Example.COM", "media.example.com"),
        ("media.example.com.", "media.example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("my_bucket.s3.example.com", "my_bucket.s3.example.com"),
        ("\u24dcedia.example.com", "media.example.com"),
    ],
)
def test_a_host_name_has_one_form(text: str, name: str) -> None:
    assert host_name(text) == name
