"""FlatBuffers, built in the slot from which they are sent."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Type

try:
    import flatbuffers  # type: ignore[import-untyped, import-not-found, unused-ignore]
except ModuleNotFoundError as e:
    raise ModuleNotFoundError("Publisher.builder needs the package flatbuffers: pip install flatbuffers", name=e.name) from e

from . import _native
from .errors import TooLargeError

_FLAT_BUFFER = 2


class SlotBuilder(flatbuffers.Builder):  # type: ignore[misc, unused-ignore]
    """A flatbuffers.Builder whose bytes are a claimed slot of a ring.

    A FlatBuffer grows downwards, so it ends with the slot and is sent from where it begins. If it
    does not fit, the builder raises TooLargeError and gives it up: nothing is ever moved out of the
    slot.

    For one thread at a time, like its publisher.
    """

    def __init__(self, slot: _native.Slot, schema: int = 0) -> None:
        super().__init__(0)
        self._slot = slot
        self._schema = schema
        self.Bytes = slot.data
        self.head = len(slot)

    def GrowByteBuffer(self) -> None:
        """Refuses: a slot does not grow."""
        raise TooLargeError(f"the FlatBuffer does not fit into the slot of {len(self._slot)} bytes: ask for a larger slot_size")

    growByteBuffer = GrowByteBuffer

    def __enter__(self) -> "SlotBuilder":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if not self._slot.open:
            return
        if kind is not None:
            self._slot.abort()
            return
        try:
            if not self.finished:
                raise ValueError("the FlatBuffer is not finished: call Finish(root) before the block ends")
            start = int(self.Head())
            self._slot.commit(start, len(self._slot) - start, content=_FLAT_BUFFER, schema=self._schema)
        except BaseException:
            self._slot.abort()
            raise
