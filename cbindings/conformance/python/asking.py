"""The client and the server of the request cells. See doc.go for what they do."""

import select
import sys
import time
from typing import Callable, List

import ringcast
from ringcast import PresenceKind

PATIENCE = 30.0
SERVICE, SURVEY_TOPIC = "asked", "questions"
MANY = 300


class Another(Exception):
    """Not the answer that was to come."""


WORDS = {
    ringcast.TimedOutError: "timed_out",
    ringcast.TooLargeError: "too_large",
    ringcast.NoServiceError: "no_service",
    ringcast.OverloadedError: "overloaded",
    ringcast.InstanceDiedError: "instance_died",
    ringcast.GoneError: "gone",
    ringcast.NoInboxError: "no_inbox",
    ringcast.NodeDownError: "node_down",
    ringcast.NoReplyError: "no_reply",
    ringcast.ReplyTooLargeError: "reply_too_large",
    ringcast.CanceledError: "canceled",
    Another: "another answer",
}


def print_line(text: str) -> None:
    print(text, flush=True)


def say(what: str, step: Callable[[], object]) -> None:
    """Prints what a step came to."""
    try:
        step()
        word = "ok"
    except ringcast.ReplyError as e:
        word = f"reply {e.reply_code} {e.text}"
    except Exception as e:
        word = WORDS.get(type(e)) or f"{type(e).__name__}: {e}"
    print_line(f"{what} {word}")


def want(reply: ringcast.Reply, data: bytes) -> None:
    if reply.data != data:
        raise Another


class Client:
    def __init__(self, domain: ringcast.Domain, address: str) -> None:
        self.domain = domain
        self.server = ringcast.Address.parse(address)

    def echo(self, size: int) -> None:
        want(self.domain.request(SERVICE, b"e" * size, PATIENCE), b"e" * size)

    def request(self, service: str, text: bytes, timeout: float = PATIENCE) -> None:
        self.domain.request(service, text, timeout)

    def simple(self) -> None:
        say("empty", lambda: self.echo(0))
        say("small", lambda: self.echo(10))
        say("slot", lambda: self.echo(2048))
        say("too-large", lambda: self.echo(2049))
        say("error", lambda: self.request(SERVICE, b"f"))
        say("no-reply", lambda: self.request(SERVICE, b"n"))
        say("reply-too-large", lambda: self.request(SERVICE, b"l"))
        say("no-service", lambda: self.request("nobody", b"e"))
        say("deadline", lambda: self.request(SERVICE, b"w", 0.05))
        say("cancel", self.cancel)

    def cancel(self) -> None:
        pending = self.domain.ask(SERVICE, b"w", PATIENCE)
        time.sleep(0.02)
        pending.cancel()
        pending.result(PATIENCE)

    def stream(self, count: int, take: int) -> None:
        with self.domain.stream(SERVICE, b"s%d" % count, PATIENCE) as answers:
            for i in range(take):
                want(next(answers), b"%d" % i)
            if take == count:
                want(next(answers), b"end")
                if answers.next(PATIENCE) is not None:
                    raise Another

    def many(self) -> None:
        asked: List[ringcast.Pending] = []
        taken = 0
        while len(asked) < MANY:
            try:
                asked.append(self.domain.ask(SERVICE, b"e%d" % len(asked), PATIENCE, wait=0))
            except ringcast.FullError:
                want(asked[taken].result(PATIENCE), b"e%d" % taken)
                taken += 1
        for i in range(taken, MANY):
            want(asked[i].result(PATIENCE), b"e%d" % i)

    def addresses(self, away: bool) -> None:
        d, server = self.domain, self.server
        say("send", lambda: d.send(server, b"mail"))
        say("request-to", lambda: want(d.request(server, b"question", PATIENCE), b"question"))
        say("error-from", lambda: d.request(server, b"error", PATIENCE))
        gone = server._replace(generation=server.generation + 1)
        say("gone", lambda: d.request(gone, b"", PATIENCE) if away else d.send(gone))
        say("no-inbox", lambda: d.send(d.address))
        say("node-down", lambda: d.send(server._replace(node=server.node + 1)))

    def survey(self) -> None:
        with self.domain.survey(SURVEY_TOPIC, b"who?", PATIENCE) as answers:
            replies = list(answers)
        if [(r.data, r.source) for r in replies] != [(b"here", self.server)]:
            raise Another

    def known(self) -> None:
        """Waits until the server is known to serve, and to take questions."""
        missing = {SERVICE, SURVEY_TOPIC}
        with self.domain.watch([PresenceKind.INSTANCE, PresenceKind.SUBSCRIBER]) as watch:
            while missing:
                e = watch.next(PATIENCE)
                if e is not None and e.up and e.address == self.server:
                    missing.discard(e.name)
        self.domain.wait_for_subscribers(SURVEY_TOPIC, 1, PATIENCE)

    def death(self, away: bool) -> None:
        """Sees a server die that holds a request; one on this node with its queue full."""
        with self.domain.watch([PresenceKind.INSTANCE], SERVICE) as watch:
            say("presence", lambda: self.seen(watch, True))
            with self.domain.stream(SERVICE, b"h", PATIENCE) as held:
                want(next(held), b"holding")
                say(*(("holding", lambda: None) if away else ("overloaded", self.fill)))
                say("instance-died", lambda: held.next(PATIENCE))
            say("presence-died", lambda: self.seen(watch, False))
        say("after-death", lambda: self.request(SERVICE, b"e"))

    def fill(self) -> None:
        while True:
            self.domain.send(SERVICE, b"e")

    def seen(self, watch: ringcast.Watch, up: bool) -> None:
        e = watch.next(PATIENCE)
        if e is None or (e.up, e.name, e.address) != (up, SERVICE, self.server):
            raise Another


