"""Each code of the library is one exception."""

import re

import pytest

import ringcast
from ringcast.errors import error_of

from conftest import checkout


def codes():
    text = (checkout() / "cbindings/include/ringcast.h").read_text()
    body = re.search(r"enum rc_code \{(.*?)\};", text, re.S).group(1)
    return {name: int(number) for name, number in re.findall(r"(RC_\w+) = (-?\d+)", body)}


def test_one_exception_a_code():
    wanted = {n for n in codes().values() if n not in (0, 1, 4)}  # RC_OK; RC_NOTHING and RC_END: None
    have = [c.code for c in ringcast.Error.__subclasses__() if c.code is not None]
    assert sorted(have) == sorted(wanted)


@pytest.mark.parametrize("code", sorted(n for n in codes().values() if n not in (0, 1, 4)))
def test_detail_and_advice(code):
    e = error_of(code, "what happened")
    assert type(e) is not ringcast.Error and e.code == code
    assert str(e).startswith("what happened") and e.advice in str(e)
    assert isinstance(e, ringcast.Error) and e.detail == "what happened"


def test_all_are_exported():
    for c in ringcast.Error.__subclasses__():
        assert getattr(ringcast, c.__name__) is c and c.__name__ in ringcast.__all__ and c.__doc__


def test_unknown_code():
    assert "unknown code -77" in str(error_of(-77, "")) and error_of(-77, "").code == -77


def test_standard_identities():
    assert issubclass(ringcast.TimedOutError, TimeoutError)
    assert issubclass(ringcast.PermissionDeniedError, PermissionError)
    assert issubclass(ringcast.LeaseError, BufferError)
    assert issubclass(ringcast.ClosedError, ValueError)


def test_details_of_the_library(domain, directory):
    with pytest.raises(ringcast.BadNameError, match="want letters, digits"):
        domain.publisher("no such name")
    with pytest.raises(ringcast.BadNameError):
        ringcast.Domain("no/slash")
    with pytest.raises(ringcast.InvalidError, match="power of two"):
        domain.publisher("t", slots=100)
    with pytest.raises(ringcast.InvalidError, match="NUL"):
        domain.subscribe("a\0b")
    with pytest.raises(ringcast.NotFoundError, match="proc"):
        ringcast.Domain(dir="/proc/nowhere")
    first = domain.publisher("shape", slots=64)
    first.publish(b"")
    with pytest.raises(ringcast.ShapeError, match="64"):
        domain.publisher("shape", slots=128)
    alone = domain.publisher("alone", kind=ringcast.RingKind.EXCLUSIVE)
    with ringcast.Domain(dir=directory) as other:
        with pytest.raises(ringcast.NotExclusiveError, match="close the other publisher"):
            other.publisher("alone", kind=ringcast.RingKind.EXCLUSIVE)
    alone.publish(b"")
