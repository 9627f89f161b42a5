"""
An answer, and the errors for one that is not read, by whichever transport it came.
"""

from __future__ import annotations

import httpx

from careof.errors import CareofError, UnexpectedAnswerError

Answer = httpx.Response | CareofError


def is_encoded(coding: str) -> bool:
    """
    Whether a body with this Content-Encoding is encoded; a few KB of gzip can be a GB.
    """
    return coding.strip().lower() not in ("identity", "")


def encoded() -> UnexpectedAnswerError:
    """
    The error for an answer that is compressed although we asked for ``identity``.
    """
    return unread("it is compressed, which was not asked for", "content_encoding")


def too_large(max_body: int) -> UnexpectedAnswerError:
    """
    The error for an answer over the cap.
    """
    return unread(f"it is larger than {max_body} bytes", "too_large")


def unread(reason: str, detail: str) -> UnexpectedAnswerError:
    """
    The error for an answer that was not read, for a *reason* in our own words.
    """
    return UnexpectedAnswerError(
        f"The answer was not read: {reason}.", detail=detail, step="status"
    )
