"""Sites: the places inside a model that a spec can name. Heads, their components, and the words for them."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from entrack.address import tagged


@tagged("component")
class Component(Enum):
    """What of a head. `output` is z: the part of the input of the output projection that belongs to the head."""

    OUTPUT = "output"
    QUERY = "query"
    KEY = "key"
    VALUE = "value"


RECEIVING = (Component.QUERY, Component.KEY, Component.VALUE)


@tagged("head", "layer head")
@frozen(order=True)
class Head:
    """A query head, both numbers counted from 0; written `layer.head`, as in `14.13`."""

    layer: int
    head: int

    def __str__(self) -> str:
        return f"{self.layer}.{self.head}"
