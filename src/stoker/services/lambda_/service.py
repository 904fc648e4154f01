"""The Lambda API: which operation is served by what."""

from collections.abc import Callable, Mapping
from typing import Protocol

from stoker.event_sources.mappings import EventSourceMappings
from stoker.functions.code_objects import CodeObjects
from stoker.functions.registry import Registry
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.model.access import AccessTable
from stoker.model.arn import FunctionId, parse_function_reference
from stoker.model.errors import ResourceNotFoundException
from stoker.services.lambda_.access import ACCESS
from stoker.services.lambda_.account import AccountOperations
from stoker.services.lambda_.aliases import AliasOperations
from stoker.services.lambda_.code_signing import CodeSigningOperations
from stoker.services.lambda_.code_source import CodeSource
from stoker.services.lambda_.concurrency import KnowsProvisioned, ProvisionedOperations, ReservedOperations
from stoker.services.lambda_.configuration_words import ConfigurationWords
from stoker.services.lambda_.event_invoke_config import EventInvokeConfigOperations, RecursionOperations
from stoker.services.lambda_.event_source_mappings import EventSourceMappingOperations, MappingTags
from stoker.services.lambda_.execution_role import RoleChecks, RoleMay
from stoker.services.lambda_.functions import FunctionOperations
from stoker.services.lambda_.invoke import AcceptsEvents, CanInvoke, InvokeOperations
from stoker.services.lambda_.invoke_streaming import CanStream, StreamingOperations
from stoker.services.lambda_.layers import LayerOperations
from stoker.services.lambda_.permissions import PermissionOperations
from stoker.services.lambda_.runtime_management import RuntimeManagementOperations
from stoker.services.lambda_.tags import TagOperations
from stoker.services.lambda_.urls import Address, UrlOperations
from stoker.services.lambda_.versions import VersionOperations
from stoker.wire.operations import Method, operations_of


class Invokes(CanInvoke, CanStream, Protocol):
    """Both ways to run a function."""


class LambdaService:
    """`code_location` makes a URL from a zip's digest (`CodeLinks.sign`), `url_address` one of a function.

    `code_objects` reads code that is in S3. `check_role` raises if a function cannot run as a role
    (`ExecutionRoles.check`), `role_may` says what that may do (`DeliveryAccess.role_may`).
    """

    name = "lambda"
    access: AccessTable = ACCESS
    # AddPermission writes nothing but Allow.
    resource_policies_deny = False

    def __init__(
        self,
        *,
        registry: Registry,
        invoker: Invokes,
        events: AcceptsEvents,
        runtimes: RuntimeCatalogue,
        code_location: Callable[[str], str],
        code_objects: CodeObjects,
        check_role: Callable[[str, FunctionId], None],
        role_may: RoleMay,
        url_address: Address,
        provisioning: KnowsProvisioned,
        mappings: EventSourceMappings,
    ) -> None:
        words = ConfigurationWords(runtimes)
        self._registry = registry

        roles = RoleChecks(registry, role_may)
        code = CodeSource(code_objects, "function code")
        self.operations: Mapping[str, Method] = operations_of(
            FunctionOperations(registry, words, code_location, check_role, roles, code),
            VersionOperations(registry.versions, words),
            AliasOperations(registry.aliases),
            LayerOperations(registry.layers, code_location, CodeSource(code_objects, "layer content")),
            InvokeOperations(registry, invoker, events),
            StreamingOperations(registry, invoker),
            EventInvokeConfigOperations(registry.event_invoke_configs, roles),
            RecursionOperations(registry.recursion),
            ReservedOperations(registry.concurrency),
            ProvisionedOperations(registry.concurrency, provisioning),
            PermissionOperations(registry.permissions),
            UrlOperations(registry.urls, url_address),
            EventSourceMappingOperations(mappings),
            TagOperations(registry.tags, MappingTags(mappings)),
            RuntimeManagementOperations(registry),
            CodeSigningOperations(registry),
            AccountOperations(registry),
        )

    def __repr__(self) -> str:
        return "<LambdaService>"

    async def resource_policy(self, arn: str) -> str | None:
        """The policy of a function, version or alias."""
        return await self._registry.policies.of(arn)

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """A function's tags, also for its versions and aliases; none for what is no function."""
        reference = parse_function_reference(arn)
        if reference is None or reference.account is None or reference.region is None:
            return {}
        function = FunctionId(account=reference.account, region=reference.region, name=reference.name)
        try:
            return await self._registry.tags.get(function)
        except ResourceNotFoundException:
            return {}
