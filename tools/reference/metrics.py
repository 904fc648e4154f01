"""What Prometheus finds at /_stoker/metrics."""

from source_code import calls, cell, text_of

from stoker.observability.exposition import expose
from stoker.observability.metrics import Metrics


def metrics() -> str:
    lines = ["# Figures for Prometheus", "", "`GET /_stoker/metrics`, as text or as OpenMetrics. Who may read it is in"]
    lines += [
        "[Figures and traces](../guides/metrics-and-traces.md). Besides these there are the process's own (`process_…`).",
        "",
    ]
    lines += ["| name | kind | what it says |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {kind} | {cell(about)} |" for name, (kind, about) in sorted({**_families(), **_gauges()}.items())
    ]
    return "\n".join(lines) + "\n"


def _families() -> dict[str, tuple[str, str]]:
    page, _ = expose(Metrics().figures(), [], "")
    found: dict[str, tuple[str, str]] = {}
    about: dict[str, str] = {}
    for line in page.decode().splitlines():
        if line.startswith("# HELP stoker_"):
            _, _, name, text = line.split(" ", 3)
            about[name] = text
        elif line.startswith("# TYPE stoker_"):
            _, _, name, kind = line.split(" ", 3)
            found[name] = kind, about[name]
    return found


def _gauges() -> dict[str, tuple[str, str]]:
    """Those that areas bring along, as they are written down."""
    found = {}
    for path, call, named in calls("Gauge"):
        given = {each.arg: text_of(each.value, named) for each in call.keywords}
        name, about = given.get("name"), given.get("about")
        if name and path.startswith("serve/"):
            counts = any(each.arg == "counts" for each in call.keywords)
            found[f"stoker_{name}{'_total' if counts else ''}"] = "counter" if counts else "gauge", about or ""
    return found
