"""The file of a pack: a zip archive that is written in one way, and read only if it was written so.

Members are stored, not deflated, in the order of their names, with one date, without extra fields or comments. So the
same members are the same bytes on every machine, nothing is ever inflated, and whatever else a zip archive can be -
encrypted, split, overlapping, behind other data, with links or two members of one name - is refused before a member is
read. APPNOTE.TXT 6.3.3 of PKWARE, sections 4.3.7, 4.3.12 and 4.3.16, has the three records.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from attrs import field

from entrack import files
from entrack.artifact.errors import PackRefused
from entrack.artifact.names import MOST_MEMBERS, MOST_NAME, check_names, most_bytes
from entrack.diagnostics.escape import clip
from entrack.error_text import reason
from entrack.frozen import frozen

LOCAL, CENTRAL, END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
_LOCAL, _CENTRAL, _END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
VERSION, MADE_BY, STORED, UTF_8 = 20, 0x0314, 0, 0x800
"""Zip 2.0, made on Unix, so that the mode is read; names are UTF-8."""
TIME, DATE = 0, 0x21
"""Midnight, 1 January 1980: the first that there is."""
MODE = (stat.S_IFREG | 0o644) << 16
MOST_BYTES = (1 << 32) - 2
"""Of a whole pack: beyond it an archive needs records of another kind (zip64)."""
PIECE = 1 << 20

Members = Mapping[str, bytes]


@frozen
class Entry:
    """A member as the archive lists it; `start` is where its bytes begin."""

    name: str
    size: int
    crc: int
    start: int


@frozen(slots=False)
class Archive:
    """An archive that was written by `written`; its members are read from the open file."""

    path: Path
    entries: Mapping[str, Entry]
    _stream: BinaryIO = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.entries)

    def read(self, name: str) -> bytes:
        """The bytes of a member. Raises KeyError; PackRefused where they are not those that were written."""
        data = b"".join(self._pieces(self.entries[name]))
        if zlib.crc32(data) != self.entries[name].crc:
            raise PackRefused(f"{clip(name, 80)!r} is damaged")
        return data

    def sha256(self, name: str) -> str:
        """The digest of a member, which is not held in memory."""
        digest = hashlib.sha256()
        for piece in self._pieces(self.entries[name]):
            digest.update(piece)
        return digest.hexdigest()

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Of all members."""
        return {name: self.sha256(name) for name in self.entries}

    def close(self) -> None:
        self._stream.close()

    def _pieces(self, entry: Entry) -> Iterator[bytes]:
        self._stream.seek(entry.start)
        left = entry.size
        while left:
            piece = self._stream.read(min(left, PIECE))
            if not piece:
                raise PackRefused(f"{self.path.name} ends in the middle of {clip(entry.name, 80)!r}")
            left -= len(piece)
            yield piece


def written(members: Members) -> bytes:
    """The archive of these members. Raises PackRefused for names or sizes that cannot be read again."""
    names = sorted(members, key=str.encode)
    check_names(names)
    pieces, directory, at = [], [], 0
    for name in names:
        data = members[name]
        entry = Entry(name, len(data), zlib.crc32(data), at + LOCAL.size + len(name.encode()))
        _check_size(entry)
        pieces += [_local(entry), data]
        directory.append(_central(entry))
        at = entry.start + entry.size
    ends = b"".join(directory)
    if at + len(ends) + END.size > MOST_BYTES or len(names) > MOST_MEMBERS:
        raise PackRefused("the pack would be larger than one can be")
    return b"".join([*pieces, ends, _end(len(names), len(ends), at)])


def size_of(members: Members) -> int:
    """How many bytes the archive of these members has."""
    frames = LOCAL.size + CENTRAL.size
    return END.size + sum(len(data) + 2 * len(name.encode()) + frames for name, data in members.items())


def opened(path: Path) -> Archive:
    """The archive in a file, of which all but the members' bytes has been read. Raises PackRefused."""
    try:
        stream = files.opened(path)
    except files.NoFile:
        raise PackRefused(f"{path} is no file") from None
    except OSError as error:
        raise PackRefused(f"{path} cannot be read: {reason(error)}") from None
    try:
        return Archive(path, {entry.name: entry for entry in _entries(stream, path)}, stream)
    except OSError as error:
        stream.close()
        raise PackRefused(f"{path} cannot be read: {reason(error)}") from None
    except BaseException:
        stream.close()
        raise


