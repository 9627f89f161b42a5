from __future__ import annotations

import ipaddress

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from careof import NetworkPolicy
from careof._network.policy import port_of
from careof.errors import ConfigurationError, DestinationRefusedError

ALLOWED_URLS = [
    "https://contacts.customer.example/c/1",
    "https://contacts.customer.example",
    "https://contacts.customer.example:443/c",
    "HTTPS://CONTACTS.CUSTOMER.EXAMPLE/c",
    "https://contacts.customer.example./c",
    "https://contacts.customer.example/c?x=1&y=2",
    "https://contacts.customer.example/c?next=http://localhost/",
    "https://3com.example/",
    "https://a-b.c-d.example/",
    # The last label looks like a hexadecimal number, and is a country.
    "https://kunde.de/",
    "https://klant.be/",
    "https://client.ae/",
    "https://face.cafe/",
    "https://klient.ee/",
    "https://0xabc.example/",
    "https://1.2.3.example/",
    # International names, and what they become.
    "https://bücher.example/",
    "https://xn--bcher-kva.example/",
    "https://例え.テスト/",
    # Public addresses in their one spelling.
    "https://8.8.8.8/",
    "https://93.184.216.34:443/",
    "https://[2606:4700:4700::1111]/",
    "https://[2606:4700:4700:0:0:0:0:1111]/",
]

REFUSED_URLS = [
    # Schemes.
    "http://contacts.customer.example/",
    "ftp://contacts.customer.example/",
    "file:///etc/passwd",
    "gopher://contacts.customer.example/",
    "unix:///var/run/docker.sock",
    "data:application/json,{}",
    "javascript:alert(1)",
    "ws://contacts.customer.example/",
    "//contacts.customer.example/",
    "contacts.customer.example",
    "/c/1",
    "",
    # Ports.
    "https://contacts.customer.example:80/",
    "https://contacts.customer.example:8443/",
    "https://contacts.customer.example:22/",
    "https://contacts.customer.example:0/",
    "https://contacts.customer.example:-1/",
    "https://contacts.customer.example:65536/",
    "https://contacts.customer.example:443x/",
    # User, password, fragment, and their friends.
    "https://user@contacts.customer.example/",
    "https://user:password@contacts.customer.example/",
    "https://contacts.customer.example@127.0.0.1/",
    "https://127.0.0.1:443@localhost/",
    "https://contacts.customer.example/#fragment",
    "https://127.0.0.1\\@contacts.customer.example/",
    # No host, or half of one.
    "https://",
    "https:///c",
    "https://?x",
    "https://./",
    "https://../",
    "https://contacts..example/",
    "https://.customer.example/",
    "https://contacts.customer.example../",
    "https://-contacts.customer.example/",
    "https://contacts-.customer.example/",
    "https://my_contacts.customer.example/",
    f"https://{'a' * 64}.example/",
    " https://contacts.customer.example/",
    "https://contacts.customer.example /",
    "https://contacts.customer.example\n/",
    "https://contacts.customer.example\x00/",
    "https://*.customer.example/",
    "https://[::1/",
    "https://::1/",
    # 127.0.0.1, and how else it is written.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0X7F000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.0x1/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://127.000.000.001/",
    "https://%31%32%37.0.0.1/",
    "https://127%2e0%2e0%2e1/",
    "https://127。0。0。1/",
    "https://127\uff0e0\uff0e0\uff0e1/",
    "https://127｡0｡0｡1/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0x/",
    "https://1.1/",
    "https://8.8.8/",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    # Other addresses of our own networks.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://168.63.129.16/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    # IPv6.
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[2606:4700:4700::1111%25eth0]/",
    # Names inside.
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://ⓛocalhost/",
    "https://loc%61lhost/",
    "https://contacts.localhost/",
    "https://metadata.google.internal/",
    "https://metadata/",
    "https://kubernetes/",
    "https://kubernetes.default.svc.cluster.local/",
    "https://printer.local/",
    "https://printer.local./",
    "https://wiki.intranet/",
    "https://wiki.corp/",
    "https://nas.lan/",
    "https://nas.home/",
    "https://nas.home.arpa/",
    "https://vault.private/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://hidden.onion/",
    "https://example/",
]

