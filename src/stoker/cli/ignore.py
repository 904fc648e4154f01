"""Which files of a folder stay at home: patterns as in .gitignore."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

RULE_FILES = (".stokerignore", ".lambdaignore")

# What never runs in a function: histories, environments of the workshop, caches of its tools, and Stoker's own files.
ALWAYS_IGNORED = (
    *(".git/", ".hg/", ".svn/", ".venv/", "venv/", ".tox/", ".nox/", ".aws-sam/", ".idea/", ".vscode/"),
    *("__pycache__/", "*.py[co]", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".hypothesis/", ".coverage"),
    *("node_modules/.bin/", ".nyc_output/", ".DS_Store", "/function.toml", *RULE_FILES),
)

_WILDCARDS = re.compile(r"(\*\*/|/\*\*$|\*|\?|\[[^]]+\])")
_WILDCARD_EXPRESSIONS = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, kw_only=True)
class IgnoreRule:
    """One line: what it matches, and whether it brings back (`!`) what an earlier one left out."""

    expression: re.Pattern[str]
    brings_back: bool
    only_directories: bool


@dataclass(frozen=True, kw_only=True)
class IgnoreRules:
    """Rules in order; the last that matches decides."""

    rules: tuple[IgnoreRule, ...]

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "IgnoreRules":
        """The built-in rules, then these lines; empty ones and those that begin with `#` say nothing."""
        said = (line.strip() for line in (*ALWAYS_IGNORED, *lines))
        return cls(rules=tuple(_rule(line) for line in said if line and not line.startswith("#")))

    def ignores(self, name: str, *, directory: bool = False) -> bool:
        """Whether `name`, relative to the folder and with `/` between its parts, stays out of the package."""
        ignored = False
        for rule in self.rules:
            if (directory or not rule.only_directories) and rule.expression.fullmatch(name):
                ignored = not rule.brings_back
        return ignored


def _rule(line: str) -> IgnoreRule:
    brings_back = line.startswith("!")
    pattern = line.removeprefix("!")
    only_directories = pattern.endswith("/")
    pattern = pattern.rstrip("/")
    # As in .gitignore: with a slash before its end a pattern counts from the folder, without one at any depth.
    anywhere = "" if "/" in pattern else "(?:.*/)?"
    parts = _WILDCARDS.split(pattern.lstrip("/"))
    expression = anywhere + "".join(_expression(part) for part in parts)
    return IgnoreRule(expression=re.compile(expression), brings_back=brings_back, only_directories=only_directories)


def _expression(part: str) -> str:
    if part.startswith("[") and part.endswith("]"):
        return part.replace("[!", "[^", 1)
    return _WILDCARD_EXPRESSIONS.get(part, re.escape(part))
