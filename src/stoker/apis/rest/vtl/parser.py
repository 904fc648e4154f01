"""Template text to nodes. Pure; texts are parsed once and remembered by whoever evaluates them."""

import re

from stoker.apis.rest.vtl.expression_parser import ExpressionParser
from stoker.apis.rest.vtl.nodes import Block, Break, Expression, ForEach, If, Node, Reference, Set, Text
from stoker.apis.rest.vtl.scanner import Scanner, TemplateSyntaxError

MAX_TEMPLATE_CHARS = 300 * 1024
"""Source: "API Gateway quotas for configuring and running a REST API": mapping template size."""

_PLAIN = re.compile(r"[^$#\\]+")
_COMMENT = re.compile(r"##[^\n]*(?:\n|$)|#\*.*?\*#", re.DOTALL)
_VERBATIM = re.compile(r"#\[\[(.*?)\]\]#", re.DOTALL)
_ESCAPED = re.compile(r"\\([$#])")
_DIRECTIVE = re.compile(
    r"#(?:(set|if|elseif|else|end|foreach|break|stop)\b|\{(set|if|elseif|else|end|foreach|break|stop)\})"
)
_UNSUPPORTED = re.compile(r"#(?:parse|include|evaluate|macro|define)\b")
_REST_OF_LINE = re.compile(r"[ \t]*\r?\n")
_IN = re.compile(r"\s+in\s+")
_VARIABLE = re.compile(r"\s*\$\{?!?([A-Za-z_]\w*)\}?")


def parse(text: str) -> Block:
    """The nodes of a template; raises TemplateSyntaxError."""
    if len(text) > MAX_TEMPLATE_CHARS:
        raise TemplateSyntaxError(f"a template may have {MAX_TEMPLATE_CHARS} characters")
    parser = _Parser(Scanner(text))
    try:
        block, ended_by = parser.block(())
    except RecursionError:
        raise TemplateSyntaxError("it is nested too deeply") from None
    if ended_by is not None:
        raise TemplateSyntaxError(f"#{ended_by} without a beginning")
    return block


def _parse_inner(text: str) -> Block:
    """A string in double quotes: all of it is text and references."""
    return _Parser(Scanner(text)).block(())[0]


class _Parser:
    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._expressions = ExpressionParser(scanner, _parse_inner)

    def block(self, ends: tuple[str, ...]) -> tuple[Block, str | None]:
        """Nodes up to one of the directives `ends` (which is read), or to the end of the text."""
        nodes: list[Node] = []
        scanner = self._scanner
        while not scanner.at_end:
            if found := scanner.take(_DIRECTIVE):
                name = found[1] or found[2]
                if name in ("elseif", "else", "end"):
                    if name not in ends:
                        raise TemplateSyntaxError(f"#{name} without a beginning")
                    return nodes, name
                nodes.append(self._directive(name))
            elif (node := self._inline()) is not None:
                nodes.append(node)
        if ends:
            raise TemplateSyntaxError("#end is missing")
        return nodes, None

    def _inline(self) -> Node | None:
        """Text, a reference, or None for a comment."""
        scanner = self._scanner
        if found := scanner.take(_PLAIN) or scanner.take(_ESCAPED):
            return Text(found[found.re.groups])
        if scanner.take(_COMMENT):
            return None
        if found := scanner.take(_VERBATIM):
            return Text(found[1])
        if scanner.peek(_UNSUPPORTED):
            raise TemplateSyntaxError("#parse, #include, #evaluate, #macro and #define are not there")
        reference = self._expressions.reference() if scanner.next_is("$") else None
        return reference if reference is not None else Text(scanner.one())

    def _directive(self, name: str) -> Node:
        if name == "set":
            return self._set()
        if name == "if":
            return self._if()
        if name == "foreach":
            return self._foreach()
        self._scanner.take(_REST_OF_LINE)
        return Break(everything=name == "stop")

    def _set(self) -> Set:
        scanner = self._scanner
        scanner.expect("(")
        target = self._reference()
        scanner.expect("=")
        value = self._expressions.expression()
        scanner.expect(")")
        scanner.take(_REST_OF_LINE)
        return Set(target=target, value=value)

    def _reference(self) -> Reference:
        self._scanner.skip_space()
        reference = self._expressions.reference() if self._scanner.next_is("$") else None
        if reference is None:
            raise TemplateSyntaxError("a reference was expected")
        return reference

    def _condition(self) -> Expression:
        self._scanner.expect("(")
        condition = self._expressions.expression()
        self._scanner.expect(")")
        self._scanner.take(_REST_OF_LINE)
        return condition

    def _if(self) -> If:
        branches: list[tuple[Expression, Block]] = []
        ended_by: str | None = "elseif"
        while ended_by == "elseif":
            condition = self._condition()
            block, ended_by = self.block(("elseif", "else", "end"))
            branches.append((condition, block))
        otherwise: Block | None = None
        self._scanner.take(_REST_OF_LINE)
        if ended_by == "else":
            otherwise, _ = self.block(("end",))
            self._scanner.take(_REST_OF_LINE)
        return If(branches=branches, otherwise=otherwise)

    def _foreach(self) -> ForEach:
        scanner = self._scanner
        scanner.expect("(")
        variable = scanner.take(_VARIABLE)
        if variable is None or scanner.take(_IN) is None:
            raise TemplateSyntaxError("#foreach has the form ($each in $all)")
        items = self._expressions.expression()
        scanner.expect(")")
        scanner.take(_REST_OF_LINE)
        body, _ = self.block(("end",))
        scanner.take(_REST_OF_LINE)
        return ForEach(variable=variable[1], items=items, body=body)
