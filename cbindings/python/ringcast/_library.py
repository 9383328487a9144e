"""The C library through cffi. Every such call releases the GIL."""

from __future__ import annotations

from typing import Any, Optional

from . import _native
from .errors import error_of

ffi = _native.ffi
lib = _native.lib

if lib.rcpy_install() != 0:
    raise ImportError("ringcast: the types of its extension could not be made")


def check(code: int) -> None:
    """Raises the exception of a code that is not RC_OK."""
    if code != 0:
        detail = ffi.string(lib.rc_error_detail()).decode("utf-8", "replace") if code < 0 else ""
        raise error_of(code, detail)


def encode(text: Optional[str], what: str) -> bytes:
    """Returns the text of an argument as the library takes it; a NUL would cut it off."""
    if not isinstance(text, (str, type(None))):
        hint = f"; decode it: {what}.decode()" if isinstance(text, (bytes, bytearray)) else ""
        raise TypeError(f"{what}: a str is required, not {type(text).__name__!r}{hint}")
    data = (text or "").encode("utf-8", "surrogateescape")
    if b"\0" in data:
        raise error_of(-1, f"{text!r}: a NUL character stands in it")
    return data


def readable(data: Any, what: str = "data") -> Any:
    """Returns a bytes-like argument as the library reads it, for a with block."""
    try:
        return ffi.from_buffer(data)
    except TypeError:
        hint = f"; encode it: {what}.encode()" if isinstance(data, str) else ""
        raise TypeError(f"{what}: a bytes-like object is required, not {type(data).__name__!r}{hint}") from None
