"""An action as bytes and back: canonical JSON that carries its own digest.

Decoding accepts exactly the bytes that encoding gives, for exactly the address it was asked for. A flipped bit,
an exchanged file, or a record of another version is therefore seen, also in the parts that are only shown.
"""

from __future__ import annotations

import hashlib
import json

from entrack.store.base import JSON, Action, json_bytes

VERSION = 1
MAX_RECORD = 1 << 16


def encode(action: Action) -> bytes:
    """The bytes of the action file and of the index row. Raises `ValueError` where `how` is too large."""
    body: dict[str, JSON] = {
        "address": action.address,
        "how": action.how,
        "object": action.object,
        "size": action.size,
        "version": VERSION,
    }
    data = json_bytes({**body, "check": hashlib.sha256(json_bytes(body)).hexdigest()})
    if len(data) > MAX_RECORD:
        raise ValueError(f"the note of how a result was made takes {len(data)} bytes, over {MAX_RECORD}")
    return data


def decode(data: bytes, address: str) -> Action:
    """The action that `data` records for `address`, else `ValueError`."""
    try:
        body = json.loads(data)
        action = Action(address=body["address"], object=body["object"], size=body["size"], how=body["how"])
        faithful = encode(action) == data
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("not an action record") from error
    if not faithful or action.address != address:
        raise ValueError("not the record of this action")
    return action