def is_archive(path: Path) -> bool:
    """Whether a file begins as a zip archive does."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in (_LOCAL, _END)
    except (OSError, ValueError):
        return False


def _entries(stream: BinaryIO, path: Path) -> tuple[Entry, ...]:
    many, length, start = _ending(stream, os.fstat(stream.fileno()).st_size, path)
    stream.seek(start)
    directory = stream.read(length)
    entries = _listed(directory, many, path)
    check_names([entry.name for entry in entries])
    at = 0
    for entry in entries:
        _check_size(entry)
        header = LOCAL.size + len(entry.name.encode())
        if entry.start != at + header:
            raise _bad(path, f"{clip(entry.name, 80)!r} does not begin where the one before it ends")
        stream.seek(at)
        if stream.read(header) != _local(entry):
            raise _bad(path, f"{clip(entry.name, 80)!r} is said to be another thing at its place than in the list")
        at = entry.start + entry.size
        if at > start:
            raise _bad(path, f"{clip(entry.name, 80)!r} goes beyond its end")
    if at != start:
        raise _bad(path, "there is more in it than its members")
    return entries


def _ending(stream: BinaryIO, size: int, path: Path) -> tuple[int, int, int]:
    """How many members there are, and how long the list of them is, and where it begins."""
    if not END.size <= size <= MOST_BYTES:
        raise _bad(path, "it is too short" if size < END.size else "it is larger than a pack can be")
    stream.seek(size - END.size)
    record = stream.read(END.size)
    magic, *_, many, length, start, _ = END.unpack(record)
    if magic != _END or record != _end(many, length, start):
        raise _bad(path, "it does not end as a pack does")
    if many > MOST_MEMBERS or length > many * (CENTRAL.size + MOST_NAME) or start + length + END.size != size:
        raise _bad(path, "its list of members is not as long as it says")
    return many, length, start


def _listed(directory: bytes, many: int, path: Path) -> tuple[Entry, ...]:
    entries, at = [], 0
    for _ in range(many):
        if at + CENTRAL.size > len(directory):
            raise _bad(path, "its list of members is not as long as it says")
        (magic, _, _, flags, method, _, _, crc, packed, size, name_size, *_, mode, offset) = CENTRAL.unpack_from(
            directory, at
        )
        end = at + CENTRAL.size + name_size
        try:
            name = directory[at + CENTRAL.size : end].decode("utf-8")
        except UnicodeDecodeError:
            raise _bad(path, "the name of a member is not UTF-8") from None
        entry = Entry(name, size, crc, offset + LOCAL.size + name_size)
        if magic != _CENTRAL or directory[at:end] != _central(entry):
            raise _bad(path, _unusual(name, flags, method, mode, packed, size))
        entries.append(entry)
        at = end
    if at != len(directory):
        raise _bad(path, "its list of members is not as long as it says")
    return tuple(entries)


def _unusual(name: str, flags: int, method: int, mode: int, packed: int, size: int) -> str:
    """What makes a listed member another than would be written."""
    shown = repr(clip(name, 80))
    if flags & 1:
        return f"{shown} is encrypted"
    if method != STORED or packed != size:
        return f"{shown} is compressed, which no member is"
    if stat.S_IFMT(mode >> 16) not in (0, stat.S_IFREG):
        return f"{shown} is no regular file"
    return f"{shown} is not listed as a pack lists its members"


def _check_size(entry: Entry) -> None:
    if entry.size > most_bytes(entry.name):
        raise PackRefused(f"{clip(entry.name, 80)!r} has {entry.size:,} bytes, more than such a file may have")


def _local(entry: Entry) -> bytes:
    name = entry.name.encode()
    return (
        LOCAL.pack(_LOCAL, VERSION, UTF_8, STORED, TIME, DATE, entry.crc, entry.size, entry.size, len(name), 0) + name
    )


def _central(entry: Entry) -> bytes:
    name = entry.name.encode()
    offset = entry.start - LOCAL.size - len(name)
    sizes = entry.crc, entry.size, entry.size, len(name), 0, 0, 0, 0
    return CENTRAL.pack(_CENTRAL, MADE_BY, VERSION, UTF_8, STORED, TIME, DATE, *sizes, MODE, offset) + name


def _end(many: int, length: int, start: int) -> bytes:
    return END.pack(_END, 0, 0, many & 0xFFFF, many & 0xFFFF, length, start, 0)


def _bad(path: Path, why: str) -> PackRefused:
    return PackRefused(f"{path} is no pack: {why}")