REFUSED_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.255.255.255",
    "100.127.255.255",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "172.31.255.255",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.255.255",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::808:808",
    "::ffff:808:808",
    "::ffff:0:808:808",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "1234::1",
    "4000::1",
    "a000::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",
    "ff0e::1",
    "127.1",
    "0177.0.0.1",
    "localhost",
    "",
]

ALLOWED_ADDRESSES = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "2003::1",
]


@pytest.mark.parametrize("url", ALLOWED_URLS)
def test_a_public_https_url_is_allowed(url):
    assert NetworkPolicy().check_url(url) is None


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_any_other_url_is_refused(url):
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy().check_url(url)


@pytest.mark.parametrize("thing", [None, 5, b"https://contacts.customer.example/", object()])
def test_what_is_no_url_is_refused(thing):
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy().check_url(thing)


@pytest.mark.parametrize("address", ALLOWED_ADDRESSES)
def test_a_public_address_is_allowed(address):
    assert NetworkPolicy().check_address(address) is None


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_a_special_address_is_refused(address):
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy().check_address(address)


addresses = st.one_of(
    st.ip_addresses(),
    st.sampled_from([4, 6]).flatmap(
        lambda version: st.builds(
            {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}[version],
            st.integers(0, 2 ** {4: 32, 6: 128}[version] - 1),
        )
    ),
)


@given(addresses)
@example(ipaddress.ip_address("192.0.0.8"))
@example(ipaddress.ip_address("2001:2::1"))
def test_what_the_standard_library_calls_special_is_never_allowed(address):
    special = not address.is_global or address.is_multicast or address.is_reserved

    assert not (special and NetworkPolicy().allows_address(address))


@given(st.ip_addresses(v=4), st.sampled_from(["::", "::ffff:0:0", "64:ff9b::", "2002::"]))
def test_no_ipv4_address_is_reached_through_an_ipv6_one(inner, prefix):
    shift = 80 if prefix == "2002::" else 0
    address = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(inner) << shift)

    assert not NetworkPolicy().allows_address(address)


@given(st.text())
def test_no_text_makes_the_policy_fail_in_another_way(text):
    for url in (text, f"https://{text}/", f"https://a.example{text}"):
        try:
            NetworkPolicy().check_url(url)
        except DestinationRefusedError:
            continue
        assert httpx.URL(url).scheme == "https"


def test_every_refusal_says_the_same_words():
    errors = []
    for url in REFUSED_URLS:
        with pytest.raises(DestinationRefusedError) as caught:
            NetworkPolicy().check_url(url)
        errors.append(caught.value)
    with pytest.raises(DestinationRefusedError) as caught:
        NetworkPolicy().check_address("10.0.0.1")

    assert {str(error) for error in [*errors, caught.value]} == {str(NetworkPolicy().refusal())}


def test_a_refusal_keeps_no_error_of_the_url_parser():
    with pytest.raises(DestinationRefusedError) as caught:
        NetworkPolicy().check_url("https://secret-tenant.example:port/")

    assert caught.value.__context__ is None


def test_http_is_allowed_where_the_policy_says_so():
    policy = NetworkPolicy(allow_http=True, ports={80, 443})

    assert policy.allows_url(httpx.URL("http://contacts.customer.example/"))


def test_http_on_its_usual_port_needs_that_port():
    policy = NetworkPolicy(allow_http=True)

    assert not policy.allows_url(httpx.URL("http://contacts.customer.example/"))


