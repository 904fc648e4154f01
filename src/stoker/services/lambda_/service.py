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
from stoker.services.lambda_.tags import TagOperations
from stoker.services.lambda_.urls import Address, UrlOperations
from stoker.services.lambda_.versions import VersionOperations


class Invokes(CanInvoke, CanStream, Protocol):
    """Both ways to run a function."""


class LambdaService:
    """Every attribute with an operation's name serves that operation.

    `code_location` makes a URL from a zip's digest (`CodeLinks.sign`), `url_address` one of a function. `code_objects`
    reads code that is in S3. `check_role` raises if a function cannot run as a role (`ExecutionRoles.check`),
    `role_may` says what that may do (`DeliveryAccess.role_may`).
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
        self._serve_invocations(registry, invoker, events, roles)
        self._serve_concurrency(registry, provisioning)
        self._serve_urls(registry, url_address)
        self._serve_mappings(mappings)
        self._serve_versions(registry, words)

        code = CodeSource(code_objects, "function code")
        functions = FunctionOperations(registry, words, code_location, check_role, roles, code)
        self.create_function = functions.create_function
        self.update_function_code = functions.update_function_code
        self.update_function_configuration = functions.update_function_configuration
        self.get_function = functions.get_function
        self.get_function_configuration = functions.get_function_configuration
        self.list_functions = functions.list_functions
        self.delete_function = functions.delete_function
        self.get_function_code_signing_config = functions.get_function_code_signing_config

        permissions = PermissionOperations(registry.permissions)
        self.add_permission = permissions.add_permission
        self.remove_permission = permissions.remove_permission
        self.get_policy = permissions.get_policy

        layers = LayerOperations(registry.layers, code_location, CodeSource(code_objects, "layer content"))
        self.publish_layer_version = layers.publish_layer_version
        self.get_layer_version = layers.get_layer_version
        self.get_layer_version_by_arn = layers.get_layer_version_by_arn
        self.list_layer_versions = layers.list_layer_versions
        self.list_layers = layers.list_layers
        self.delete_layer_version = layers.delete_layer_version

        tags = TagOperations(registry.tags, MappingTags(mappings))
        self.tag_resource = tags.tag_resource
        self.untag_resource = tags.untag_resource
        self.list_tags = tags.list_tags

        self.get_account_settings = AccountOperations(registry).get_account_settings

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

    def _serve_versions(self, registry: Registry, words: ConfigurationWords) -> None:
        versions = VersionOperations(registry.versions, words)
        self.publish_version = versions.publish_version
        self.list_versions_by_function = versions.list_versions_by_function

        aliases = AliasOperations(registry.aliases)
        self.create_alias = aliases.create_alias
        self.get_alias = aliases.get_alias
        self.list_aliases = aliases.list_aliases
        self.update_alias = aliases.update_alias
        self.delete_alias = aliases.delete_alias

    def _serve_concurrency(self, registry: Registry, provisioning: KnowsProvisioned) -> None:
        reserved = ReservedOperations(registry.concurrency)
        self.put_function_concurrency = reserved.put_function_concurrency
        self.get_function_concurrency = reserved.get_function_concurrency
        self.delete_function_concurrency = reserved.delete_function_concurrency

        provisioned = ProvisionedOperations(registry.concurrency, provisioning)
        self.put_provisioned_concurrency_config = provisioned.put_provisioned_concurrency_config
        self.get_provisioned_concurrency_config = provisioned.get_provisioned_concurrency_config
        self.list_provisioned_concurrency_configs = provisioned.list_provisioned_concurrency_configs
        self.delete_provisioned_concurrency_config = provisioned.delete_provisioned_concurrency_config

    def _serve_mappings(self, mappings: EventSourceMappings) -> None:
        operations = EventSourceMappingOperations(mappings)
        self.create_event_source_mapping = operations.create_event_source_mapping
        self.get_event_source_mapping = operations.get_event_source_mapping
        self.list_event_source_mappings = operations.list_event_source_mappings
        self.update_event_source_mapping = operations.update_event_source_mapping
        self.delete_event_source_mapping = operations.delete_event_source_mapping

    def _serve_urls(self, registry: Registry, url_address: Address) -> None:
        urls = UrlOperations(registry.urls, url_address)
        self.create_function_url_config = urls.create_function_url_config
        self.get_function_url_config = urls.get_function_url_config
        self.list_function_url_configs = urls.list_function_url_configs
        self.update_function_url_config = urls.update_function_url_config
        self.delete_function_url_config = urls.delete_function_url_config

    def _serve_invocations(
        self, registry: Registry, invoker: Invokes, events: AcceptsEvents, roles: RoleChecks
    ) -> None:
        invocations = InvokeOperations(registry, invoker, events)
        self.invoke = invocations.invoke
        self.invoke_async = invocations.invoke_async
        self.invoke_with_response_stream = StreamingOperations(registry, invoker).invoke_with_response_stream

        configs = EventInvokeConfigOperations(registry.event_invoke_configs, roles)
        self.put_function_event_invoke_config = configs.put_function_event_invoke_config
        self.update_function_event_invoke_config = configs.update_function_event_invoke_config
        self.get_function_event_invoke_config = configs.get_function_event_invoke_config
        self.list_function_event_invoke_configs = configs.list_function_event_invoke_configs
        self.delete_function_event_invoke_config = configs.delete_function_event_invoke_config

        recursion = RecursionOperations(registry.recursion)
        self.put_function_recursion_config = recursion.put_function_recursion_config
        self.get_function_recursion_config = recursion.get_function_recursion_config
