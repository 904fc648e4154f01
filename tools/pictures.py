"""Draw the pictures of docs/concepts as SVG, which follow the reader's light or dark; `--check` says which is stale.

.venv/bin/python tools/pictures.py
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #26221f; }
  .small { font-size: 12px; fill: #6a625b; }
  .head { font-weight: 600; }
  .box { fill: #ffffff; stroke: #cfc6bd; }
  .wall { fill: #fbf7f2; stroke: #b9aea3; stroke-dasharray: 5 4; }
  .ember { fill: #fde3d2; stroke: #d9622b; }
  .good { fill: #dff2e3; stroke: #3c8d53; }
  .cold { fill: #dde9f8; stroke: #4a78b5; }
  .gone { fill: #efebe7; stroke: #cfc6bd; }
  .line { stroke: #8b8178; stroke-width: 1.5; fill: none; }
  .tip { fill: #8b8178; }
  @media (prefers-color-scheme: dark) {
    text { fill: #efe9e3; }
    .small { fill: #b0a69c; }
    .box { fill: #2a2623; stroke: #574f48; }
    .wall { fill: #211e1b; stroke: #6b625a; }
    .ember { fill: #4a2a18; stroke: #e8834f; }
    .good { fill: #1f3a27; stroke: #6cbf84; }
    .cold { fill: #1d2f47; stroke: #86aede; }
    .gone { fill: #211e1b; stroke: #574f48; }
    .line { stroke: #a89d92; }
    .tip { fill: #a89d92; }
  }
"""