def ask(domain: ringcast.Domain, address: str, away: bool = False) -> None:
    c = Client(domain, address)
    if away:
        say("known", c.known)
    c.simple()
    say("stream", lambda: c.stream(100, 100))
    say("stream-left", lambda: c.stream(1000, 5))
    say("many", c.many)
    c.addresses(away)
    say("survey", c.survey)
    c.death(away)


def ask_away(domain: ringcast.Domain, address: str) -> None:
    ask(domain, address, True)


def ask_again(domain: ringcast.Domain, address: str) -> None:
    Client(domain, address).known()
    say("again", lambda: domain.request(SERVICE, b"w", PATIENCE, idempotent=True))


def drop(domain: ringcast.Domain) -> None:
    pending = domain.ask(SERVICE, b"w", PATIENCE)
    time.sleep(PATIENCE)
    raise RuntimeError(f"was not killed, with {pending}")


def answer_one(r: ringcast.Request) -> None:
    first = r.data[:1]
    if first == b"f":
        r.fail("no", 7)
    elif first == b"n":
        r.drop()
    elif first == b"l":
        r.reply(bytes(4096))
    elif first == b"s":
        for i in range(int(r.data[1:])):
            r.more(b"%d" % i, PATIENCE)
        r.reply(b"end")
    elif first == b"w":
        print_line("waiting")
        while r.wanted():
            time.sleep(0.001)
        print_line("given up")
        r.drop()
    elif first == b"h":
        r.more(b"holding", PATIENCE)
        time.sleep(PATIENCE)
    else:
        r.reply(r.data)


def answer_quietly(r: ringcast.Request) -> None:
    """A caller may have left, or is told itself what does not fit."""
    try:
        answer_one(r)
    except (ringcast.CanceledError, ringcast.TooLargeError, ringcast.ReplyTooLargeError):
        if r.open:
            r.drop()


def answer_mail(domain: ringcast.Domain, m: ringcast.Item, with_data: bytes) -> None:
    if not isinstance(m, ringcast.Message) or not m.is_request:
        return
    if not with_data and bytes(m) == b"error":
        domain.answer_error(m, "away", 3)
    else:
        domain.answer(m, with_data or bytes(m))


def answer(domain: ringcast.Domain) -> None:
    with domain.serve(SERVICE, answer_quietly), domain.inbox() as inbox, domain.subscribe(SURVEY_TOPIC) as questions:
        print_line(f"ready {domain.address}")
        fds = [sys.stdin, inbox, questions]
        while True:
            ready = select.select(fds, [], [])[0]
            for s, data in ((inbox, b""), (questions, b"here")):
                while (m := s.poll()) is not None:
                    answer_mail(domain, m, data)
            if sys.stdin in ready and sys.stdin.buffer.read1(1) == b"":
                return
