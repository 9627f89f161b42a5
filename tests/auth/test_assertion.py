from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from careof import Secret
from careof.auth import OAuth2ClientCredentials, _assertion
from careof.auth._lease import Lease
from careof.errors import AuthenticationError, ConfigurationError
from careof.testing import FakeClock
from tests.support.keys import SIGNERS, pem, public_pem, read_assertion, verifying_key
from tests.support.tokens import EMAIL, TOKEN_URL, TokenServer, insides_of, request_in, resolver

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SERVER = TokenServer()


def auth_of(kind="rsa", **options):
    options = {"private_key": pem(kind), **options}
    return OAuth2ClientCredentials(TOKEN_URL, "client", client_auth="private_key_jwt", **options)


def form_of(request):
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def verified(request, kind="rsa", algorithm="RS256"):
    """
    The assertion in *request*, as somebody else's library reads it.
    """
    return read_assertion(form_of(request)["client_assertion"], verifying_key(kind), [algorithm])


def problem_with(**options):
    with pytest.raises(ConfigurationError) as caught:
        auth_of(**options)
    return caught.value


@pytest.mark.parametrize("algorithm, kind", [*SIGNERS.items(), ("EdDSA", "ed448")])
def test_a_client_signs_who_it_is(algorithm, kind):
    """
    RFC 7523 §2.2, in the algorithms of RFC 7518 §3.1 and RFC 8037 §3.1.
    """
    request = auth_of(kind, algorithm=algorithm).token_request()

    found = verified(request, kind, algorithm)
    assert found.header == {"alg": algorithm, "typ": "JWT"}
    assert (found.claims["iss"], found.claims["sub"]) == ("client", "client")
    assert "Authorization" not in request.headers


def test_the_form_says_what_the_assertion_is():
    form = form_of(auth_of(scope="read", params={"tenant": "7"}).token_request())

    assert form.pop("client_assertion").count(".") == 2
    assert form == {
        "grant_type": "client_credentials",
        "scope": "read",
        "tenant": "7",
        "client_id": "client",
        "client_assertion_type": TYPE,
    }


def test_an_assertion_lives_for_a_minute_of_the_strategy_s_clock():
    clock = FakeClock()
    auth = auth_of(clock=clock)
    clock.advance(1_000_000)

    claims = verified(auth.token_request()).claims

    assert claims["iat"] == int(clock.time())
    assert claims["exp"] == claims["iat"] + 60


def test_every_assertion_has_an_id_of_its_own():
    auth = auth_of("ed25519", algorithm="EdDSA")

    ids = {verified(auth.token_request(), "ed25519", "EdDSA").claims["jti"] for _ in range(50)}

    assert len(ids) == 50
    assert min(map(len, ids)) >= 22  # 128 bits and more


@pytest.mark.parametrize(
    "options, audience",
    [
        ({}, TOKEN_URL),
        ({"assertion_audience": "https://issuer.example"}, "https://issuer.example"),
    ],
)
def test_an_assertion_is_for_the_token_endpoint_or_whom_the_host_names(options, audience):
    assert verified(auth_of(**options).token_request()).claims["aud"] == audience


def test_the_audience_is_the_url_as_it_was_written():
    """
    RFC 7523 §3: servers compare texts, and a request's URL is in another spelling.
    """
    url = "https://ID.customer.example:443/token"
    auth = OAuth2ClientCredentials(
        url, "client", client_auth="private_key_jwt", private_key=pem("rsa")
    )

    assert verified(auth.token_request()).claims["aud"] == url


def test_a_key_may_have_a_name():
    assert verified(auth_of(key_id="2024-06").token_request()).header["kid"] == "2024-06"


def test_a_resolver_gets_its_token_with_it(shell):
    server = TokenServer()
    lookup = resolver(shell.HttpResolver, auth_of(), server)

    contact = shell.call(lookup.resolve, "C-1")

    assert contact.email.reveal() == EMAIL
    assert verified(server.token_requests[0]).claims["sub"] == "client"


