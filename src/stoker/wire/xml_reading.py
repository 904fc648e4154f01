"""XML documents to members, compiled per shape: the requests of rest-xml.

Namespaces are not looked at: clients leave S3's out, or bind it to prefixes of their own.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from botocore.model import ListShape, MapShape, Shape, StructureShape

from stoker.wire.errors import SerializationException
from stoker.wire.json_values import decode_base64
from stoker.wire.rest import text_reader

Reader = Callable[[Element], Any]
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


class MalformedXmlError(SerializationException):
    """The XML you provided was not well-formed or did not validate against our published schema"""


class _WithoutDoctype(TreeBuilder):
    """Documents of requests have none; one that has could define entities that grow."""

    def doctype(self, _name: str, _public_id: str | None, _system: str | None) -> None:
        raise MalformedXmlError()


def parse_document(body: bytes) -> Element:
    """The root element; raises MalformedXmlError."""
    parser = XMLParser(target=_WithoutDoctype())
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise MalformedXmlError() from error
    return root


def local_name(node: Element) -> str:
    return node.tag.rpartition("}")[2]


class XmlReaders:
    """Readers of one service's shapes."""

    def __init__(self) -> None:
        self._structures: dict[str, Reader] = {}

    def value(self, shape: Shape) -> Reader:
        if isinstance(shape, StructureShape):
            return self.structure(shape)
        if isinstance(shape, ListShape):
            # A flattened list's elements are read by the structure that they stand in.
            return partial(_read_list, self.value(shape.member))
        if isinstance(shape, MapShape):
            raise NotImplementedError(f"maps in XML ({shape.name})")
        if shape.type_name == "blob":
            return lambda node: decode_base64((node.text or "").strip())
        read = text_reader(shape)
        if shape.type_name == "string":
            return lambda node: node.text or ""
        return lambda node: read((node.text or "").strip())

    def structure(self, shape: StructureShape, names: frozenset[str] | None = None) -> Reader:
        """A reader of members, all or those with `names`; an element that is no such raises MalformedXmlError."""
        if shape.name not in self._structures:
            fields: dict[str, tuple[str, bool, Reader]] = {}
            attributes: dict[str, str] = {}
            self._structures[shape.name] = partial(_read_structure, fields, attributes)
            for name, member in shape.members.items():
                if names is not None and name not in names:
                    continue
                sent_as = member.serialization.get("name", name)
                if member.serialization.get("xmlAttribute"):
                    attributes[sent_as.rpartition(":")[2]] = name
                elif isinstance(member, ListShape) and member.serialization.get("flattened"):
                    own = member.member.serialization.get("name", sent_as)
                    fields[own] = (name, True, self.value(member.member))
                else:
                    fields[sent_as] = (name, False, self.value(member))
        return self._structures[shape.name]


def _read_structure(
    fields: Mapping[str, tuple[str, bool, Reader]], attributes: Mapping[str, str], node: Element
) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for attribute, value in node.attrib.items():
        name = attributes.get(attribute.rpartition("}")[2])
        if name is not None:
            members[name] = value
    for child in node:
        field = fields.get(local_name(child))
        if field is None:
            raise MalformedXmlError()
        name, several, read = field
        if several:
            members.setdefault(name, []).append(read(child))
        else:
            members[name] = read(child)
    return members


def _read_list(read: Reader, node: Element) -> list[Any]:
    return [read(child) for child in node]
