"""Words that no bare name in an expression may be. Source: "Reserved words in DynamoDB"."""

import importlib.resources

RESERVED_WORDS = frozenset(importlib.resources.files(__package__).joinpath("reserved_words.txt").read_text().split())