def test_a_rotated_key_is_used_at_once(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(pem("rsa"))
    auth = auth_of(private_key=Secret.from_file(file))
    auth.token_request()
    file.write_text(pem("other rsa"))

    assert verified(auth.token_request(), "other rsa")


def key(auth):
    return Lease(auth, request_in(SERVER))._key


@pytest.mark.parametrize(
    "changed",
    [
        {"private_key": pem("other rsa")},
        {"algorithm": "PS256"},
        {"key_id": "2"},
        {"assertion_audience": "https://issuer.example"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_is_signed_shapes_the_token(changed):
    assert key(auth_of()) != key(auth_of(**changed))


def test_the_token_of_a_strategy_that_is_built_anew_is_found():
    assert key(auth_of()) == key(auth_of(private_key=Secret(pem("rsa").strip())))


UNFIT = [
    ("encrypted", "RS256", "it is encrypted"),
    ("no pem", "RS256", "expected a private key in PEM"),
    ("no key", "EdDSA", "expected a private key in PEM"),
    ("public key", "RS256", "expected a private key in PEM"),
    ("short rsa", "RS256", "expected an RSA key of 2048 to 4096 bits"),
    ("short rsa", "PS256", "expected an RSA key of 2048 to 4096 bits"),
    ("long rsa", "RS256", "expected an RSA key of 2048 to 4096 bits"),
    ("broken rsa", "RS256", "the numbers of its RSA key do not fit together"),
    ("p256", "RS256", "RS256 takes an RSA key"),
    ("ed25519", "PS256", "PS256 takes an RSA key"),
    ("rsa", "ES256", "ES256 takes a key on the curve P-256"),
    ("p384", "ES256", "ES256 takes a key on the curve P-256"),
    ("rsa", "EdDSA", "EdDSA takes a key for Ed25519 or Ed448"),
    ("p256", "EdDSA", "EdDSA takes a key for Ed25519 or Ed448"),
    ("dsa", "RS256", "RS256 takes an RSA key"),
]


def unfit(kind):
    """
    What stands in a file that holds no key to sign with.
    """
    special = {
        "encrypted": lambda: pem("rsa", b"a passphrase"),
        "no pem": lambda: "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC7",
        "no key": lambda: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "public key": lambda: public_pem("rsa"),
    }
    return special.get(kind, lambda: pem(kind))()


def is_shown(text, error):
    """
    Whether anything of a key, a line of it in base64 or its bytes, is in *error*.
    """
    insides = insides_of(error)
    lines = [line for line in text.splitlines() if not line.startswith("-----")]
    return any(line in insides for line in lines) or "PRIVATE KEY-----\\n" in insides


@pytest.mark.parametrize("kind, algorithm, problem", UNFIT)
def test_a_key_that_cannot_sign_is_refused_when_it_is_built(kind, algorithm, problem):
    error = problem_with(private_key=unfit(kind), algorithm=algorithm)

    assert str(error).startswith(f"OAuth2ClientCredentials: private_key: {problem}")
    assert error.detail == "private_key"
    assert (error.__cause__, error.__context__) == (None, None)
    assert not is_shown(unfit(kind), error)


@pytest.mark.parametrize("kind, algorithm, problem", UNFIT)
def test_a_key_that_can_no_longer_sign_ends_the_call(kind, algorithm, problem):
    source = [unfit(kind)]
    auth = auth_of(private_key=Secret.from_callable(source[0].strip), algorithm=algorithm)

    with pytest.raises(AuthenticationError) as caught:
        auth.token_request()

    assert str(caught.value).startswith(f"OAuth2ClientCredentials: private_key: {problem}")
    assert (caught.value.detail, caught.value.step) == ("private_key", "token")
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert not is_shown(source[0], caught.value)


def test_a_call_says_that_its_key_cannot_be_read(shell):
    auth = auth_of(private_key=Secret.from_env("CAREOF_TESTS_NEVER_SET"))
    lookup = resolver(shell.HttpResolver, auth, TokenServer())

    with pytest.raises(AuthenticationError, match="env:CAREOF_TESTS_NEVER_SET") as caught:
        shell.call(lookup.resolve, "C-1")

    assert (caught.value.step, caught.value.detail) == ("token", "secret")


def test_whatever_goes_wrong_while_signing_shows_no_key():
    class BrokenClock(FakeClock):
        def time(self):
            return float("inf")

    with pytest.raises(AuthenticationError, match="OverflowError") as caught:
        auth_of(clock=BrokenClock()).token_request()

    assert not is_shown(pem("rsa"), caught.value)


@pytest.mark.parametrize(
    "options, parameter",
    [
        ({"private_key": None}, "private_key: needed"),
        ({"private_key": "  \n"}, "private_key: expected Secret or str"),
        ({"private_key": pem("rsa").encode()}, "private_key: expected Secret or str"),
        ({"algorithm": "HS256"}, "algorithm: expected one of RS256, PS256, ES256, EdDSA"),
        ({"algorithm": "none"}, "algorithm"),
        ({"algorithm": ["RS256"]}, "algorithm"),
        ({"key_id": ""}, "key_id"),
        ({"key_id": 5}, "key_id"),
        ({"assertion_audience": ""}, "assertion_audience"),
        ({"assertion_audience": ("a",)}, "assertion_audience"),
        ({"lifetime": 0}, "lifetime"),
        ({"scpe": "read"}, "scpe"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(options, parameter):
    error = problem_with(**options)

    assert str(error).startswith(f"OAuth2ClientCredentials: {parameter}")
    assert not is_shown(pem("rsa"), error)


def test_a_key_without_its_method_is_refused():
    with pytest.raises(ConfigurationError, match="private_key: needed with client_auth") as caught:
        OAuth2ClientCredentials(TOKEN_URL, "client", "secret", private_key=pem("rsa"))

    assert not is_shown(pem("rsa"), caught.value)


@pytest.mark.parametrize("missing", ["jwt", "cryptography"])
@pytest.mark.parametrize(
    "secret", [pem("rsa"), Secret.from_env("CAREOF_TESTS_NEVER_SET")], ids=["fixed", "source"]
)
def test_without_the_extra_the_error_names_it(monkeypatch, missing, secret):
    monkeypatch.setitem(sys.modules, missing, None)

    error = problem_with(private_key=secret)

    assert str(error).endswith("it takes PyJWT: install careof[jwt].")
    assert (error.__cause__, error.__context__) == (None, None)


def test_without_a_signature_the_extra_is_not_asked_for():
    code = (
        "import sys; from careof.auth import OAuth2ClientCredentials; "
        "OAuth2ClientCredentials('https://id.example/token', 'c', 's').token_request(); "
        "print(sorted({'jwt', 'cryptography'} & sys.modules.keys()))"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert printed.stdout.strip() == b"[]"


@pytest.fixture
def checks(monkeypatch):
    """
    Every key of which the numbers were checked.
    """
    checked = []
    load = serialization.load_pem_private_key

    def watched(data, password, *, unsafe_skip_rsa_key_validation):
        if not unsafe_skip_rsa_key_validation:
            checked.append(data.decode())
        return load(data, password, unsafe_skip_rsa_key_validation=unsafe_skip_rsa_key_validation)

    monkeypatch.setattr(serialization, "load_pem_private_key", watched)
    monkeypatch.setattr(_assertion, "_sound", set())
    return checked


def test_the_numbers_of_a_key_are_checked_once_and_not_for_each_request(checks):
    """
    It takes 35 ms for 2048 bits and 250 ms for 4096, with the event loop waiting.
    """
    for _ in range(3):
        auth_of().token_request()

    assert checks == [pem("rsa").strip()]


def test_a_key_that_is_too_long_is_not_checked_at_all(checks):
    problem_with(private_key=pem("long rsa"))

    assert checks == []


def test_what_is_remembered_of_a_key_is_a_digest(checks):
    auth_of()

    (known,) = _assertion._sound
    assert re.fullmatch(rb"(?s).{32}", known)
    assert known not in pem("rsa").encode()


def test_few_keys_are_remembered(checks, monkeypatch):
    monkeypatch.setattr(_assertion, "_MOST_SOUND", 1)

    for kind in ("rsa", "other rsa", "rsa"):
        auth_of(kind)

    assert len(_assertion._sound) == 1
    assert len(checks) == 3


def test_a_signing_strategy_shows_no_key():
    auth = auth_of()

    shown = repr(auth) + str(auth) + repr(httpx.Request("POST", TOKEN_URL)) + repr(vars(auth))
    assert "PRIVATE" not in shown
    assert pem("rsa").splitlines()[1] not in shown
