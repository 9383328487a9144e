"""What the Python package refuses, and why. See doc.go; the list is that of refusals.go."""

from typing import Any, Callable, Dict, List

import ringcast

SMALL: Dict[str, Any] = {"slots": 64, "slot_size": 64}

# The word for each exception; one that is not here shows by its own name.
WORDS = {
    ringcast.FullError: "full",
    ringcast.TimedOutError: "timed_out",
    ringcast.InvalidError: "invalid",
    ringcast.BadNameError: "name",
    ringcast.PermissionDeniedError: "permission",
    ringcast.NotOursError: "not_ours",
    ringcast.OtherVersionError: "other_version",
    ringcast.DamagedError: "damaged",
    ringcast.ReadersFullError: "readers_full",
    ringcast.ShapeError: "shape",
    ringcast.NotExclusiveError: "not_exclusive",
    ringcast.TooLargeError: "too_large",
    ringcast.FencedError: "fenced",
    ringcast.BusyError: "busy",
    ringcast.ModeError: "mode",
    ringcast.GroupFullError: "group_full",
    ringcast.ClosedError: "closed",
    ringcast.LeaseError: "invalid",  # a slot that was given back
}

kept: List[object] = []  # what was opened stays open


def keep(handle: Any) -> Any:
    kept.append(handle)
    return handle


def word(provoke: Callable[[ringcast.Domain, str], object], domain: ringcast.Domain, topic: str) -> str:
    try:
        found = provoke(domain, topic)
    except ringcast.Error as e:
        return WORDS.get(type(e), repr(e))
    return "nothing" if found is None else "accepted"


def asked(**config: Any) -> Callable[[ringcast.Domain, str], object]:
    return lambda d, t: keep(d.publisher(t, **config))


def joined(**config: Any) -> Callable[[ringcast.Domain, str], object]:
    return lambda d, t: keep(d.subscribe(t, **config))


def domain_of(*args: str, **config: Any) -> Callable[[ringcast.Domain, str], object]:
    return lambda d, t: ringcast.Domain(*args, **config)


def small(d: ringcast.Domain, t: str) -> ringcast.Publisher:
    return keep(d.publisher(t, **SMALL))


def again(**config: Any) -> Callable[[ringcast.Domain, str], object]:
    """Writes a topic and asks for it in another way."""

    def ask(d: ringcast.Domain, t: str) -> object:
        small(d, t).publish(b"x", 0)
        return keep(d.publisher(t, **config))

    return ask


def owned(d: ringcast.Domain, t: str) -> object:
    keep(d.publisher(t, kind=ringcast.RingKind.EXCLUSIVE))
    return keep(d.publisher(t))


def one_more(timeout: float) -> Callable[[ringcast.Domain, str], object]:
    """One more than there is room for, with a reader who takes nothing."""

    def publish(d: ringcast.Domain, t: str) -> object:
        p = small(d, t)
        keep(d.subscribe(t))
        for _ in range(64):
            p.publish(b"x", 0)
        p.publish(b"x", timeout)
        return "accepted"

    return publish


def published(size: int) -> Callable[[ringcast.Domain, str], object]:
    def publish(d: ringcast.Domain, t: str) -> object:
        small(d, t).publish(bytes(size), 0)
        return "accepted"

    return publish


def claim_taken(d: ringcast.Domain, t: str) -> object:
    p, other, s = small(d, t), small(d, t), keep(d.subscribe(t))
    slot = p.claim(1, 0)
    other.publish(b"x", 30)
    s.next(30)
    slot.commit(1)
    return "accepted"


def second_claim(d: ringcast.Domain, t: str) -> object:
    p = small(d, t)
    keep(p.claim(1, 0))
    return keep(p.claim(1, 0))


def claim_ended(d: ringcast.Domain, t: str) -> object:
    slot = small(d, t).claim(1, 0)
    slot.commit(1)
    slot.commit(1)
    return "accepted"


def closed(d: ringcast.Domain, t: str) -> object:
    p = d.publisher(t)
    p.close()
    p.publish(b"x", 0)
    return "accepted"


def crowd(**config: Any) -> Callable[[ringcast.Domain, str], object]:
    """Subscribes until that is refused."""

    def subscribe(d: ringcast.Domain, t: str) -> object:
        for _ in range(1000):
            keep(d.subscribe(t, **config))
        return "accepted"

    return subscribe


def group_of_latest(d: ringcast.Domain, t: str) -> object:
    keep(d.publisher(t, mode=ringcast.RingMode.LATEST))
    return keep(d.subscribe(t, group="g"))


def group_fragments(d: ringcast.Domain, t: str) -> object:
    p = small(d, t)
    keep(d.subscribe(t, group="g"))
    p.publish(bytes(65), 0)
    return "accepted"


ALL: Dict[str, Callable[[ringcast.Domain, str], object]] = {
    "domain-name": domain_of("a/b"),
    "participant-name": domain_of(name="x" * 65),
    "domain-mode": domain_of("other", mode=0o007),
    "domain-rights": domain_of(mode=0o660),
    "domain-node": domain_of(node=8),
    "topic-name": lambda d, t: d.publisher("a..b"),
    "topic-pattern": lambda d, t: d.publisher("a.*"),
    "bad-pattern": lambda d, t: d.subscribe("a.>.b"),
    "slots": asked(slots=100),
    "few-slots": asked(slots=2),
    "slot-size": asked(slot_size=(16 << 20) + 1),
    "history": asked(slots=64, history=33),
    "other-shape": again(slots=128),
    "other-kind": again(kind=ringcast.RingKind.EXCLUSIVE),
    "topic-mode": asked(file_mode=0o007),
    "topic-owner": asked(owner="no-such-user"),
    "topic-group": asked(group="no-such-group"),
    "topic-rights": again(file_mode=0o640),
    "owned": owned,
    "too-large": published(2049),
    "claim-too-large": lambda d, t: small(d, t).claim(65, 0),
    "full": one_more(0),
    "no-room-in-time": one_more(0.005),
    "empty": lambda d, t: keep(d.subscribe(t)).poll(),
    "none-in-time": lambda d, t: keep(d.subscribe(t)).next(0.005),
    "claim-taken": claim_taken,
    "second-claim": second_claim,
    "claim-ended": claim_ended,
    "closed": closed,
    "not-ours": asked(),
    "other-version": asked(),
    "damaged": asked(),
    "broken-of-pattern": lambda d, t: keep(d.subscribe("spoiled.*")).poll(),
    "readers-full": crowd(),
    "group-name": joined(group="a b"),
    "group-of-pattern": lambda d, t: d.subscribe("t.*", group="g"),
    "group-history": joined(group="g", history=1),
    "group-of-latest": group_of_latest,
    "group-fragments": group_fragments,
    "group-crowd": crowd(group="g"),
}


def refuse(domain: ringcast.Domain) -> None:
    """Does all that is refused, and prints a line for each."""
    for what, provoke in ALL.items():
        print(what, word(provoke, domain, what), flush=True)
    while kept:
        handle = kept.pop()
        close = getattr(handle, "close", getattr(handle, "abort", None))
        if close is not None:
            close()
