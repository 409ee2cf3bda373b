"""Lines and columns as editors count them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrack.editor.positions import Lines, Place

TEXTS = st.text(alphabet="ab \n\r\té\N{COMBINING ACUTE ACCENT}\N{GRINNING FACE}\u2028\x0c\x85𝔸", max_size=30)
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-32"])


@given(TEXTS, ENCODINGS, st.data())
def test_an_offset_is_found_again_from_its_place(text: str, encoding: str, data: st.DataObject) -> None:
    lines = Lines(text, encoding)
    offset = data.draw(st.integers(0, len(text)))
    if not (text[offset - 1 : offset] == "\r" and text[offset : offset + 1] == "\n"):
        assert lines.offset(lines.place(offset)) == offset


@given(TEXTS, ENCODINGS, st.data())
def test_many_offsets_are_where_each_is(text: str, encoding: str, data: st.DataObject) -> None:
    offsets = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    lines = Lines(text, encoding)
    assert list(lines.places(offsets)) == [lines.place(offset) for offset in offsets]


@given(TEXTS, st.integers(0, 40), st.integers(0, 40), ENCODINGS)
def test_any_place_is_one_of_the_text(text: str, line: int, column: int, encoding: str) -> None:
    lines = Lines(text, encoding)
    offset = lines.offset(Place(line, column))
    assert 0 <= offset <= len(text)
    assert lines.place(offset).line <= max(line, 0)


def test_an_emoji_has_two_columns_and_a_combining_mark_one() -> None:
    lines = Lines("\N{GRINNING FACE}e\N{COMBINING ACUTE ACCENT}x\n\N{GRINNING FACE}")
    assert [lines.place(offset).column for offset in range(5)] == [0, 2, 3, 4, 5]
    assert [lines.offset(Place(0, column)) for column in range(7)] == [0, 0, 1, 2, 3, 4, 4]
    assert lines.offset(Place(1, 9)) == 6
    assert Lines("\N{GRINNING FACE}x", "utf-8").place(1) == Place(0, 4)


def test_only_line_feeds_and_carriage_returns_end_lines() -> None:
    lines = Lines("a\x0cb\u2028c\r\nd\re\x85f")
    assert lines.starts == (0, 7, 9)
    assert lines.place(8) == Place(1, 1)
    assert lines.offset(Place(0, 99)) == 5


@given(TEXTS, TEXTS, st.data())
def test_a_change_between_places_is_one_of_the_text(text: str, typed: str, data: st.DataObject) -> None:
    lines = Lines(text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    places = lines.place(start), lines.place(end)
    if all(lines.offset(place) == offset for place, offset in zip(places, (start, end), strict=True)):
        assert lines.changed(*places, typed) == text[:start] + typed + text[end:]
