"""
What a token endpoint's answer means, without repeating a word of it.
"""

from __future__ import annotations

import httpx

from careof._network.answers import try_later
from careof._reading.strict_json import read_json
from careof.errors import AuthenticationError, CareofError

# RFC 6749 §5.2, and those of RFC 6749 §4.1.2.1 that servers send here.  Only
# these words are repeated: error_description can hold anything.
_ERROR_CODES = frozenset(
    {
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
_MAX_DEPTH = 16


def refused_token(response: httpx.Response) -> CareofError | None:
    """
    The error that *response* stands for, or None if it may hold a token.
    """
    status = response.status_code
    if response.is_success:
        return None
    later = try_later(response, "The token endpoint", detail="token")
    if later is not None:
        return later
    code = error_code(response)
    error = AuthenticationError(
        f"The token endpoint gave no token ({f'{status} {code}'.strip()}). {_advice(code)}",
        detail=code or "token",
        status=status,
    )
    error.error = code
    return error


def error_code(response: httpx.Response) -> str:
    """
    The RFC 6749 §5.2 ``error`` of an answer, if it is one of the known words.
    """
    tree = read_json(response.content, max_depth=_MAX_DEPTH)
    code = tree.get("error") if isinstance(tree, dict) else None
    return code if isinstance(code, str) and code in _ERROR_CODES else ""


def no_token(response: httpx.Response, reason: str) -> AuthenticationError:
    """
    The error for an answer that should hold a token and does not.
    """
    code = error_code(response)
    error = AuthenticationError(
        f"The token endpoint answered {response.status_code}"
        f"{f' with the error {code}' if code else ''}, but {reason}.",
        detail=code or "token_answer",
        status=response.status_code,
    )
    error.error = code
    return error


def _advice(code: str) -> str:
    if code == "invalid_client":
        return "Check client_id, the secret's source, and client_auth."
    if code in ("invalid_scope", "invalid_target"):
        return "Check scope, audience and resource."
    if code in ("unsupported_grant_type", "unauthorized_client"):
        return "Check that the endpoint offers this grant, and to this client."
    if code == "invalid_grant":
        return (
            "If it is a refresh token, it was spent or revoked, or has expired: somebody must "
            "sign in anew."
        )
    return "Check the token URL and the credentials."
