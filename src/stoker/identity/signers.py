"""Users' access keys as signatures are verified with them: from memory, on the path of every request."""

from collections.abc import Sequence

from stoker.identity.directory import Directory
from stoker.identity.entities import User
from stoker.identity.sealing import Seal
from stoker.model.principal import Principal

Use = tuple[str, float, str, str]
"""A key's or role's id, when (seconds since the epoch), the service's name and the region that it signed for."""


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

    def note_use(self, principal: Principal, moment: float, service: str, region: str) -> None:
        """A request was verified to be signed with a user's key, or with those of a role's session."""
        session = principal.session
        if session is not None:
            self._uses[session.issuer_id] = (session.issuer_id, moment, service, region)
        elif principal.access_key in self._opened:
            self._uses[principal.access_key] = (principal.access_key, moment, service, region)

    def last_use(self, key_or_role_id: str) -> Use | None:
        """The last use, where that is known here better than in the store."""
        return self._uses.get(key_or_role_id)

    def take_uses(self) -> Sequence[Use]:
        """The uses to write down. They are kept as well: what the directory was loaded with is older. But those of
        what is gone are not: a role of every test that ever ran would stay.
        """
        self._uses = {name: use for name, use in self._uses.items() if self._knows(name)}
        return list(self._uses.values())

    def _knows(self, key_or_role_id: str) -> bool:
        return self._directory.key(key_or_role_id) is not None or self._directory.is_live(key_or_role_id)

    def forget(self) -> None:
        """The directory has changed."""
        self._opened.clear()
