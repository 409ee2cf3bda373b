"""Files beside a spec - circuits as JSON, columns as CSV, other specs - and paths to them, as a stranger might send
them."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from attack_guard import Guard

Plant = Callable[[Path, Guard], object]
DEEP = "[" * 200_000


def file(name: str, content: str | bytes) -> Plant:
    return lambda folder, guard: (
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content) and None
    )


def link(name: str, to: Callable[[Path, Guard], object]) -> Plant:
    return lambda folder, guard: (folder / name).symlink_to(str(to(folder, guard)))


def pipe(name: str) -> Plant:
    return lambda folder, guard: os.mkfifo(folder / name)


def folder(name: str) -> Plant:
    return lambda folder, guard: (folder / name).mkdir()


def huge(name: str, bytes: int = 1 << 40) -> Plant:
    def plant(folder: Path, guard: Guard) -> None:
        (folder / name).touch()
        os.truncate(folder / name, bytes)

    return plant


def closed(name: str) -> Plant:
    """A file that nobody may read; root may."""

    def plant(folder: Path, guard: Guard) -> None:
        (folder / name).write_text("[[0, 1]]")
        (folder / name).chmod(0)

    return plant


def both(*plants: Plant) -> Plant:
    def plant(folder: Path, guard: Guard) -> None:
        for one in plants:
            one(folder, guard)

    return plant


def nothing(folder: Path, guard: Guard) -> None:
    """The path alone is the attack."""


HEADS: Mapping[str, tuple[str | bytes, str]] = {
    "empty": (b"", "E214"),
    "null": ("null", "E214"),
    "a number": ("7", "E214"),
    "deep": (DEEP, "E214"),
    "deep object": ('{"a":' * 100_000, "E214"),
    "not UTF-8": (b'{"heads": "\xff\xfe"}', "E212"),
    "UTF-16": ('{"heads": [[0, 1]]}'.encode("utf-16"), "E212"),
    "NUL": (b"\0" * 1000, "E214"),
    "an infinite head": ('{"heads": [[0, Infinity]]}', "E214"),
    "no number": ('{"heads": [[NaN, 0]]}', "E214"),
    "digits": ('{"heads": [[' + "9" * 5000 + ", 0]]}", "E214"),
    "a large exponent": ('{"heads": [[1e999, 0]]}', "E214"),
    "a head below nothing": ('{"heads": [[-1, 0]]}', "E214"),
    "a fraction of a head": ('{"heads": [[0.5, 1]]}', "E214"),
    "a truth": ('{"heads": [[true, false]]}', "E214"),
    "three numbers": ('{"heads": [[0, 1, 2]]}', "E214"),
    "flat": ('{"heads": [0, 1]}', "E214"),
    "text": ('{"heads": "0.1 1.3"}', "E214"),
    "code": ('{"heads": {"__class__": "os.system", "args": ["touch evil"]}}', "E214"),
    "a head of no layer": ('{"heads": [[77, 0]]}', "E511"),
    "a layer of no head": ('{"heads": [[0, 77]]}', "E511"),
    "twice": ('{"heads": [[0, 1], [0, 1]]}', "E512"),
    "a million heads": ('{"heads": [' + "[0, 1]," * 1_000_000 + "[0, 1]]}", "E214"),
    "no heads": ('{"tails": [[0, 1]]}', "E214"),
    "names by the thousand": (json.dumps({f"heads{n}": [] for n in range(100_000)}), "E214"),
    "a name with escapes": (json.dumps({"\x1b]0;evil\x07heads\u202e": []}), "E214"),
    "Python": ("__import__('os').system('touch evil')", "E214"),
    "YAML": ("heads: !!python/object/apply:os.system ['touch evil']", "E214"),
}

COLUMN: Mapping[str, tuple[str | bytes, str]] = {
    "empty": (b"", "E213"),
    "header alone": ("object\n", "E213"),
    "no header": ("car\ncup\n", "E213"),
    "not UTF-8": (b"object\ncar\n\xff\xfe\n", "E212"),
    "UTF-16": ("object\ncar\n".encode("utf-16"), "E212"),
    "an empty value": ("object,kind\n,car\n", "E213"),
    "a short line": ("kind,object\na,car\nb\n", "E213"),
    "an open quote": ('object\n"car\ncup\n', "E213"),
    "a field without end": ("object\n" + "x" * 200_000 + "\n", "E213"),
    "a header without end": ("x" * 200_000 + "\nobject\n", "E213"),
    "columns by the thousand": (",".join(f"object{n}" for n in range(200_000)) + "\n", "E213"),
    "NUL": (b"object\ncar\0\n", "E403"),
    "a million lines of nothing": ("object\n" + "\n" * 1_000_000, "E213"),
    "quotes": ("object\n" + '"' * 100_001 + "\n", "E213"),
    "spaces": ("object\n   \n \n", "E213"),
}

SCORES: Mapping[str, tuple[str | bytes, str]] = {
    "empty": (b"", "E213"),
    "no scores": ("site\n0.1\n", "E213"),
    "not UTF-8": (b"site,score\n0.1,\xff\xfe\n", "E212"),
    "not a number": ("site,score\n0.1,nan\n", "E218"),
    "infinite": ("site,score\n0.1,1e999\n", "E218"),
    "a word": ("site,score\n0.1,strong\n", "E218"),
    "underscores and digits of elsewhere": ("site,score\n0.1,\u0661_0\n0.1,1\n", "E218"),
    "no site": ("site,score\nL0H1,1\n", "E218"),
    "code": ("site,score\n__import__('os').system('touch evil'),1\n", "E218"),
    "escapes": ("site,score\n\x1b]0;evil\x07\u202e,1\n", "E218"),
    "digits": ("site,score\n0." + "9" * 5000 + ",1\n", "E218"),
    "what a head reads": ("site,score\n0.1.query,1\n", "E218"),
    "a head of no layer": ("site,score\n77.0,1\n", "E511"),
    "twice": ("site,score\n0.1,1\n0.1,2\n", "E218"),
    "all zero": ("site,score\n0.1,0\n1.3,-0.0\n", "E218"),
    "a million": ("site,score\n" + "0.1,1\n" * 1_000_000, "E213"),
}


def tensors(header: object, body: bytes = bytes(128), length: int | None = None) -> bytes:
    """A safetensors file with such a header, whatever it says."""
    said = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(said) if length is None else length) + said + body


def one(**facts: object) -> dict[str, object]:
    """A header of one tensor, 32 numbers, but for some facts."""
    return {"v": {"dtype": "F32", "shape": [32], "data_offsets": [0, 128], **facts}}


VECTORS: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", "E217"),
    "short": (b"\1\0\0", "E217"),
    "zeros": (bytes(1000), "E217"),
    "a header without end": (tensors({}, length=(1 << 63) - 1), "E217"),
    "a header longer than its file": (tensors(one(), length=1 << 20), "E217"),
    "no JSON": (tensors(b"{" * 100), "E217"),
    "deep": (tensors(DEEP.encode()), "E217"),
    "a list": (tensors([]), "E217"),
    "no tensors": (tensors({}, b""), "E217"),
    "nothing but words": (tensors({"__metadata__": {"a": "b"}}, b""), "E217"),
    "a name twice": (tensors(b'{"v":{"dtype":"F32","shape":[32],"data_offsets":[0,128]},"v":{}}'), "E217"),
    "no numbers": (tensors(one(dtype="I64", shape=[16])), "E217"),
    "another type": (tensors(one(dtype="O")), "E217"),
    "beyond its end": (tensors(one(shape=[64], data_offsets=[0, 256])), "E217"),
    "before its beginning": (tensors(one(data_offsets=[-128, 0])), "E217"),
    "backwards": (tensors(one(data_offsets=[128, 0])), "E217"),
    "another size": (tensors(one(shape=[31])), "E217"),
    "a shape of terabytes": (tensors(one(shape=[1 << 40], data_offsets=[0, 1 << 42])), "E217"),
    "a shape that comes to nothing": (tensors(one(shape=[0, 1 << 60], data_offsets=[0, 0]), b""), "E217"),
    "a fraction": (tensors(one(shape=[32.0])), "E217"),
    "a truth": (tensors(one(shape=[True], data_offsets=[0, 4]), bytes(4)), "E217"),
    "two axes": (tensors(one(shape=[4, 8])), "E217"),
    "no axis": (tensors(one(shape=[], data_offsets=[0, 4]), bytes(4)), "E217"),
    "two in one place": (tensors({**one(), "w": one()["v"]}), "E217"),
    "a gap": (tensors(one(data_offsets=[64, 192]), bytes(192)), "E217"),
    "something after it": (tensors(one(), bytes(256)), "E217"),
    "several": (tensors({"v": one()["v"], "w": one(data_offsets=[128, 256])["v"]}, bytes(256)), "E217"),
    "not a number": (tensors(one(), b"\0\0\xc0\x7f" * 32), "E217"),
    "infinite": (tensors(one(), b"\0\0\x80\x7f" * 32), "E217"),
    "narrow": (tensors(one(shape=[8], data_offsets=[0, 32]), bytes(32)), "E217"),
    "wide": (tensors(one(shape=[1 << 20], data_offsets=[0, 1 << 22]), bytes(1 << 22)), "E217"),
    "escapes": (tensors({"\x1b]0;evil\x07\u202e": one()["v"], "w": {}}), "E217"),
    "a pickle": (b"\x80\x04cos\nsystem\n(S'touch evil'\ntR.", "E217"),
    "too large": (tensors(one(), bytes(17 << 20)), "E212"),
}

PATHS: Mapping[str, tuple[Plant, str, str]] = {
    "above": (nothing, "../secret.json", "E210"),
    "above, later": (nothing, "data/../../secret.json", "E210"),
    "above, many": (nothing, "../" * 40 + "etc/passwd", "E210"),
    "above, dots and slashes": (nothing, "././/..//../etc/passwd", "E210"),
    "absolute": (nothing, "/etc/passwd", "E210"),
    "absolute, twice": (nothing, "//etc/passwd", "E210"),
    "home": (nothing, "~/.netrc", "E211"),
    "variable": (nothing, "$HOME/.netrc", "E211"),
    "process": (nothing, "/proc/self/environ", "E210"),
    "device": (nothing, "/dev/zero", "E210"),
    "device, blocking": (nothing, "/dev/stdin", "E210"),
    "host": (nothing, "https://evil.example/heads.json", "E210"),
    "file host": (nothing, "file:///etc/passwd", "E210"),
    "Windows, above": (nothing, "..\\\\..\\\\secret.json", "E210"),
    "Windows, drive": (nothing, "C:/Windows/win.ini", "E210"),
    "Windows, share": (nothing, "\\\\\\\\evil\\\\share\\\\x.json", "E210"),
    "Windows, a device": (nothing, "CON", "E211"),
    "Windows, a stream": (nothing, "heads.json::$DATA", "E211"),
    "empty": (nothing, "", "E210"),
    "a dot": (nothing, ".", "E211"),
    "two dots": (nothing, "..", "E210"),
    "a slash at the end": (file("heads.json", "[]"), "heads.json/", "E214"),
    "below a file": (file("heads.json", "[]"), "heads.json/x", "E211"),
    "long": (nothing, "x" * 5000, "E210"),
    "long, many folders": (nothing, "x/" * 5000 + "y", "E210"),
    "escapes": (nothing, "\x1b[31mheads\x07.json".replace("\x1b", "").replace("\x07", ""), "E211"),
    "link out": (link("heads.json", lambda folder, guard: guard.secret), "heads.json", "E210"),
    "link out, by a folder": (link("data", lambda folder, guard: guard.secret.parent), "data/secret.json", "E210"),
    "link out, by a link": (
        both(link("a.json", lambda folder, guard: guard.secret), link("heads.json", lambda folder, guard: "a.json")),
        "heads.json",
        "E210",
    ),
    "link to a circle": (link("heads.json", lambda folder, guard: "heads.json"), "heads.json", "E210"),
    "link to nothing": (link("heads.json", lambda folder, guard: "none.json"), "heads.json", "E211"),
    "link to a device": (link("heads.json", lambda folder, guard: "/dev/zero"), "heads.json", "E210"),
    "link to the process": (link("heads.json", lambda folder, guard: "/proc/self/mem"), "heads.json", "E210"),
    "pipe": (pipe("heads.json"), "heads.json", "E211"),
    "folder": (folder("heads.json"), "heads.json", "E211"),
    "huge": (huge("heads.json"), "heads.json", "E212"),
    "just too large": (huge("heads.json", (1 << 24) + 1), "heads.json", "E212"),
    "zeros": (huge("heads.json", 1 << 24), "heads.json", "E214"),
}

OUTSIDE = (
    "above",
    "absolute",
    "home",
    "host",
    "Windows, above",
    "Windows, drive",
    "link out",
    "link to a circle",
    "pipe",
    "folder",
    "long",
    "empty",
)
"""Paths that every construct that names a file is tried with."""
