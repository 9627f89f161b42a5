"""
Where secrets are kept, and how settings name the place.

Theory of operation: settings are written into files, rows and tickets, so no
secret stands in them.  What stands there is a reference, a scheme and the
rest: ``env:NAME``, ``file:/path``, or one of the host's own.  It is looked up
when the secret is used, never when settings are loaded.  What is known to hold
a secret by its name, such as the header ``Authorization``, takes nothing else.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from careof._values.secret import Secret
from careof._values.sources import Source
from careof.errors import ConfigurationError

BUILT_IN = ("env", "file")
EXPECTED = 'expected a reference such as "env:NAME" or "file:/path", not the secret itself.'
_SCHEME = re.compile(r"[a-z][a-z0-9+-]{0,31}")

_SENSITIVE_WORDS = (
    "authorization cookie credential credentials passphrase password passwd pwd secret token "
    "access-key account-key api-key app-key auth-key client-key consumer-key functions-key "
    "license-key private-key secret-key session-key subscription-key auth jwt"
).split()
# In a query these are keys as well, as whole names; elsewhere they may be anything.
_QUERY_WORDS = "code key pass pw sas sig signature".split()


def _any_of(words: Iterable[str]) -> str:
    # As JSON Schema writes it, which has no flag for small and capital letters.
    return "|".join(
        "".join("[-_ ]?" if sign == "-" else f"[{sign.upper()}{sign}]" for sign in word)
        for word in words
    )


SENSITIVE = f"(?:{_any_of(_SENSITIVE_WORDS)})$"
_IS_SENSITIVE = re.compile(SENSITIVE)
# A value that is one placeholder is a reference id, a number or a text.
PLACEHOLDER = r"\{[a-z_]+\}$"
# A key in a query: it is written to every log on the way.
SENSITIVE_QUERY = (
    f"[?&;](?:[^?=&#;]*{SENSITIVE.removesuffix('$')}|{_any_of(_QUERY_WORDS)})=[^{{&#]"
)


class SecretSource(Protocol):
    """
    Gives the secret for the rest of a reference: ``path#key`` of ``vault:path#key``.

    It is called each time that the secret is used, on the caller's thread or
    event loop, so it keeps what it was given for a while.  Of what it raises only
    the class is told, as the reason why the secret cannot be read.
    """

    def __call__(self, reference: str, /) -> str: ...


class Secrets:
    """
    The schemes that references may have.

    Args:
        sources: The host's, by their scheme; None switches ``env`` or ``file`` off.
    """

    def __init__(self, sources: Mapping[str, SecretSource | None] | None) -> None:
        self._sources: dict[str, Any] = {
            "env": Secret.from_env,
            "file": Secret.from_file,
        }
        for scheme, source in (sources or {}).items():
            if not (isinstance(scheme, str) and _SCHEME.fullmatch(scheme)):
                raise ConfigurationError(
                    "load: secrets: expected schemes of small letters, such as vault."
                )
            if source is not None and not callable(source):
                raise ConfigurationError(
                    f"load: secrets[{scheme!r}]: expected a SecretSource, or None."
                )
            self._sources[scheme] = source and functools.partial(_asked, scheme, source)

    def is_reference(self, text: str) -> bool:
        """
        Whether *text* begins as a reference does.
        """
        return text.partition(":")[0] in self._sources and ":" in text

    def secret(self, text: str) -> Secret | str:
        """
        The secret that *text* refers to, or the reason why there is none.
        """
        scheme, _, rest = text.partition(":")
        source = self._sources[scheme]
        if source is None:
            return f'references that begin with "{scheme}:" are switched off here.'
        try:
            found: Secret = source(rest)
        except ConfigurationError as error:
            return str(error).rpartition(": ")[2]
        return found


def pattern(schemes: Iterable[str]) -> str:
    """
    The regular expression of a reference.
    """
    return rf"^(?:{'|'.join(schemes)}):[^\s]"


def is_sensitive(name: str) -> bool:
    """
    Whether what is called *name* is known to be a secret.
    """
    return bool(_IS_SENSITIVE.search(name))


def _asked(scheme: str, source: SecretSource, reference: str) -> Secret:
    return Secret._of(Source(functools.partial(source, reference), f"of {scheme}"))
