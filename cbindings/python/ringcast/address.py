"""Addresses: who published a message."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """A participant of a node, and which of its publishers; handle 0 is the participant itself."""

    node: int
    epoch: int
    generation: int
    index: int  # type: ignore[assignment]  # where a tuple has a method
    handle: int

    def __str__(self) -> str:
        """Returns its text, the same in all of Ringcast: n7-1f03.12.5:1."""
        from . import names

        return names.address_text(self)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parses such a text. Raises InvalidError for anything that would not be written so."""
        from . import names

        return cls(*names.address_fields(text))
