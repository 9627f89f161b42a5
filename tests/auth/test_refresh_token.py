from __future__ import annotations

import functools
import itertools
import threading
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import Secret
from careof.auth import OAuth2ClientCredentials
from careof.auth._fingerprint import Fingerprint
from careof.auth._lease import Lease
from careof.auth._refresh_token import OAuth2RefreshToken
from careof.auth._successors import Successors
from careof.errors import AuthenticationError, ConfigurationError
from tests.support.forks import in_a_child
from tests.support.keys import pem
from tests.support.tokens import (
    EMAIL,
    PATIENCE,
    TOKEN_URL,
    TokenServer,
    insides_of,
    request_in,
    resolver,
)

SERVER = TokenServer()
CLIENT = (TOKEN_URL, "client")


@pytest.fixture
def grant(_clients=itertools.count()):  # noqa: B008 - one for all tests
    """
    Strategies of one client, of which nothing is remembered yet.
    """
    return functools.partial(OAuth2RefreshToken, TOKEN_URL, f"client-{next(_clients)}", "secret")


def form_of(request):
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def sent_by(auth):
    """
    The refresh token that the next request goes with.
    """
    return form_of(auth.token_request())["refresh_token"]


def rotation_of(auth, body, request=None):
    """
    What *auth* makes of an answer.
    """
    request = request or auth.token_request()
    content = {"json": body} if isinstance(body, dict) else {"content": body}
    return auth._rotation(httpx.Response(200, request=request, **content))


def rotate(auth, refresh_token):
    """
    Ask with *auth*, and be given a new refresh token.
    """
    rotation_of(auth, {"access_token": "t", "refresh_token": refresh_token}).commit()


def key(auth):
    return Lease(auth, request_in(SERVER))._key


def test_the_grant_is_asked_for_with_its_refresh_token(grant):
    request = grant(refresh_token=Secret("r 1 é"), scope="read", params={"x": "y"}).token_request()

    assert form_of(request) == {
        "grant_type": "refresh_token",
        "refresh_token": "r 1 é",
        "scope": "read",
        "x": "y",
    }
    assert request.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "options, fields",
    [
        ({"client_secret": "s", "client_auth": "client_secret_post"}, {"client_secret"}),
        ({"client_auth": "none"}, set()),
        (
            {"client_auth": "private_key_jwt", "private_key": pem("rsa")},
            {"client_assertion", "client_assertion_type"},
        ),
    ],
    ids=["post", "none", "assertion"],
)
def test_the_client_says_who_it_is_in_every_way_that_there_is(options, fields):
    auth = OAuth2RefreshToken(TOKEN_URL, "client", refresh_token="r", **options)

    form = form_of(auth.token_request())
    assert form.keys() - {"grant_type", "refresh_token"} == {"client_id", *fields}


def test_a_resolver_gets_its_token_with_it(shell, grant):
    server = TokenServer()
    lookup = resolver(shell.HttpResolver, grant(refresh_token="r"), server)

    contact = shell.call(lookup.resolve, "C-1")

    assert contact.email.reveal() == EMAIL
    assert form_of(server.token_requests[0])["refresh_token"] == "r"


def test_a_spent_refresh_token_is_never_sent_again(grant):
    """
    RFC 9700 §4.14.2: a server that sees one revokes every token of the grant.
    """
    auth = grant(refresh_token="r0")

    rotate(auth, "r1")
    rotate(auth, "r2")

    assert sent_by(auth) == "r2"


@pytest.mark.parametrize("held", ["r0", "r1", "r2"])
def test_a_strategy_that_is_built_anew_with_an_old_one_goes_on_with_the_newest(grant, held):
    """
    As from a database row that was read before the new one was written.
    """
    first = grant(refresh_token="r0")
    rotate(first, "r1")
    rotate(first, "r2")

    assert sent_by(grant(refresh_token=held)) == "r2"
    assert key(grant(refresh_token=held)) == key(first)


