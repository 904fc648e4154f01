"""Bytes that a process wrote, as lines of log: pure."""

# CloudWatch Logs' largest event; AWS cuts what is longer.
MAX_EVENT_BYTES = 262_144


class LineSplitter:
    """Cuts a stream into lines, keeping at most one event's worth of what is not yet a line."""

    def __init__(self) -> None:
        # What is not yet a line.
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends."""
        if self.rest:
            data = self.rest + data
        lines = data.split(b"\n")
        self.rest = lines.pop()
        if len(data) > MAX_EVENT_BYTES:
            lines = [part for line in lines for part in _parts(line)]
            *cut, self.rest = _parts(self.rest)
            lines += cut
        return lines

    def flush(self) -> bytes:
        """The last line, which has no end; empty if there is none."""
        rest, self.rest = self.rest, b""
        return rest


def message(line: bytes) -> str:
    """A line as an event's text. Runtimes end lines within one event by `\\r`, which AWS shows as line breaks."""
    return line.decode("utf-8", "replace").replace("\r", "\n")


def _parts(line: bytes) -> list[bytes]:
    """A line in pieces of at most one event, not cut within a character."""
    parts = []
    while len(line) > MAX_EVENT_BYTES:
        end = MAX_EVENT_BYTES
        # A UTF-8 character has at most three bytes of continuation, 0b10xxxxxx.
        while end > MAX_EVENT_BYTES - 3 and line[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(line[:end])
        line = line[end:]
    parts.append(line)
    return parts
