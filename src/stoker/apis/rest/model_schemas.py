"""Models as schemas: JSON schema draft 4, which may refer to other models of the API."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import jsonschema_rs

from stoker.apis.errors import BadRequestException

MAX_FAULTS = 10


def check_schema(schema: str | None) -> None:
    """Raises BadRequestException for what is no schema. Models that it refers to may come later."""
    if not schema:
        return
    try:
        document = json.loads(schema)
        if not isinstance(document, dict):
            raise ValueError("a schema is an object")
        _validator(document, _any_document)
    except (ValueError, RecursionError) as error:
        raise BadRequestException(
            "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified. "
            f"{str(error).splitlines()[0]}]"
        ) from None


@dataclass(frozen=True)
class ModelValidator:
    """Holds bodies against a model; None where the model leads nowhere, and then no body is valid."""

    validator: "jsonschema_rs.Draft4Validator | None"

    def faults(self, body: bytes) -> Sequence[str]:
        """What is wrong with a body; nothing if it is valid."""
        if self.validator is None:
            return ["the model of the request has errors"]
        try:
            value = json.loads(body or b"null")
        except (ValueError, RecursionError):
            return ["Unable to parse the body as JSON"]
        return [error.message for error in itertools.islice(self.validator.iter_errors(value), MAX_FAULTS)]


def validator_for(name: str, models: Mapping[str, Any]) -> ModelValidator:
    """The validator of a model."""

    def retrieve(uri: str) -> Any:
        """Another model: `https://apigateway.amazonaws.com/restapis/{api_id}/models/{name}`."""
        path = urlsplit(uri).path
        other = models.get(path.rpartition("/")[2])
        if other is None:
            raise ValueError(f"there is no model {uri}")
        return json.loads(other.get("schema") or "{}")

    try:
        schema = json.loads(models[name].get("schema") or "{}")
        validator = _validator(schema, retrieve)
    except (ValueError, KeyError):
        return ModelValidator(None)
    return ModelValidator(validator)


def _validator(schema: Any, retrieve: Callable[[str], Any]) -> "jsonschema_rs.Draft4Validator | None":
    """None where it refers to what is not there. Raises ValueError for what is no schema.

    A pattern of a model is held against what any client sends: with these options it takes time in proportion to the
    text. The library takes 50 ms to load, and is when it is first needed.
    """
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft4Validator(schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=retrieve)
    except jsonschema_rs.ReferencingError:
        return None


def _any_document(_uri: str) -> Any:
    """Nothing is fetched: what is referred to is looked for among the API's models when requests are validated."""
    return {}
