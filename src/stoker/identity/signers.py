"""Users' access keys as signatures are verified with them: from memory, on the path of every request."""

from collections.abc import Sequence

from stoker.identity.directory import Directory
from stoker.identity.entities import User
from stoker.identity.sealing import Seal
from stoker.model.principal import Principal

Use = tuple[str, float, str, str]
"""A key's id, when (seconds since the epoch), the service's name and the region that it signed for."""


class Signers:
    """Secrets of the keys in use, opened when they first sign and forgotten with every change of the directory."""

    def __init__(self, directory: Directory, seal: Seal) -> None:
        self._directory = directory
        self._seal = seal
        self._opened: dict[str, tuple[str, Principal]] = {}
        self._uses: dict[str, Use] = {}

    def __repr__(self) -> str:
        return f"<Signers {len(self._opened)} opened>"

    def find(self, key_id: str) -> tuple[str, Principal] | None:
        """The secret of an active key, and whose it is; None for any other."""
        found = self._opened.get(key_id)
        if found is None:
            key = self._directory.key(key_id)
            user = self._directory.by_id(User, key.user_id) if key is not None else None
            if key is None or user is None or not key.active:
                return None
            principal = Principal(account=user.account, arn=user.arn, user_id=user.id, access_key=key_id)
            found = self._opened[key_id] = (self._seal.open(key.sealed, key_id), principal)
        return found

    def is_live(self, issuer_id: str) -> bool:
        """Whether a session of this role, user or account may still be used."""
        return self._directory.is_live(issuer_id)

    def note_use(self, key_id: str, moment: float, service: str, region: str) -> None:
        """A request was verified to be signed with this key, if it is one of those here."""
        if key_id in self._opened:
            self._uses[key_id] = (key_id, moment, service, region)

    def last_use(self, key_id: str) -> Use | None:
        """The last use, where that is known here better than in the store."""
        return self._uses.get(key_id)

    def take_uses(self) -> Sequence[Use]:
        """The uses to write down. They are kept as well: what the directory was loaded with is older."""
        return list(self._uses.values())

    def forget(self) -> None:
        """The directory has changed."""
        self._opened.clear()