def test_a_new_refresh_token_is_not_used_before_it_is_committed(grant):
    auth = grant(refresh_token="r0")

    rotation_of(auth, {"refresh_token": "r1"})

    assert sent_by(auth) == "r0"


def test_a_rotation_says_what_the_identity_will_be(grant):
    auth = grant(refresh_token="r0")
    before = auth.identity()

    rotation = rotation_of(auth, {"refresh_token": "r1"})
    unchanged = auth.identity()
    rotation.commit()

    assert unchanged == before != rotation.identity
    assert Fingerprint(rotation.identity).key == Fingerprint(auth.identity()).key


def test_an_identity_of_the_host_s_own_takes_part(grant):
    class Tenant(OAuth2RefreshToken):
        def identity(self):
            return (*super().identity(), "tenant 7")

    auth = Tenant(TOKEN_URL, "tenant-7", "secret", refresh_token="r0")

    rotation = rotation_of(auth, {"refresh_token": "r1"})
    rotation.commit()

    assert rotation.identity == auth.identity()


def test_the_key_is_that_of_the_newest_refresh_token(grant):
    auth = grant(refresh_token="r0")
    before = key(auth)
    rotate(auth, "r1")

    assert key(auth) != before
    assert key(auth) == key(grant(refresh_token="r1"))


def test_the_identity_is_the_same_object_until_it_changes(grant):
    """
    So that its key is not made anew for each lookup.
    """
    auth = grant(refresh_token="r0")
    rotate(auth, "r1")

    assert Fingerprint(auth.identity()).is_of(auth.identity())


@pytest.mark.parametrize(
    "changed",
    [
        {"refresh_token": "b"},
        {"scope": "write"},
        {"audience": "b"},
        {"resource": "b"},
        {"params": {"x": "z"}},
        {"client_auth": "client_secret_post"},
    ],
    ids=str,
)
def test_another_wish_is_another_token(grant, changed):
    options = {"refresh_token": "a", "scope": "read"}

    assert key(grant(**options)) != key(grant(**{**options, **changed}))


def test_how_the_host_is_told_is_no_part_of_the_token(grant):
    assert key(grant(refresh_token="a")) == key(grant(refresh_token="a", on_rotate=print))


@pytest.mark.parametrize("place", [("https://other.example/token", "c"), (TOKEN_URL, "d")])
def test_the_successor_of_a_token_elsewhere_is_another_s(place):
    successors = Successors()
    successors.follows(Secret("mine"), Secret("shared"), (TOKEN_URL, "c"))

    assert successors.newest(Secret("shared"), place).reveal() == "shared"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"refresh_token": "r0"},
        {"refresh_token": ""},
        {"refresh_token": None},
        {"refresh_token": 5},
        {"refresh_token": ["r1"]},
        {"refresh_token": "r1\n"},
        {"data": {"refresh_token": "r1"}},
        b"refresh_token=r1",
        b"",
    ],
    ids=str,
)
def test_an_answer_without_another_refresh_token_changes_nothing(grant, body):
    """
    RFC 6749 §6: the server may give a new one.
    """
    auth = grant(refresh_token="r0", on_rotate=print)

    assert rotation_of(auth, body) is None


@pytest.mark.parametrize(
    "token_path, body",
    [
        ("$.access_token", {"refresh_token": "r1"}),
        ("$.data.access_token", {"data": {"refresh_token": "r1"}}),
        ("/data/access_token", {"data": {"refresh_token": "r1"}}),
        ("$['data']['access_token']", {"data": {"refresh_token": "r1"}}),
        ("$.access_token.access_token", {"access_token": {"refresh_token": "r1"}}),
        ("$.all[?@.kind == 'a'].access_token", {"all": [{"kind": "a", "refresh_token": "r1"}]}),
        ("$.data.id_token", {"refresh_token": "r1"}),
    ],
)
def test_the_new_refresh_token_is_read_beside_the_access_token(grant, token_path, body):
    auth = grant(refresh_token="r0", token_path=token_path)

    rotation_of(auth, body).commit()

    assert sent_by(auth) == "r1"


