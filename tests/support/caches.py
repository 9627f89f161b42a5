"""
Stores for tokens that outlive a process, with what a host would write around them.
"""

from __future__ import annotations

import contextlib
import sqlite3

from careof.auth import AccessToken


class StoreCache:
    """
    A dictionary that stands for a Redis: it keeps bytes, and hands out new objects.

    Attributes:
        entries: Keys to the value in bytes, and when it may be forgotten.
    """

    def __init__(self):
        self.entries = {}

    def get(self, key):
        found = self.entries.get(key)
        return None if found is None else AccessToken(found[0].decode(), found[1])

    def set(self, key, token):
        self.entries[key] = (token.value.reveal().encode(), token.expires_at)

    def delete_if(self, key, token):
        if self.entries.get(key, (b"",))[0] == token.value.reveal().encode():
            del self.entries[key]


class AsyncStoreCache:
    """
    The same, for a client that is awaited.
    """

    def __init__(self, inner):
        self.inner = inner

    async def get(self, key):
        return self.inner.get(key)

    async def set(self, key, token):
        self.inner.set(key, token)

    async def delete_if(self, key, token):
        self.inner.delete_if(key, token)


class SqliteCache:
    """
    A file that processes share.
    """

    def __init__(self, path):
        self._path = path
        self._run("CREATE TABLE IF NOT EXISTS tokens (key TEXT PRIMARY KEY, value TEXT, end REAL)")

    def get(self, key):
        rows = self._run("SELECT value, end FROM tokens WHERE key = ?", key)
        return AccessToken(*rows[0]) if rows else None

    def set(self, key, token):
        values = key, token.value.reveal(), token.expires_at
        self._run("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", *values)

    def delete_if(self, key, token):
        self._run("DELETE FROM tokens WHERE key = ? AND value = ?", key, token.value.reveal())

    def _run(self, statement, *values):
        with contextlib.closing(sqlite3.connect(self._path)) as connection, connection:
            return connection.execute(statement, values).fetchall()
