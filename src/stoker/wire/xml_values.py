"""Members to XML, compiled per shape: the answers of the query protocol, and of rest-xml."""

import base64
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from botocore.model import ListShape, MapShape, Shape, StructureShape

from stoker.wire import timestamps
from stoker.wire.json_values import UnknownMemberError

Writer = Callable[[str, Any], str]
"""Takes the element's name and the value."""

# What XML 1.0 cannot carry, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """Escaped; a character that XML has no place for becomes U+FFFD."""
    return escape(_NOT_XML.sub("\ufffd", value), {"\r": "&#xD;"})


def element(name: str, content: str, namespace: str | None = None) -> str:
    attribute = f" xmlns={quoteattr(namespace)}" if namespace else ""
    return f"<{name}{attribute}>{content}</{name}>"


class XmlWriters:
    """Writers of one service's shapes. `timestamp_format` is the protocol's own."""

    def __init__(self, timestamp_format: str = "iso8601") -> None:
        self._timestamp_format = timestamp_format
        self._structures: dict[str, Writer] = {}

    def value(self, shape: Shape) -> Writer:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        if shape.type_name == "timestamp":
            write = timestamps.WRITERS[shape.serialization.get("timestampFormat", self._timestamp_format)]
            return lambda name, value: element(name, str(write(value)))
        return _SCALARS.get(shape.type_name, _write_text)

    def _structure(self, shape: StructureShape) -> Writer:
        if shape.name not in self._structures:
            fields: dict[str, tuple[str, Writer]] = {}
            attributes = {
                name: member.serialization["name"]
                for name, member in shape.members.items()
                if member.serialization.get("xmlAttribute")
            }
            write = partial(_write_structure, shape.name, fields)
            if attributes:
                declared = shape.metadata.get("xmlNamespace") or shape.serialization.get("xmlNamespace") or {}
                write = partial(_write_with_attributes, write, attributes, declared)
            self._structures[shape.name] = write
            for name, member in shape.members.items():
                fields[name] = (member.serialization.get("name", name), self.value(member))
        return self._structures[shape.name]

    def members(self, shape: StructureShape) -> Callable[[Mapping[str, Any]], str]:
        """A writer of what is inside a structure's element."""
        fields = {
            name: (each.serialization.get("name", name), self.value(each)) for name, each in shape.members.items()
        }
        return partial(_write_members, shape.name, fields)

    def _list(self, shape: ListShape) -> Writer:
        write = self.value(shape.member)
        inner = shape.member.serialization.get("name", "member")
        if shape.serialization.get("flattened"):
            own = shape.member.serialization.get("name")
            return lambda name, values: "".join(write(own or name, value) for value in values)
        return lambda name, values: element(name, "".join(write(inner, value) for value in values))

    def _map(self, shape: MapShape) -> Writer:
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        write = self.value(shape.value)

        def entries(name: str, values: Mapping[str, Any]) -> str:
            return "".join(
                element(name, element(key_name, text(key)) + write(value_name, value)) for key, value in values.items()
            )

        if shape.serialization.get("flattened"):
            return entries
        return lambda name, values: element(name, entries("entry", values))


def _write_structure(shape_name: str, fields: Mapping[str, tuple[str, Writer]], name: str, value: Any) -> str:
    return element(name, _write_members(shape_name, fields, value))


def _write_with_attributes(
    write: Writer, attributes: Mapping[str, str], declared: Mapping[str, str], name: str, value: Mapping[str, Any]
) -> str:
    content = write(name, {member: each for member, each in value.items() if member not in attributes})
    written = [f" xmlns:{declared['prefix']}={quoteattr(declared['uri'])}"] if declared else []
    written += [f" {sent_as}={quoteattr(value[member])}" for member, sent_as in attributes.items() if member in value]
    return f"<{name}{''.join(written)}{content[len(name) + 1 :]}"


def _write_members(shape_name: str, fields: Mapping[str, tuple[str, Writer]], value: Mapping[str, Any]) -> str:
    parts = []
    for member, content in value.items():
        if member not in fields:
            raise UnknownMemberError(f"{shape_name} has no member {member!r}")
        if content is not None:
            sent_as, write = fields[member]
            parts.append(write(sent_as, content))
    return "".join(parts)


def _write_text(name: str, value: Any) -> str:
    return element(name, text(str(value)))


_SCALARS: Mapping[str, Writer] = {
    "boolean": lambda name, value: element(name, "true" if value else "false"),
    "blob": lambda name, value: element(name, base64.b64encode(value).decode("ascii")),
}
