"""Forms with a file: the same whatever the pieces are in which they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.wire.s3_forms import MAX_FIELD_BYTES, FieldsTooLongError, FormReader, MalformedFormError

TYPE = "multipart/form-data; boundary=XX"


def form_of(fields: dict[str, str], file: bytes) -> bytes:
    parts = [f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{it}\r\n' for name, it in fields.items()]
    head = '--XX\r\nContent-Disposition: form-data; name="file"; filename="C:\\d\\ä%22.txt"\r\n\r\n'
    return "".join([*parts, head]).encode() + file + b"\r\n--XX--\r\n"


def read(body: bytes, cuts: list[int]) -> tuple[FormReader, bytes]:
    reader, file, last = FormReader.of(TYPE), b"", 0
    for cut in [*sorted(cut % (len(body) + 1) for cut in cuts), len(body)]:
        file += reader.feed(body[last:cut])
        last = cut
    return reader, file


@given(
    st.dictionaries(st.sampled_from(["Key", "policy", "X-Amz-Meta-A"]), st.sampled_from(["", "v", "a\r\nb", "--XX"])),
    st.sampled_from([b"", b"\r\n", b"x", b"\r\n--X", b"\r\n--\r\n--Xx--XX\r\n\r\n", bytes(range(256))]),
    st.lists(st.integers(min_value=0), max_size=8),
)
def test_a_form_is_the_same_however_it_is_cut(fields: dict[str, str], file: bytes, cuts: list[int]) -> None:
    reader, found = read(form_of(fields, file), cuts)
    assert (found, reader.is_complete, reader.filename) == (file, True, 'ä".txt')
    assert reader.fields == {name.lower(): value for name, value in fields.items()}


def test_a_file_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = FormReader.of(TYPE)
    reader.feed(form_of({}, b"").partition(b"\r\n--XX--")[0])
    assert len(reader.feed(b"x" * 100_000)) > 99_980


def test_what_is_no_form_is_refused() -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=" + "x" * 71):
        with pytest.raises(MalformedFormError):
            FormReader.of(kind)
    for body in (b"--XX--\r\n", b'--XX\r\nContent-Type: x\r\n\r\n"\r\n--XX--', b"--XX\r\n" + b"x" * 9000):
        with pytest.raises(MalformedFormError):
            FormReader.of(TYPE).feed(body)
    with pytest.raises(FieldsTooLongError):
        FormReader.of(TYPE).feed(form_of({"key": "x" * MAX_FIELD_BYTES}, b""))
    with pytest.raises(FieldsTooLongError):
        FormReader.of(TYPE).feed(b"x" * 30_000)
