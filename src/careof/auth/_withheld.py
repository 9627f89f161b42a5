"""
Headers that stay behind when a request is redirected.

Theory of operation: a foreign client that follows redirects copies the headers
of the request, and takes only ``Authorization`` away from another origin; a key
in a header of its own would go along.  No auth flow sees the request that
follows.  So these headers tell everybody who reads them what they hold, a
transport above all, while ``httpx.Headers`` made of them, as that client's
copy is, have what they hold without the credentials.
"""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any, ClassVar

import httpx

from careof.errors import ConfigurationError

_LEFT = frozenset(
    b"authorization connection content-encoding content-length content-type host te trailer "
    b"transfer-encoding upgrade".split()
)


class WithheldHeaders(httpx.Headers):
    """
    Headers whose credentials go into no copy.
    """

    def __init__(self, headers: httpx.Headers) -> None:
        super().__init__(headers, encoding=headers.encoding)
        self._withheld: list[tuple[bytes, bytes]] = []
        if isinstance(headers, WithheldHeaders):
            self._withheld += headers._withheld

    def withhold(self, name: bytes, value: bytes) -> None:
        """
        Add the header *name*, for this request only.
        """
        self._withheld.append((name, value))

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """
        All of them, as they are sent.
        """
        return [*super().raw, *self._withheld]

    def _shown(self) -> httpx.Headers:
        return httpx.Headers(self.raw, encoding=self.encoding)

    def keys(self) -> KeysView[str]:
        """
        All names, in lower case.
        """
        return self._shown().keys()

    def values(self) -> ValuesView[str]:
        """
        All values.
        """
        return self._shown().values()

    def items(self) -> ItemsView[str, str]:
        """
        All names and values.
        """
        return self._shown().items()

    def multi_items(self) -> list[tuple[str, str]]:
        """
        All names and values; a name may stand there twice.
        """
        return self._shown().multi_items()

    def get_list(
        self,
        key: str,
        split_commas: bool = False,  # noqa: FBT001, FBT002  as httpx has it
    ) -> list[str]:
        """
        All values of one name.
        """
        return self._shown().get_list(key, split_commas)

    def __getitem__(self, key: str) -> str:
        return self._shown()[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._shown()

    def __len__(self) -> int:
        return len(self.raw)

    def __setitem__(self, key: str, value: str) -> None:
        # What somebody else sets is somebody else's.
        self._let_go_of(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        if not self._let_go_of(key):
            super().__delitem__(key)

    def _let_go_of(self, key: str) -> bool:
        name = key.lower().encode(self.encoding)
        kept = [pair for pair in self._withheld if pair[0].lower() != name]
        is_gone = len(kept) < len(self._withheld)
        self._withheld = kept
        return is_gone

    def __eq__(self, other: object) -> bool:
        return self._shown() == (other.raw if isinstance(other, httpx.Headers) else other)

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # Neither a pickle nor a copy has them.
        return httpx.Headers, (super().raw,)

    def __repr__(self) -> str:
        masked = [(name, b"***") for name, _ in self._withheld]
        return repr(httpx.Headers([*super().raw, *masked], encoding=self.encoding))


def withhold(request: httpx.Request, name: str, value: str) -> None:
    """
    Set a header of *request* that no redirect takes along.

    Raises:
        ConfigurationError: This version of httpx would.
    """
    headers = WithheldHeaders(request.headers)
    headers._let_go_of(name)
    headers.withhold(name.encode("ascii"), value.encode("ascii"))
    if name in httpx.Headers(headers):
        del value, headers  # a traceback with locals would show them
        raise ConfigurationError(
            f"This version of httpx ({httpx.__version__}) would send a credential on when it is "
            "redirected. Use the strategy in a resolver, or another version."
        )
    request.headers = headers


def shown_headers(request: httpx.Request) -> list[tuple[bytes, bytes]]:
    """
    The headers of *request* that a redirect takes along.
    """
    return httpx.Headers(request.headers).raw


def withhold_what_is_new(request: httpx.Request, before: list[tuple[bytes, bytes]]) -> None:
    """
    Let no redirect take along what *request* has beside the headers *before*.

    ``Authorization`` is left to the client: it takes that away from another
    origin, and may need it at the same one.  So is what describes the message,
    and no credential can be.
    """
    shown: list[tuple[bytes, bytes]] = []
    new: list[tuple[bytes, bytes]] = []
    for name, value in shown_headers(request):
        if (name, value) in before:
            before.remove((name, value))  # the next one that is equal has come since
            shown.append((name, value))
        else:
            (shown if name.lower() in _LEFT else new).append((name, value))
    if new:
        headers = WithheldHeaders(httpx.Headers(shown, encoding=request.headers.encoding))
        headers._withheld = [*getattr(request.headers, "_withheld", ()), *new]
        request.headers = headers
