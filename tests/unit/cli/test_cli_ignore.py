"""Which files stay at home, by patterns as in .gitignore."""

import pytest

from stoker.cli.ignore import IgnoreRules


@pytest.mark.parametrize(
    ("line", "name", "ignored"),
    [
        ("*.log", "a.log", True),
        ("*.log", "deep/down/a.log", True),
        ("*.log", "a.log.txt", False),
        ("/notes.txt", "notes.txt", True),
        ("/notes.txt", "sub/notes.txt", False),
        ("docs/*.md", "docs/a.md", True),
        ("docs/*.md", "docs/sub/a.md", False),
        ("docs/**", "docs/sub/a.md", True),
        ("**/fixtures", "a/b/fixtures", True),
        ("a?.txt", "ab.txt", True),
        ("[!a].txt", "a.txt", False),
        ("[!a].txt", "b.txt", True),
        ("# a.txt", "a.txt", False),
        ("a.b", "axb", False),
    ],
)
def test_a_pattern_matches_as_in_gitignore(line: str, name: str, ignored: bool) -> None:
    assert IgnoreRules.parse([line]).ignores(name) is ignored


def test_a_pattern_with_a_slash_at_its_end_is_about_folders_only() -> None:
    rules = IgnoreRules.parse(["build/"])
    assert rules.ignores("build", directory=True)
    assert not rules.ignores("build")


def test_a_later_line_brings_back_what_an_earlier_one_left_out() -> None:
    rules = IgnoreRules.parse(["*.csv", "!cities.csv"])
    assert rules.ignores("people.csv")
    assert not rules.ignores("cities.csv")


@pytest.mark.parametrize("name", [".git", ".venv", "__pycache__", "sub/__pycache__", "node_modules/.bin"])
def test_folders_of_the_workshop_stay_at_home_without_being_named(name: str) -> None:
    assert IgnoreRules.parse([]).ignores(name, directory=True)