def test_what_a_subclass_reads_in_its_own_way_has_no_new_refresh_token(grant):
    auth = grant(refresh_token="r0", token_path="$.all[?@.kind == 'a'].access_token")

    assert rotation_of(auth, b"access_token=t&refresh_token=r1") is None


def test_a_server_that_gives_an_earlier_one_again_is_believed(grant):
    auth = grant(refresh_token="r0")

    rotate(auth, "r1")
    rotate(auth, "r0")

    assert sent_by(auth) == "r0"
    assert sent_by(grant(refresh_token="r1")) == "r0"


def test_the_spent_one_is_the_one_that_was_sent(grant):
    """
    Another machine may have stored a newer one while the answer was on its way.
    """
    row = ["r0"]
    auth = grant(refresh_token=Secret.from_callable(lambda: row[0]))
    request = auth.token_request()
    row[0] = "newer"

    rotation_of(auth, {"refresh_token": "r1"}, request).commit()

    assert sent_by(auth) == "newer"
    assert sent_by(grant(refresh_token="r0")) == "r1"


def test_a_request_that_a_subclass_made_anew_is_understood(grant):
    auth = grant(refresh_token="r0")
    request = auth.token_request()
    anew = httpx.Request(request.method, request.url, content=request.content)

    rotation_of(auth, {"refresh_token": "r1"}, anew).commit()

    assert sent_by(auth) == "r1"


def test_a_refresh_token_from_a_source_is_read_once_for_a_key(grant):
    readings = itertools.count()
    auth = grant(refresh_token=Secret.from_callable(lambda: f"r{next(readings)}"))

    Fingerprint(auth.identity())

    assert next(readings) == 1


def test_a_row_that_the_host_has_written_meanwhile_is_used(grant):
    row = ["r0"]
    auth = grant(refresh_token=Secret.from_callable(lambda: row[0]), on_rotate=print)

    row[0] = "signed in anew"

    assert sent_by(auth) == "signed in anew"


def test_the_host_is_told_before_the_new_one_is_used(grant):
    used = []
    auth = grant(refresh_token="r0", on_rotate=used.append)

    rotation = rotation_of(auth, {"refresh_token": "r1"})
    before = list(used)
    rotation.commit()

    assert before == []
    assert [type(token) for token in used] == [Secret]
    assert used[0].reveal() == "r1"


def test_the_host_is_told_once(grant):
    told = []
    auth = grant(refresh_token="r0", on_rotate=lambda token: told.append(token.reveal()))

    rotate(auth, "r1")

    assert rotation_of(auth, {"access_token": "t"}) is None
    assert told == ["r1"]


def test_the_last_that_the_host_hears_is_the_newest(grant):
    """
    While a slow callback stores one, another flight may bring and tell the next.
    """
    told = []

    def slow(token):
        if token.reveal() == "r1":
            rotate(auth, "r2")
        told.append(token.reveal())

    auth = grant(refresh_token="r0", on_rotate=slow)
    rotate(auth, "r1")

    assert told == ["r2", "r1", "r2"]


class Store:
    """
    Where a host stores refresh tokens, which may be out of order.
    """

    def __init__(self):
        self.is_broken = True
        self.tokens = []

    def __call__(self, token):
        self.tokens.append(token.reveal())
        if self.is_broken:
            raise OSError(token.reveal())


def test_a_host_that_fails_to_store_the_new_one_is_not_locked_out(grant):
    store = Store()
    auth = grant(refresh_token="r0", on_rotate=store)
    rotation = rotation_of(auth, {"refresh_token": "r1"})

    with pytest.raises(OSError, match="r1"):
        rotation.commit()

    assert sent_by(auth) == sent_by(grant(refresh_token="r0")) == "r1"


