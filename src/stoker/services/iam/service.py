"""Identity and Access Management: which operation is served by what."""

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
from stoker.wire.operations import Method, operations_of


class IamService:
    """IAM is global: the region does not matter."""

    name = "iam"

    def __init__(self, *, identities: Identities, clock: Clock) -> None:
        self.access = access_table(identities.directory)
        self._directory = identities.directory
        policies = PolicyOperations(identities)
        self.operations: Mapping[str, Method] = operations_of(
            UserOperations(identities),
            GroupOperations(identities),
            RoleOperations(identities),
            policies,
            AccountOperations(identities, policies),
            SimulationOperations(identities),
            OidcProviderOperations(identities),
            CredentialReportOperations(identities, clock),
            *(HolderOperations(identities, kind).operations() for kind in (User, Group, Role)),
        )

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
