"""What the line of `%%entrack` or `%entrack` asks for: words, params of the spec, options of the run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import field

from entrack.errors import ArgumentError
from entrack.frozen import frozen


@frozen
class Asked:
    """`words` are what is no option, `params` those of the spec, `options` those of `Spec.run`."""

    words: tuple[str, ...] = ()
    params: Mapping[str, float] = field(factory=dict)
    options: Mapping[str, Any] = field(factory=dict)
    store: str | None = None
    check: bool = False
    plan: bool = False


def asked(line: str) -> Asked:
    """What a line says: `NAME --n 20 -p n=20 --store DIR --check --plan`, and the options of `entrack run`. An option
    that is none of these is a param. Raises ArgumentError."""
    words: list[str] = []
    params: dict[str, float] = {}
    options: dict[str, Any] = {}
    rest = iter(_split(line))
    for word in rest:
        name, given, value = word.partition("=")
        if name == "-p":
            name, given, value = _next(rest, "-p", "NAME=VALUE, such as -p n=20").partition("=")
            params[name] = _number(f"-p {name}", value)
        elif not word.startswith("--"):
            words.append(word)
        elif name[2:] in FLAGS and not given:
            options[name[2:].replace("-", "_")] = True
        else:
            value = value if given else _next(rest, name, "a value")
            _give(name, value, options, params)
    flags = {mode: options.pop(mode, False) for mode in MODES}
    return Asked(tuple(words), params, options, options.pop("store", None), **flags)


def _give(name: str, value: str, options: dict[str, Any], params: dict[str, float]) -> None:
    key = name[2:].replace("-", "_")
    if name[2:] == "slurm":
        options[key] = (*options.get(key, ()), value)
    elif name[2:] in OPTIONS:
        options[key] = OPTIONS[name[2:]](name, value)
    elif key.isidentifier():
        params[key] = _number(name, value)
    else:
        raise ArgumentError(f"{name} is no option of %%entrack, and no name of a param")


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ArgumentError(f"the line of %%entrack cannot be read: {error}") from None


def _next(rest: Iterator[str], name: str, wanted: str) -> str:
    value = next(rest, None)
    if value is None:
        raise ArgumentError(f"{name} takes {wanted}")
    return value


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
        return int(number) if number == int(number) else number
    except (ValueError, OverflowError):
        raise ArgumentError(f"{name} takes a number; this is {value!r}") from None


def _whole(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise ArgumentError(f"{name} takes a whole number; this is {value!r}")
    return int(value)


def _text(name: str, value: str) -> str:
    return value


def _memory(name: str, value: str) -> int | None:
    from entrack.cli.options import memory_given

    return memory_given(value)


OPTIONS: Mapping[str, Callable[[str, str], Any]] = {
    **dict.fromkeys(("store", "device", "accept", "remote", "on", "time"), _text),
    **dict.fromkeys(("threads", "workers", "gpus-per-worker", "gpus"), _whole),
    "memory": _memory,
    "slurm": _text,
}
"""Options with a value, as those of `entrack run`."""
MODES = ("check", "plan")
FLAGS = (*MODES, "reference", "remote-read-only")
