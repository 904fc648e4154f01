"""Tokens of OpenID Connect providers, for credentials of roles that trust them."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from fakes.identity_house import ACCOUNT, IdentityHouse
from fakes.identity_providers import ISSUER
from stoker.identity.entities import OidcProvider
from stoker.identity.errors import (
    EntityAlreadyExists,
    ExpiredIdentityToken,
    IDPCommunicationError,
    InvalidIdentityToken,
    InvalidInput,
    NoSuchEntity,
)
from stoker.model.errors import AccessDeniedException, NotBuiltError, ServiceError

PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.com/realm"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"
MINE = {"StringEquals": {"id.example.com/realm:aud": "stoker"}, "StringLike": {"id.example.com/realm:sub": "repo:me/*"}}


def make_provider(iam: IdentityHouse, **params: Any) -> str:
    given = {"Url": ISSUER, "ClientIDList": ["stoker"], "ThumbprintList": ["A" * 40], **params}
    arn: str = iam.call("CreateOpenIDConnectProvider", **given)["OpenIDConnectProviderArn"]
    return arn


def make_role(iam: IdentityHouse, condition: Any = None, actions: Any = "sts:AssumeRoleWithWebIdentity") -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": actions,
        "Condition": condition or MINE,
    }
    iam.role("deployer", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def claims(iam: IdentityHouse, **changed: Any) -> dict[str, Any]:
    now = int(iam.clock.time())
    given = {"iss": ISSUER, "aud": "stoker", "sub": "repo:me/app", "iat": now, "exp": now + 600, **changed}
    return {name: value for name, value in given.items() if value is not None}


def assume(iam: IdentityHouse, token: str | None = None, **params: Any) -> Any:
    given = {"RoleArn": ROLE, "RoleSessionName": "ci", "WebIdentityToken": token or iam.providers.token(claims(iam))}
    return iam.call("AssumeRoleWithWebIdentity", service="sts", **given, **params)


@pytest.fixture
def trusted(iam: IdentityHouse) -> IdentityHouse:
    make_provider(iam)
    make_role(iam)
    return iam


def test_a_provider_reads_back_as_it_was_made(iam: IdentityHouse) -> None:
    arn = make_provider(iam, Tags=[{"Key": "a", "Value": "b"}])
    assert arn == PROVIDER
    iam.call("AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID="other")
    iam.call("RemoveClientIDFromOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID="stoker")
    found = iam.call("GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    assert (found["Url"], found["ClientIDList"]) == ("id.example.com/realm", ["other"])
    assert (found["ThumbprintList"], found["Tags"]) == (["a" * 40], [{"Key": "a", "Value": "b"}])
    assert iam.again().directory.all(OidcProvider) == iam.directory.all(OidcProvider)
    with pytest.raises(EntityAlreadyExists):
        make_provider(iam, Url=f"{ISSUER}/")
    iam.call("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
    with pytest.raises(NoSuchEntity):
        iam.call("GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)


@pytest.mark.parametrize(
    "url", ["http://id.example.com", "id.example.com", "https://", "https://a/?b", "https://u:p@a/"]
)
def test_a_provider_has_an_https_address(iam: IdentityHouse, url: str) -> None:
    with pytest.raises(InvalidInput):
        make_provider(iam, Url=url)


def test_whom_the_trust_policy_means_gets_credentials(trusted: IdentityHouse) -> None:
    answer = assume(trusted)
    assert (answer["Provider"], answer["Audience"], answer["SubjectFromWebIdentityToken"]) == (
        PROVIDER,
        "stoker",
        "repo:me/app",
    )
    made = answer["Credentials"]
    _, principal = trusted.keys.lookup(made["AccessKeyId"], made["SessionToken"], trusted.clock.time())
    assert principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/ci"
    assert trusted.providers.asked == [(ISSUER, "first")]


@pytest.mark.parametrize(
    "changed",
    [{"sub": "repo:you/app"}, {"sub": "repo:me"}, {"azp": "other"}],
)
def test_nobody_else_does(trusted: IdentityHouse, changed: dict[str, Any]) -> None:
    trusted.call("AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=PROVIDER, ClientID="other")
    with pytest.raises(AccessDeniedException, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(trusted, trusted.providers.token(claims(trusted, **changed)))


def test_other_roles_are_not_for_it(trusted: IdentityHouse) -> None:
    trusted.role("worker")
    for role in ("worker", "absent"):
        with pytest.raises(AccessDeniedException):
            trusted.call(
                "AssumeRoleWithWebIdentity",
                service="sts",
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
                RoleSessionName="ci",
                WebIdentityToken=trusted.providers.token(claims(trusted)),
            )


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"iss": "https://evil.example.com"}, InvalidIdentityToken, "No OpenIDConnect provider found in your account"),
        ({"iss": "http://id.example.com/realm"}, InvalidIdentityToken, "No OpenIDConnect provider"),
        ({"iss": f"{ISSUER}".upper()}, InvalidIdentityToken, "No OpenIDConnect provider"),
        ({"iss": None}, InvalidIdentityToken, "No OpenIDConnect provider"),
        ({"aud": "another"}, InvalidIdentityToken, "Incorrect token audience"),
        ({"aud": None}, InvalidIdentityToken, "Incorrect token audience"),
        ({"sub": None}, InvalidIdentityToken, "sub"),
        ({"exp": None}, InvalidIdentityToken, "exp"),
        ({"exp": "never"}, InvalidIdentityToken, "exp"),
        ({"exp": 1}, ExpiredIdentityToken, "must be before the expiration date"),
        ({"nbf": 4_000_000_000}, InvalidIdentityToken, "not valid yet"),
    ],
)
def test_a_token_that_says_something_else_is_refused(
    trusted: IdentityHouse, changed: dict[str, Any], error: type[ServiceError], words: str
) -> None:
    with pytest.raises(error, match=words):
        assume(trusted, trusted.providers.token(claims(trusted, **changed)))


def test_a_token_that_the_provider_did_not_sign_is_refused(trusted: IdentityHouse) -> None:
    good, providers = trusted.providers.token(claims(trusted)), trusted.providers
    head, body, seal = good.split(".")
    forged = [
        providers.token(claims(trusted), key=ECKey.generate_key("P-256", {"kid": "first"})),
        providers.token(claims(trusted), key=RSAKey.generate_key(2048, {"kid": "first"}), algorithm="RS256"),
        providers.token(claims(trusted), key=OctKey.import_key("s" * 32, {"kid": "first"}), algorithm="HS256"),
        f"{head}.{body}.",
        f"{head}.{body}.{seal[::-1]}",
        f"eyJhbGciOiJub25lIn0.{body}.",
        f"{head}.{body[:-4]}.{seal}",
        "not a token",
        "a.b.c",
    ]
    for token in forged:
        with pytest.raises(InvalidIdentityToken):
            assume(trusted, token)
    assert assume(trusted, good)


def test_a_provider_that_cannot_be_reached_is_told(trusted: IdentityHouse) -> None:
    trusted.providers.published.clear()
    with pytest.raises(IDPCommunicationError):
        assume(trusted)


def test_a_provider_that_is_deleted_vouches_for_nobody(trusted: IdentityHouse) -> None:
    token = trusted.providers.token(claims(trusted))
    assert assume(trusted, token)
    trusted.call("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=PROVIDER)
    with pytest.raises(InvalidIdentityToken):
        assume(trusted, token)


def test_tags_in_the_token_need_the_role_s_leave(trusted: IdentityHouse) -> None:
    told = {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]}
    token = trusted.providers.token(claims(trusted, **{"https://aws.amazon.com/tags": told}))
    with pytest.raises(AccessDeniedException):
        assume(trusted, token)
    trusted.call("DeleteRole", RoleName="deployer")
    make_role(trusted, actions=["sts:AssumeRoleWithWebIdentity", "sts:TagSession"])
    made = assume(trusted, token)["Credentials"]
    _, principal = trusted.keys.lookup(made["AccessKeyId"], made["SessionToken"], trusted.clock.time())
    assert principal.session is not None
    assert (principal.session.tags, principal.session.transitive) == ({"team": "red"}, ("team",))


def test_a_session_is_no_longer_than_the_role_s_and_others_providers_are_not_built(trusted: IdentityHouse) -> None:
    with pytest.raises(ServiceError, match="MaxSessionDuration"):
        assume(trusted, DurationSeconds=7200)
    with pytest.raises(NotBuiltError, match="ProviderId"):
        assume(trusted, ProviderId="graph.facebook.com")
