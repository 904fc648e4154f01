"""The sources that there are: Stoker's own, and those that installed packages bring."""

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points

from stoker.event_sources.source import Source, Surroundings
from stoker.model.errors import InvalidParameterValueException

GROUP = "stoker.event_sources"


class Sources:
    """By the service in an ARN."""

    def __init__(self, surroundings: Surroundings, found: Callable[[], Sequence[EntryPoint]] | None = None) -> None:
        self._surroundings = surroundings
        self._found = found or (lambda: list(entry_points(group=GROUP)))
        self._sources: dict[str, Source] = {}

    def __repr__(self) -> str:
        return f"<Sources {' '.join(sorted(self._sources))}>"

    def register(self, service: str, source: Source) -> None:
        self._sources[service] = source

    def load_installed(self) -> None:
        """Make the sources of installed packages. One of Stoker's own cannot be replaced. Blocks."""
        for entry in self._found():
            if entry.name not in self._sources:
                self._sources[entry.name] = entry.load()(self._surroundings)

    def of(self, source_arn: str | None) -> Source:
        """Raises what Lambda answers for a source that it does not know."""
        service = source_arn.split(":")[2] if source_arn is not None and source_arn.count(":") >= 5 else ""
        source = self._sources.get(service)
        if source is None:
            raise InvalidParameterValueException("Unrecognized event source.", Type="User")
        return source