@pytest.mark.parametrize(
    "body, newest", [({"access_token": "t"}, "r1"), ({"refresh_token": "r2"}, "r2")], ids=str
)
def test_the_next_answer_tells_the_host_again(grant, body, newest):
    store = Store()
    rotation = rotation_of(grant(refresh_token="r0", on_rotate=store), {"refresh_token": "r1"})
    with pytest.raises(OSError, match="r1"):
        rotation.commit()
    store.is_broken = False
    anew = grant(refresh_token="r0", on_rotate=store)

    again = rotation_of(anew, body)
    again.commit()

    assert store.tokens == ["r1", newest]
    assert again.identity == anew.identity()
    assert rotation_of(anew, {"access_token": "t"}) is None


def test_it_is_told_again_as_long_as_it_fails(grant):
    store = Store()
    auth = grant(refresh_token="r0", on_rotate=store)

    for body in ({"refresh_token": "r1"}, {}, {}):
        rotation = rotation_of(auth, body)
        with pytest.raises(OSError, match="r1"):
            rotation.commit()

    assert store.tokens == ["r1", "r1", "r1"]


def test_where_nobody_is_told_nothing_is_told_again(grant):
    auth = grant(refresh_token="r0")

    rotate(auth, "r1")

    assert rotation_of(auth, {"access_token": "t"}) is None


class Callback:
    async def __call__(self, token):
        raise AssertionError


async def on_rotate(token):
    raise AssertionError


@pytest.mark.parametrize("hook", [on_rotate, Callback(), Callback, 5, "store"])
def test_a_callback_that_cannot_be_called_is_refused(grant, hook):
    with pytest.raises(ConfigurationError) as caught:
        grant(refresh_token="hidden", on_rotate=hook)

    assert str(caught.value).startswith("OAuth2RefreshToken: on_rotate: expected a callable")
    assert "hidden" not in insides_of(caught.value)


@pytest.mark.parametrize("refresh_token", ["", "hidden\n", b"hidden", None, ["hidden"]])
def test_a_refresh_token_that_is_none_is_refused(grant, refresh_token):
    with pytest.raises(ConfigurationError) as caught:
        grant(refresh_token=refresh_token)

    assert str(caught.value).startswith("OAuth2RefreshToken: refresh_token: expected")
    assert "hidden" not in insides_of(caught.value)


def test_a_refresh_token_that_cannot_be_read_ends_the_call(shell, grant):
    auth = grant(refresh_token=Secret.from_env("CAREOF_TESTS_NEVER_SET"))

    with pytest.raises(AuthenticationError, match="env:CAREOF_TESTS_NEVER_SET") as caught:
        shell.call(resolver(shell.HttpResolver, auth, TokenServer()).resolve, "C-1")

    assert (caught.value.step, caught.value.detail) == ("token", "secret")


@pytest.mark.parametrize("grant_class", [OAuth2RefreshToken, OAuth2ClientCredentials])
def test_a_strategy_and_its_rotation_show_nothing(grant_class):
    more = {"refresh_token": "hidden"} if grant_class is OAuth2RefreshToken else {}
    auth = grant_class(TOKEN_URL, "c", "hidden", params={"k": Secret("hidden")}, **more)
    rotation = rotation_of(auth, {"refresh_token": "hidden-new"}) if more else None

    assert "hidden" not in repr(auth) + repr(vars(auth)) + repr(rotation)
    assert "hidden" not in repr(auth.token_request().extensions)


def test_a_pickle_is_refused(grant):
    with pytest.raises(TypeError, match="refuses to be pickled"):
        grant(refresh_token="r0").__reduce_ex__(4)


@given(st.lists(st.integers(0, 5), max_size=12))
def test_whoever_comes_with_any_of_them_goes_on_with_the_newest(names):
    """
    Also where a server gives one that it has given before.
    """
    successors = Successors()
    tokens = [Secret(f"r{name}") for name in [6, *names]]
    for spent, token in itertools.pairwise(tokens):
        successors.follows(token, spent, CLIENT)

    newest = {successors.newest(Secret(token.reveal()), CLIENT).reveal() for token in tokens}

    assert newest == {tokens[-1].reveal()}


