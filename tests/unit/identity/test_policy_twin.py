"""The evaluation against a slow and obvious twin, which reads the documents as the pages on them are written."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.identity_house import ACCOUNT
from stoker.identity.callers import Caller
from stoker.identity.documents import Document, DocumentKind, parse_document
from stoker.identity.evaluation import AccessRequest, evaluate
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.identity.templates import parse_template

USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/worker"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
CALLERS = [
    Caller(kind="User", account=ACCOUNT, arn=USER, issuer_arn=USER),
    Caller(kind="AssumedRole", account=ACCOUNT, arn=SESSION, issuer_arn=ROLE),
    Caller(kind="Service", arn="s3.amazonaws.com", service="s3.amazonaws.com"),
    Caller(kind="Anonymous"),
]
PRINCIPALS = [
    "*",
    {"AWS": "*"},
    {"AWS": USER},
    {"AWS": [ROLE, USER]},
    {"AWS": SESSION},
    {"AWS": ACCOUNT},
    {"AWS": ROOT},
    {"Service": "s3.amazonaws.com"},
    {"Service": ["sns.amazonaws.com"], "AWS": ROLE},
]
TEXTS = st.text("ab*?", max_size=3)
VALUES = st.text("ab", max_size=3)


def like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(like(text[n:], pattern[1:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and like(text[1:], pattern[1:])


def holds(operator: str, operands: list[str], has: Any) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if_exists, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    values = [] if has is None else [has] if isinstance(has, str) else list(has)
    if name == "Null":
        return (not values) == ("true" in operands)
    negated, name = "Not" in name, name.replace("Not", "")
    if not values:
        return if_exists or quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    tests = {
        "StringEquals": lambda value, operand: value == operand,
        "StringEqualsIgnoreCase": lambda value, operand: value.lower() == operand.lower(),
        "StringLike": like,
    }
    each = [any(tests[name](value, operand) for operand in operands) != negated for value in values]
    return any(each) if quantifier == "ForAnyValue" or (not quantifier and not negated) else all(each)


def applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, Any]) -> bool:
    about = any(like(action, pattern) for pattern in statement.get("Action", statement.get("NotAction")))
    covers = any(like(resource, pattern) for pattern in statement.get("Resource", statement.get("NotResource")))
    return (
        about == ("Action" in statement)
        and covers == ("Resource" in statement)
        and all(
            holds(operator, operands, context.get(key))
            for operator, keys in statement.get("Condition", {}).items()
            for key, operands in keys.items()
        )
    )


def naming(statement: Mapping[str, Any], caller: Caller) -> int:
    """3 by its own ARN, 2 by its role or as anybody, 1 by its account, 0 not at all."""
    element = statement["Principal"]
    if element == "*":
        element = {"AWS": "*"}
    named = {kind: [names] if isinstance(names, str) else names for kind, names in element.items()}
    aws = named.get("AWS", [])
    if caller.kind == "Service":
        return 3 if "*" in aws or caller.service in named.get("Service", []) else 0
    if caller.kind == "Anonymous":
        return 2 if "*" in aws else 0
    if caller.arn in aws:
        return 3
    if "*" in aws or caller.issuer_arn in aws:
        return 2
    return 1 if ACCOUNT in aws or ROOT in aws else 0


def twin(layers: Mapping[str, Any], caller: Caller, action: str, resource: str, context: Mapping[str, Any]) -> bool:
    def effects(statements: Any) -> set[str]:
        return {each["Effect"] for each in statements if applies(each, action, resource, context)}

    of_resource = [each for each in layers["resource"] if naming(each, caller)]
    found = {name: effects(layers[name] or []) for name in ("identity", "boundary", "session")}
    if any("Deny" in each for each in [*found.values(), effects(of_resource)]):
        return False
    allowing = [each for each in of_resource if applies(each, action, resource, context)]
    closest = max((naming(each, caller) for each in allowing), default=0)
    if caller.kind in ("Service", "Anonymous"):
        return closest > 1
    if closest == 3:
        return True
    bounded = all("Allow" in found[name] for name in ("boundary", "session") if layers[name] is not None)
    return bounded and ("Allow" in found["identity"] or closest == 2)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    operator = draw(
        st.sampled_from(["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"])
    )
    name = (
        draw(st.sampled_from(["", "ForAnyValue:", "ForAllValues:"]))
        + operator
        + draw(st.sampled_from(["", "IfExists"]))
    )
    null = {"Null": {draw(st.sampled_from(["k:one", "k:many"])): [draw(st.sampled_from(["true", "false"]))]}}
    tested = {name: {draw(st.sampled_from(["k:one", "k:many"])): draw(st.lists(TEXTS, min_size=1, max_size=2))}}
    return draw(st.sampled_from([{}, {}, tested, tested, null, {**tested, **null}]))


@st.composite
def statements(draw: st.DrawFn, principal: bool = False) -> dict[str, Any]:
    patterns = st.lists(TEXTS, min_size=1, max_size=2)
    statement = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): [f"s3:{text}" for text in draw(patterns)],
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): [
            f"arn:aws:s3:::{text}" for text in draw(patterns)
        ],
        "Condition": draw(conditions()),
    }
    return {**statement, "Principal": draw(st.sampled_from(PRINCIPALS))} if principal else statement


def layer(*, principal: bool = False, least: int = 0) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(statements(principal=principal), min_size=least, max_size=3)


LAYERS = st.fixed_dictionaries(
    {
        "identity": layer(),
        "boundary": st.none() | layer(least=1),
        "session": st.none() | layer(least=1),
        "resource": layer(principal=True),
    }
)
CONTEXTS = st.fixed_dictionaries({}, optional={"k:one": VALUES, "k:many": st.lists(VALUES, max_size=2)})


def document(given_statements: list[dict[str, Any]], kind: DocumentKind = DocumentKind.IDENTITY) -> Document:
    return parse_document(json.dumps({"Version": "2012-10-17", "Statement": given_statements}), kind)


@settings(max_examples=400, deadline=None)
@given(LAYERS, st.sampled_from(CALLERS), VALUES, VALUES, CONTEXTS)
def test_it_decides_as_its_twin_does(
    layers: dict[str, Any], caller: Caller, action: str, resource: str, context: dict[str, Any]
) -> None:
    policies = PrincipalPolicies(
        identity=(document(layers["identity"]),) if layers["identity"] else (),
        boundary=document(layers["boundary"]) if layers["boundary"] else None,
        session=(document(layers["session"]),) if layers["session"] else (),
    )
    of_resource = document(layers["resource"], DocumentKind.RESOURCE) if layers["resource"] else None
    what = (f"s3:{action}", f"arn:aws:s3:::{resource}")
    request = AccessRequest(caller=caller, action=what[0], resource=what[1], context=context)
    assert evaluate(request, policies, of_resource).allowed is twin(layers, caller, *what, context)


@settings(max_examples=500, deadline=None)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_a_pattern_matches_what_it_says(pattern: str, text: str) -> None:
    matches = parse_template(pattern, wildcards=True, variables=True).matcher({})
    assert matches is not None
    assert matches(text) is like(text, pattern)


@given(st.text("ab*?$", max_size=4), st.text("ab*?$", max_size=4))
def test_a_variable_s_value_and_an_escape_are_only_themselves(value: str, other: str) -> None:
    matches = parse_template("a${k:one}*${*}", wildcards=True, variables=True).matcher({"k:one": value})
    assert matches is not None
    assert matches(f"a{value}{other}*")
    assert matches(other) is (other.startswith(f"a{value}") and other.endswith("*") and len(other) > len(value) + 1)
