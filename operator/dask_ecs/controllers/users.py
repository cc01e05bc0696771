"""Who uses what was made: found by looking at the live objects, never by counting."""

import collections
from collections.abc import Collection, Set


class Users:
    """The clusters that use each made thing, as `kind/name` in a region."""

    def __init__(self) -> None:
        self._things: dict[str, tuple[str, Collection[str]]] = {}  # of UIDs: region, things
        self._users: collections.defaultdict[tuple[str, str], set[str]] = collections.defaultdict(set)

    def say(self, uid: str, *, region: str, things: Collection[str]) -> None:
        """Say what a cluster uses from now on."""
        if self._things.get(uid) == (region, things):
            return
        self.leave(uid)
        self._things[uid] = (region, things)
        for thing in things:
            self._users[region, thing].add(uid)

    def leave(self, uid: str) -> None:
        """Say that a cluster uses nothing any more."""
        region, things = self._things.pop(uid, ("", ()))
        for thing in things:
            users = self._users[region, thing]
            users.discard(uid)
            if not users:
                del self._users[region, thing]

    def others(self, uid: str, *, region: str, thing: str) -> Set[str]:
        """Return the UIDs of the other clusters that use a thing."""
        return self._users.get((region, thing), set()) - {uid}

    def has_others(self, uid: str, *, region: str, thing: str) -> bool:
        """Whether another cluster uses a thing."""
        users = self._users.get((region, thing), ())
        return len(users) > (uid in users)