def test_a_long_way_is_walked_once():
    successors = Successors()
    for number in range(5):
        successors.follows(Secret(f"r{number + 1}"), Secret(f"r{number}"), CLIENT)

    successors.newest(Secret("r0"), CLIENT)

    assert {token.reveal() for token in successors._next.values()} == {"r5"}


def test_what_is_not_used_is_forgotten_first():
    successors = Successors(limit=2)
    successors.follows(Secret("a1"), Secret("a0"), CLIENT)
    successors.follows(Secret("b1"), Secret("b0"), CLIENT)
    successors.newest(Secret("a0"), CLIENT)
    successors.follows(Secret("c1"), Secret("c0"), CLIENT)

    newest = [successors.newest(Secret(f"{name}0"), CLIENT).reveal() for name in "abc"]

    assert newest == ["a1", "b0", "c1"]
    assert repr(successors) == "Successors(2 spent)"


def test_few_are_remembered_that_nobody_was_told_of():
    successors = Successors(limit=2)
    for name in ("a", "b", "c"):
        successors.note(Secret(name), CLIENT, is_told=False)

    assert [successors.is_untold(Secret(name), CLIENT) for name in "abc"] == [False, True, True]


def test_of_a_spent_one_nobody_is_told_any_more():
    successors = Successors()
    successors.note(Secret("a"), CLIENT, is_told=False)

    successors.follows(Secret("b"), Secret("a"), CLIENT)

    assert not successors.is_untold(Secret("a"), CLIENT)


def test_what_is_kept_of_a_spent_one_is_a_digest():
    successors = Successors()
    successors.follows(Secret("new"), Secret("spent"), CLIENT)

    (place,) = successors._next
    assert len(place) == 32
    assert b"spent" not in place


def test_values_that_are_cut_elsewhere_are_other_values():
    successors = Successors()
    successors.follows(Secret("new"), Secret("a"), ("b", "c"))

    assert successors.newest(Secret("ab"), ("", "c")).reveal() == "ab"
    assert successors.newest(Secret("a"), ("bc", "")).reveal() == "a"


def test_a_source_that_is_slow_holds_up_nobody_else():
    successors = Successors()
    entered, released = threading.Event(), threading.Event()

    def slow():
        entered.set()
        assert released.wait(PATIENCE)
        return "r0"

    slow_one = threading.Thread(
        target=successors.newest, args=(Secret.from_callable(slow), CLIENT), daemon=True
    )
    slow_one.start()
    assert entered.wait(PATIENCE)
    done = threading.Event()
    other = threading.Thread(
        target=lambda: (successors.newest(Secret("r1"), CLIENT), done.set()), daemon=True
    )
    other.start()
    is_done = done.wait(PATIENCE)
    released.set()
    slow_one.join(PATIENCE)
    other.join(PATIENCE)

    assert is_done


@pytest.mark.parametrize(
    "use",
    [
        lambda successors: successors.newest(Secret("r0"), CLIENT),
        lambda successors: successors.follows(Secret("r1"), Secret("r0"), CLIENT),
        lambda successors: successors.note(Secret("r0"), CLIENT, is_told=False),
    ],
    ids=["newest", "follows", "note"],
)
def test_a_child_of_a_fork_finds_no_lock_that_nobody_will_free(use):
    successors = Successors()
    use(successors)

    with successors._lock:
        found = in_a_child(lambda: use(successors))

    assert found != "it hangs"


def test_a_child_of_a_fork_knows_what_its_parent_knew():
    successors = Successors()
    successors.follows(Secret("r1"), Secret("r0"), CLIENT)

    successors._begin_anew()

    assert successors.newest(Secret("r0"), CLIENT).reveal() == "r1"


def test_many_threads_find_the_same_one(grant):
    auth = grant(refresh_token="r0")
    rotate(auth, "r1")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(sent_by(grant(refresh_token="r0"))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert found == ["r1"] * 8
