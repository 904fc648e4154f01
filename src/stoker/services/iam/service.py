"""Identity and Access Management: which operation is served by what."""

import inspect
from collections.abc import Mapping
from typing import Any

from stoker.identity.entities import Group, ManagedPolicy, OidcProvider, Role, User
from stoker.identity.identities import Identities
from stoker.model.clock import Clock
from stoker.services.iam.access import access_table
from stoker.services.iam.account import AccountOperations
from stoker.services.iam.credential_report import CredentialReportOperations
from stoker.services.iam.groups import GroupOperations
from stoker.services.iam.holders import HolderOperations
from stoker.services.iam.oidc_providers import OidcProviderOperations
from stoker.services.iam.policies import PolicyOperations
from stoker.services.iam.roles import RoleOperations
from stoker.services.iam.simulation import SimulationOperations
from stoker.services.iam.users import UserOperations


class IamService:
    """Every attribute with an operation's name serves that operation. IAM is global: the region does not matter."""

    name = "iam"

    def __init__(self, *, identities: Identities, clock: Clock) -> None:
        self.access = access_table(identities.directory)
        self._directory = identities.directory
        policies = PolicyOperations(identities)
        for part in (
            UserOperations(identities),
            GroupOperations(identities),
            RoleOperations(identities),
            policies,
            AccountOperations(identities, policies),
            SimulationOperations(identities),
            OidcProviderOperations(identities),
            CredentialReportOperations(identities, clock),
        ):
            self._serve(part)
        for kind in (User, Group, Role):
            for name, method in HolderOperations(identities, kind).operations().items():
                setattr(self, name, method)

    def __repr__(self) -> str:
        return "<IamService>"

    def resource_tags(self, arn: str) -> Mapping[str, str]:
        """Those of a user, role, policy or provider, by its ARN."""
        kind, _, path = arn.rpartition(":")[2].partition("/")
        if kind == "policy":
            found: Any = self._directory.find(ManagedPolicy, path.rpartition("/")[2])
        elif kind == "oidc-provider":
            found = self._directory.find(OidcProvider, path)
        else:
            found = self._directory.find(User if kind == "user" else Role, path.rpartition("/")[2])
        return found.tags if found is not None and found.arn == arn else {}

    def _serve(self, part: object) -> None:
        """Each public coroutine of a part is an operation of its name."""
        for name, method in inspect.getmembers(part, inspect.iscoroutinefunction):
            if not name.startswith("_"):
                setattr(self, name, method)