def test_more_ports_are_allowed_where_the_policy_names_them():
    policy = NetworkPolicy(ports=[443, 8443])

    assert policy.allows_url(httpx.URL("https://contacts.customer.example:8443/"))
    assert not policy.allows_url(httpx.URL("https://contacts.customer.example:8444/"))


def test_an_opened_network_is_allowed_and_its_neighbour_is_not():
    policy = NetworkPolicy(allow_networks=["10.1.0.0/16"])

    assert policy.allows_address("10.1.2.3")
    assert not policy.allows_address("10.2.2.3")


def test_an_opened_network_opens_no_other_spelling_of_its_addresses():
    policy = NetworkPolicy(allow_networks=["10.1.0.0/16"])

    assert not policy.allows_address("::ffff:10.1.2.3")


def test_an_opened_network_opens_no_internal_name():
    policy = NetworkPolicy(allow_networks=["127.0.0.0/8"])

    assert not policy.allows_url(httpx.URL("https://localhost/"))


WHAT_NETWORKS_ARE = (
    'NetworkPolicy: allow_networks: expected a list of networks such as ["10.1.0.0/16"], '
    "without host bits."
)


@pytest.mark.parametrize(
    "networks",
    [
        "10.1.0.0/16",
        "",
        None,
        5,
        ["10.1.2.3/16"],
        ["inside"],
        [""],
        [None],
        [167772160],
        [b"\x7f\x00\x00\x01"],
        [("10.0.0.0", 8)],
        ipaddress.ip_network("10.1.0.0/16"),
    ],
)
def test_a_wrong_network_is_refused_when_the_policy_is_built(networks):
    with pytest.raises(ConfigurationError) as caught:
        NetworkPolicy(allow_networks=networks)

    assert str(caught.value) == WHAT_NETWORKS_ARE
    assert caught.value.__context__ is None


def test_a_network_may_be_an_object():
    policy = NetworkPolicy(allow_networks={ipaddress.ip_network("10.1.0.0/16")})

    assert policy.allows_address("10.1.2.3")


@pytest.mark.parametrize(
    "ports",
    [443, "443", b"443", {"443"}, {0, 443}, {-1}, {65_536}, {True}, {443.0}, [None], [[443]]],
)
def test_a_wrong_port_is_refused_when_the_policy_is_built(ports):
    with pytest.raises(ConfigurationError, match="NetworkPolicy: ports: expected a set") as caught:
        NetworkPolicy(ports=ports)

    assert caught.value.__context__ is None


@pytest.mark.parametrize("ports", [{443}, [443, 443], (1, 65_535), range(8000, 8010), frozenset()])
def test_any_collection_of_ports_will_do(ports):
    assert NetworkPolicy(ports=ports).ports == frozenset(ports)


@pytest.mark.parametrize("allow_http", ["false", 1, 0, None])
def test_clear_text_is_allowed_by_a_plain_yes_only(allow_http):
    with pytest.raises(ConfigurationError, match="NetworkPolicy: allow_http: expected True or"):
        NetworkPolicy(allow_http=allow_http)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/",
        "https://127.0.0.1/",
        "http://127.9.9.9/",
        "http://[::1]:8000/",
        "http://localhost:8000/",
        "http://localhost./",
    ],
)
def test_the_loopback_policy_allows_this_machine(url):
    assert NetworkPolicy.for_loopback().check_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://contacts.customer.example/",
        "https://8.8.8.8/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]/",
        "http://contacts.localhost/",
        "http://127.1/",
        "http://0.0.0.0/",
        "ftp://127.0.0.1/",
    ],
)
def test_the_loopback_policy_allows_nothing_else(url):
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy.for_loopback().check_url(url)


@pytest.mark.parametrize(
    "url, port",
    [
        ("https://a.example/", 443),
        ("http://a.example/", 80),
        ("https://a.example:8443/", 8443),
        ("https://a.example:0/", 0),
    ],
)
def test_the_port_is_the_named_one_or_the_usual_one(url, port):
    assert port_of(httpx.URL(url)) == port
