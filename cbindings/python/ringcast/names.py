"""Texts of names and addresses, as the library reads and writes them."""

from __future__ import annotations

from typing import Tuple

from ._library import check, encode, ffi, lib


def matches(pattern: str, name: str) -> bool:
    """Returns whether a name matches a pattern: `*` is one token, a last `>` the rest. False if the
    pattern is not a pattern or the name not a name."""
    return bool(lib.rc_name_matches(encode(pattern, "pattern"), encode(name, "name")))


def address_text(fields: Tuple[int, int, int, int, int]) -> str:
    """Returns the text of an address: node, epoch, generation, index, handle."""
    address = ffi.new("struct rc_address *", fields)
    text = ffi.new("char[64]")
    check(lib.rc_address_format(address, text, 64))
    return str(ffi.string(text).decode())


def address_fields(text: str) -> Tuple[int, int, int, int, int]:
    """Parses the text of an address."""
    a = ffi.new("struct rc_address *")
    check(lib.rc_address_parse(encode(text, "text"), a))
    return a.node, a.epoch, a.generation, a.index, a.handle
