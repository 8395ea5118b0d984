"""Kept responses wherever they are: still in the spool, or in the database."""

from legato.core.errors import StorageUnavailable
from legato.storage.kept.response_spool import ResponseSpool
from legato.storage.kept.responses import ResponseStore, StoredResponse


class NotKept(Exception):
    """Neither disk nor database takes a response."""


class KeptResponses:
    """Blocking: call it in a thread."""

    def __init__(self, store: ResponseStore, spool: ResponseSpool) -> None:
        self._store = store
        self._spool = spool

    def keep(self, response: StoredResponse) -> None:
        """Keep a response: on disk, from where it goes to the database.

        Raises:
            NotKept: neither takes it.
        """
        try:
            self._spool.write(response)
        except OSError as refused:
            try:
                self._store.put(response)
            except StorageUnavailable as error:
                msg = f"disk: {refused.strerror or refused}; database: {error.message}"
                raise NotKept(msg) from error

    def chain(self, org: str, response_id: str, *, alone: bool = False) -> list[StoredResponse]:
        """Return the turns up to a response, oldest first; empty where one of them is gone.

        Raises:
            StorageUnavailable: the database is needed and away.
        """
        found: list[StoredResponse] = []
        wanted = response_id
        while wanted:
            spooled = self._spool.read(org, wanted)
            more = [spooled] if spooled is not None else self._stored(org, wanted, alone=alone)
            if not more:
                return []
            found += more
            wanted = "" if alone else found[-1].previous_id
        found.reverse()
        return found

    def delete(self, org: str, response_id: str) -> bool:
        """Delete a response for good; return whether there was one.

        Raises:
            StorageUnavailable: the database is away.
        """
        spooled = self._spool.read(org, response_id) is not None
        # The file first: whoever moves it just now sees that it is gone, and deletes the row.
        removed = spooled and self._spool.remove(response_id)
        return self._store.delete(org, response_id) or removed

    def _stored(self, org: str, response_id: str, *, alone: bool) -> list[StoredResponse]:
        if alone:
            found = self._store.get(org, response_id)
            return [] if found is None else [found]
        return self._store.chain(org, response_id)
