"""
How a customer's endpoint knows that it is us: every scheme, and the base of your own.
"""

from __future__ import annotations

from careof.auth._access_token import AccessToken
from careof.auth._cache import AsyncTokenCache, MemoryTokenCache, TokenCache
from careof.auth._encrypted_cache import AsyncEncryptedTokenCache, EncryptedTokenCache
from careof.auth._oauth2 import OAuth2ClientCredentials
from careof.auth._refresh_token import OAuth2RefreshToken
from careof.auth._static import ApiKeyAuth, BasicAuth, BearerAuth
from careof.auth._strategy import AuthStrategy, NoAuth
from careof.auth._token import TokenAuth
from careof.auth._token_endpoint import TokenEndpointAuth

__all__ = [
    "AccessToken",
    "ApiKeyAuth",
    "AsyncEncryptedTokenCache",
    "AsyncTokenCache",
    "AuthStrategy",
    "BasicAuth",
    "BearerAuth",
    "EncryptedTokenCache",
    "MemoryTokenCache",
    "NoAuth",
    "OAuth2ClientCredentials",
    "OAuth2RefreshToken",
    "TokenAuth",
    "TokenCache",
    "TokenEndpointAuth",
]