class Picture:
    """Shapes on a sheet; sizes in pixels."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._size = width, height
        self._title = title
        self._shapes: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, *lines: str, kind: str = "box") -> None:
        """A box with its first line as its name."""
        self._shapes.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>')
        top = y + height / 2 - (len(lines) - 1) * 9 + 5
        for number, line in enumerate(lines):
            self.text(x + width / 2, top + number * 18, line, kind="head" if number == 0 else "small", anchor="middle")

    def text(self, x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> None:
        self._shapes.append(f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>')

    def arrow(self, *points: tuple[int, int], label: str = "", at: tuple[int, int] | None = None) -> None:
        way = " ".join(f"{x},{y}" for x, y in points)
        self._shapes.append(f'<polyline class="line" points="{way}" marker-end="url(#tip)"/>')
        if label:
            (x, y), (u, v) = points[0], points[-1]
            place = at or ((x + u) // 2, (y + v) // 2 - 7)
            self.text(*place, label, kind="small", anchor="middle")

    def svg(self) -> str:
        width, height = self._size
        tip = (
            '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path class="tip" d="M0 0L10 5L0 10z"/></marker>'
        )
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
        parts = [head, f"<title>{escape(self._title)}</title>", f"<style>{STYLE}</style>", f"<defs>{tip}</defs>"]
        return "\n".join([*parts, *self._shapes, "</svg>"]) + "\n"


def lifecycle() -> Picture:
    picture = Picture(880, 330, "The life of an environment")
    for place, (name, what) in enumerate(
        [("sandbox", "walls, files, network"), ("runtime", "the interpreter"), ("import", "your module")]
    ):
        picture.box(30 + place * 165, 60, 145, 64, name, what, kind="cold")
        if place:
            picture.arrow((10 + place * 165, 92), (30 + place * 165, 92))
    picture.text(30, 40, "starting: the cold start", kind="head")
    picture.box(580, 60, 130, 64, "running", "one call at a time", kind="ember")
    picture.arrow((505, 92), (580, 92))
    picture.box(580, 200, 130, 64, "warm", "waits", kind="good")
    picture.arrow((625, 124), (625, 200), label="answered", at=(592, 170))
    picture.arrow((665, 200), (665, 124), label="next call", at=(700, 170))
    picture.box(360, 200, 145, 64, "frozen", "stands still", kind="good")
    picture.arrow((580, 232), (505, 232), label="no call", at=(543, 222))
    picture.arrow((432, 200), (432, 150), (545, 150), (585, 124), label="next call: thawed", at=(488, 143))
    picture.box(30, 200, 145, 64, "gone", "nothing is left", kind="gone")
    picture.arrow((360, 232), (175, 232), label="keep-warm is over", at=(267, 222))
    picture.arrow((645, 264), (645, 300), (102, 300), (102, 264))
    picture.text(420, 318, "it failed, its code changed, or it is six hours old", kind="small", anchor="middle")
    picture.arrow((710, 92), (790, 92), (790, 300), (646, 300))
    return picture


def cold_start() -> Picture:
    picture = Picture(880, 280, "What a start consists of (not to scale)")
    rows: Sequence[tuple[str, str, Sequence[tuple[int, str, str]]]] = [
        (
            "a fresh process",
            "as without Stoker",
            [(190, "gone", "start Python"), (90, "gone", "runtime"), (200, "gone", "import")],
        ),
        ("cold", "Python in Stoker", [(84, "cold", "sandbox"), (200, "cold", "import"), (70, "ember", "handler")]),
        (
            "from a template",
            "a slow import, done before",
            [(84, "cold", "sandbox"), (80, "cold", "restore"), (70, "ember", "handler")],
        ),
        ("warm", "", [(70, "ember", "handler")]),
    ]
    for place, (name, what, parts) in enumerate(rows):
        y, x = 30 + place * 58, 190
        picture.text(20, y + 16, name, kind="head")
        picture.text(20, y + 33, what, kind="small")
        for width, kind, label in parts:
            picture.box(x, y, width, 38, label, kind=kind)
            x += width + 4
        if name == "a fresh process":
            picture.box(x, y, 70, 38, "handler", kind="ember")
    picture.text(
        190,
        266,
        "Not to scale. Stoker has the interpreter running, and empty sandboxes waiting, before anybody calls.",
        kind="small",
    )
    return picture


def concurrency() -> Picture:
    picture = Picture(880, 270, "Three environments of one function, over time")
    for lane, name in enumerate(("environment 1", "environment 2", "environment 3")):
        y = 40 + lane * 62
        picture.text(20, y + 26, name, kind="head")
        picture.arrow((140, y + 44), (850, y + 44))
    for lane, x, width, label, kind in (
        (0, 150, 40, "cold", "cold"), (0, 192, 120, "call 1", "ember"), (0, 380, 180, "call 4", "ember"),
        (0, 620, 120, "call 6", "ember"),
        (1, 210, 40, "cold", "cold"), (1, 252, 190, "call 2", "ember"), (1, 530, 130, "call 5", "ember"),
        (2, 270, 40, "cold", "cold"), (2, 312, 90, "call 3", "ember"),
    ):  # fmt: skip
        picture.box(x, 44 + lane * 62, width, 36, label, kind=kind)
    picture.box(404, 168, 300, 36, "warm, then frozen", kind="good")
    picture.box(706, 168, 80, 36, "gone", kind="gone")
    picture.text(
        20,
        252,
        "A call takes the environment that was used last; only when all are busy is there a new one.",
        kind="small",
    )
    return picture


def isolation() -> Picture:
    picture = Picture(880, 400, "What stands between a function and the machine")
    picture.box(20, 20, 840, 360, kind="box")
    picture.text(40, 46, "your machine", kind="head")
    picture.box(40, 64, 190, 90, "Stoker", "the port, IAM,", "the data directory", kind="ember")
    picture.box(40, 180, 190, 64, "files of the host", "not mounted: not there", kind="gone")
    picture.box(40, 262, 190, 90, "loopback, the host", "and a cloud's metadata:", "firewalled", kind="gone")
    picture.box(300, 64, 330, 290, kind="wall")
    picture.text(320, 90, "sandbox", kind="head")
    for place, text in enumerate(
        ("mount, pid, network, ipc, uts, user namespaces", "cgroup: memory, CPU, processes", "no capability, no_new_privs, seccomp",
         "an unprivileged id that nobody else has", "root read-only; /tmp of its own, limited")
    ):  # fmt: skip
        picture.text(320, 112 + place * 19, text, kind="small")
    picture.box(330, 220, 270, 54, "your code", "/var/task, /opt, read-only", kind="good")
    picture.box(330, 286, 270, 50, "credentials of its role", "and nothing more", kind="good")
    picture.box(680, 64, 150, 130, "another sandbox", "unseen, unreachable", kind="wall")
    picture.box(680, 262, 150, 90, "the internet", "your LAN beyond", "the host: reached", kind="good")
    picture.arrow((300, 110), (230, 110), label="API", at=(265, 102))
    picture.arrow((630, 305), (680, 305))
    return picture


def durability() -> Picture:
    picture = Picture(880, 300, "What is on the disk before an answer is given")
    picture.box(20, 40, 190, 64, "a change", "CreateFunction, SendMessage")
    picture.box(250, 40, 190, 64, "one writer", "groups what comes together")
    picture.box(520, 40, 190, 64, "commit, synced", "SQLite or PostgreSQL", kind="good")
    picture.box(770, 40, 90, 64, "answer", kind="ember")
    for x, u in ((210, 250), (440, 520), (710, 770)):
        picture.arrow((x, 72), (u, 72))
    picture.box(20, 180, 150, 64, "an invocation", "log lines, bill")
    picture.box(250, 180, 190, 64, "journal", "memory of the kernel", kind="good")
    picture.box(520, 180, 190, 64, "answer", kind="ember")
    picture.arrow((170, 212), (250, 212))
    picture.arrow((440, 212), (520, 212))
    picture.arrow((345, 244), (345, 280), (620, 280), label="a moment later: telemetry.db", at=(490, 272))
    picture.text(20, 28, "survives kill -9 and a power failure", kind="head")
    picture.text(20, 168, "survives kill -9; a power failure may take the last moment", kind="head")
    return picture


PICTURES: Mapping[str, Callable[[], Picture]] = {
    "lifecycle.svg": lifecycle,
    "cold-start.svg": cold_start,
    "concurrency.svg": concurrency,
    "isolation.svg": isolation,
    "durability.svg": durability,
}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true")
    check, stale = arguments.parse_args().check, []
    for name, draw in PICTURES.items():
        path, svg = FOLDER / name, draw().svg()
        if not check:
            path.write_text(svg)
        elif not path.exists() or path.read_text() != svg:
            stale.append(name)
    if stale:
        print(f"not as they are drawn: {', '.join(stale)}. Run: .venv/bin/python tools/pictures.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
