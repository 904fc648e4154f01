"""SimulatePrincipalPolicy and SimulateCustomPolicy."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.identity import simulation
from stoker.identity.callers import Caller
from stoker.identity.documents import Document, DocumentKind
from stoker.identity.identities import Identities
from stoker.identity.simulation import INLINE, RESOURCE, NamedDocument, Outcome, Simulation
from stoker.model.errors import NotBuiltError
from stoker.services.iam import words
from stoker.wire.message import Call

Members = Mapping[str, Any]
_UNBUILT = ("PolicyExclusionList", "ResourceOwner", "ResourceHandlingOption")


class SimulationOperations:
    """What policies would decide."""

    def __init__(self, identities: Identities) -> None:
        self._directory = identities.directory

    async def simulate_principal_policy(self, call: Call) -> Members:
        caller, named, boundary = simulation.policies_of(self._directory, call.params["PolicySourceArn"])
        return self._simulate(call, caller, [*named, *self._given(call)], boundary)

    async def simulate_custom_policy(self, call: Call) -> Members:
        return self._simulate(call, Caller(kind="User"), self._given(call), None)

    async def get_context_keys_for_custom_policy(self, call: Call) -> Members:
        return _context_keys([each.document for each in self._given(call)])

    async def get_context_keys_for_principal_policy(self, call: Call) -> Members:
        _, named, boundary = simulation.policies_of(self._directory, call.params["PolicySourceArn"])
        bounds = [boundary] if boundary is not None else []
        return _context_keys([*(each.document for each in [*named, *self._given(call)]), *bounds])

    def _simulate(
        self, call: Call, caller: Caller, policies: Sequence[NamedDocument], boundary: Document | None
    ) -> Members:
        params = call.params
        if unbuilt := [name for name in _UNBUILT if params.get(name)]:
            raise NotBuiltError(f"{call.operation}'s {unbuilt[0]} is not there yet in Stoker.")
        if (arn := params.get("CallerArn")) is not None:
            caller, _, _ = simulation.policies_of(self._directory, arn)
        bounds = params.get("PermissionsBoundaryPolicyInputList") or ()
        if len(bounds) > 1:
            raise NotBuiltError("More than one permissions boundary is not there yet in Stoker.")
        what = Simulation(
            caller=caller,
            policies=policies,
            boundary=self._directory.parse(bounds[0], DocumentKind.IDENTITY) if bounds else boundary,
            resource=self._resource_policy(params.get("ResourcePolicy")),
            context=simulation.context_of(caller, _entries(params.get("ContextEntries") or ())),
        )
        found = simulation.outcomes(what, params["ActionNames"], params.get("ResourceArns") or ["*"])
        numbered = [(f"{number:06d}", outcome) for number, outcome in enumerate(found)]
        return words.page("EvaluationResults", numbered, params, lambda item: item[0], lambda item: _members(item[1]))

    def _given(self, call: Call) -> list[NamedDocument]:
        return [
            NamedDocument(
                name=f"PolicyInputList.{number}",
                kind=INLINE,
                document=self._directory.parse(text, DocumentKind.IDENTITY),
            )
            for number, text in enumerate(call.params.get("PolicyInputList") or (), start=1)
        ]

    def _resource_policy(self, text: str | None) -> NamedDocument | None:
        if text is None:
            return None
        document = self._directory.parse(text, DocumentKind.RESOURCE)
        return NamedDocument(name="ResourcePolicy", kind=RESOURCE, document=document)


def _context_keys(documents: Sequence[Document]) -> Members:
    """All that conditions and variables ask for; told in lower case, since keys have none."""
    return {"ContextKeyNames": sorted(frozenset[str]().union(*(each.asks_for for each in documents)))}


def _entries(entries: Sequence[Mapping[str, Any]]) -> Mapping[str, str | Sequence[str]]:
    """A key of a list type has all of its values, any other its first."""
    given: dict[str, str | Sequence[str]] = {}
    for entry in entries:
        values = entry.get("ContextKeyValues") or [""]
        several = entry.get("ContextKeyType", "string").endswith("List")
        given[entry.get("ContextKeyName", "")] = values if several else values[0]
    return given


def _members(outcome: Outcome) -> Members:
    detail = None
    if outcome.within_boundary is not None:
        detail = {"AllowedByPermissionsBoundary": outcome.within_boundary}
    return {
        "EvalActionName": outcome.action,
        "EvalResourceName": outcome.resource,
        "EvalDecision": outcome.decision,
        "MatchedStatements": [{"SourcePolicyId": each.name, "SourcePolicyType": each.kind} for each in outcome.matched],
        "MissingContextValues": list(outcome.missing),
        "PermissionsBoundaryDecisionDetail": detail,
    }
