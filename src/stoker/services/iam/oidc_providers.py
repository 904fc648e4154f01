"""OpenID Connect providers."""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.identity import holders, oidc_providers
from stoker.identity.draft import Draft
from stoker.identity.entities import OidcProvider
from stoker.identity.identities import Identities
from stoker.services.iam import words
from stoker.wire.message import Call

Members = Mapping[str, Any]
NOTHING: Members = {}


class OidcProviderOperations:
    """CreateOpenIDConnectProvider to DeleteOpenIDConnectProvider, client ids, thumbprints and tags."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._directory = identities.directory

    async def create_open_id_connect_provider(self, call: Call) -> Members:
        params = call.params
        tags = words.tag_map(params.get("Tags"))
        made = await self._identities.change(
            lambda draft: oidc_providers.create(
                draft,
                params["Url"],
                audiences=params.get("ClientIDList") or (),
                thumbprints=params.get("ThumbprintList") or (),
                tags=tags,
            )
        )
        return {"OpenIDConnectProviderArn": made.arn, "Tags": words.tag_list(made.tags) or None}

    async def get_open_id_connect_provider(self, call: Call) -> Members:
        found = self._find(call)
        return {
            "Url": found.name,
            "ClientIDList": list(found.audiences),
            "ThumbprintList": list(found.thumbprints),
            "CreateDate": words.moment(found.created),
            "Tags": words.tag_list(found.tags),
        }

    async def list_open_id_connect_providers(self, call: Call) -> Members:
        return {"OpenIDConnectProviderList": [{"Arn": each.arn} for each in self._directory.all(OidcProvider)]}

    async def delete_open_id_connect_provider(self, call: Call) -> Members:
        return await self._change(call, oidc_providers.delete)

    async def add_client_id_to_open_id_connect_provider(self, call: Call) -> Members:
        return await self._change(call, oidc_providers.add_audience, call.params["ClientID"])

    async def remove_client_id_from_open_id_connect_provider(self, call: Call) -> Members:
        return await self._change(call, oidc_providers.remove_audience, call.params["ClientID"])

    async def update_open_id_connect_provider_thumbprint(self, call: Call) -> Members:
        return await self._change(call, oidc_providers.set_thumbprints, call.params["ThumbprintList"])

    async def tag_open_id_connect_provider(self, call: Call) -> Members:
        tags = words.tag_map(call.params["Tags"])
        return await self._change(call, lambda draft, arn: holders.tag(draft, oidc_providers.find(draft, arn), tags))

    async def untag_open_id_connect_provider(self, call: Call) -> Members:
        keys = call.params["TagKeys"]
        return await self._change(call, lambda draft, arn: holders.untag(draft, oidc_providers.find(draft, arn), keys))

    async def list_open_id_connect_provider_tags(self, call: Call) -> Members:
        tags = sorted(words.tag_list(self._find(call).tags), key=lambda tag: str(tag["Key"]))
        return words.page("Tags", tags, call.params, lambda tag: str(tag["Key"]), lambda tag: tag)

    async def _change(self, call: Call, rule: Callable[..., None], *given: Any) -> Members:
        arn = call.params["OpenIDConnectProviderArn"]

        def work(draft: Draft) -> None:
            rule(draft, arn, *given)

        await self._identities.change(work)
        return NOTHING

    def _find(self, call: Call) -> OidcProvider:
        arn = call.params["OpenIDConnectProviderArn"]
        found = self._directory.find(OidcProvider, oidc_providers.name_in(arn))
        if found is None or found.arn != arn:
            raise oidc_providers.not_found(arn)
        return found
