"""The table of faults, and the sequence of them that a seed gives."""

import random
import resource
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from jobs.connection import vendor_errors
from tests.faults.besieged_service import BesiegedService, Part, eventually, send
from tests.faults.fake_clock import FakeClock
from tests.faults.proxy import Proxy, Rules


class Mode(StrEnum):
    """Which faults."""

    KILLS = "kills"
    NETWORK = "network"
    ALL = "all"
    STORM = "storm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault as it was drawn.

    Attributes:
        kind: its name in the table.
        seconds: how long it lasts, or how far its two halves are apart; 0 where it is over at once.
        share: of the connections that are hit, where connections are.
        calm: seconds before it in which nothing happens, the service being itself again.
    """

    kind: str
    seconds: float
    share: float
    calm: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Battlefield:
    """What faults strike."""

    service: BesiegedService
    proxy: Proxy | None
    clock: FakeClock | None


Strike = Callable[[Battlefield, Fault], int]
"""Strikes, lasts, heals; how many processes or connections were hit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of fault: to which group it belongs, how long it lasts, and how it strikes."""

    group: str
    strike: Strike
    seconds: tuple[float, float] = (0.0, 0.0)


def _signal(part: Part, number: signal.Signals) -> Strike:
    def strike(field: Battlefield, _: Fault) -> int:
        assert eventually(lambda: field.service.processes(part)), f"no {part} is there to be hit"
        return len(field.service.hit(part, number))

    return strike


def _terminate(part: Part) -> Strike:
    """Ask it to end; it may take its time."""
    ask = _signal(part, signal.SIGTERM)

    def strike(field: Battlefield, fault: Fault) -> int:
        victims = field.service.processes(part)
        hit = ask(field, fault)
        assert eventually(lambda: not set(victims) & set(field.service.processes(part)), patience=60.0), "it stays"
        return hit

    return strike


def _kill_one_of(parts: Sequence[Part]) -> Strike:
    """Kill the first of the parts that is there: in a storm most are about to be started again."""

    def strike(field: Battlefield, _: Fault) -> int:
        return next((len(hit) for part in parts if (hit := field.service.hit(part, signal.SIGKILL))), 0)

    return strike


def _pause(part: Part, *, then: signal.Signals) -> Strike:
    def strike(field: Battlefield, fault: Fault) -> int:
        assert eventually(lambda: field.service.processes(part)), f"no {part} is there to be stopped"
        victims = field.service.hit(part, signal.SIGSTOP)
        time.sleep(fault.seconds)
        for pid in victims:
            send(pid, then)
        return len(victims)

    return strike


def _twice(part: Part) -> Strike:
    once = _signal(part, signal.SIGKILL)

    def strike(field: Battlefield, fault: Fault) -> int:
        first = once(field, fault)
        time.sleep(fault.seconds)
        return first + once(field, fault)

    return strike


def _rules(rules: Rules) -> Strike:
    """Rules that hold for all traffic; where they refuse connections, those there are end."""

    def strike(field: Battlefield, fault: Fault) -> int:
        assert field.proxy is not None
        with field.proxy.under(rules):
            hit = field.proxy.drop(1.0) if rules.refused else 1
            time.sleep(fault.seconds)
        return hit

    return strike


def _drop(field: Battlefield, fault: Fault) -> int:
    assert field.proxy is not None
    return field.proxy.drop(fault.share)


def _freeze(field: Battlefield, fault: Fault) -> int:
    assert field.proxy is not None
    return field.proxy.freeze(fault.share)


def _fill(field: Battlefield, fault: Fault) -> int:
    """Let the server have no memory left, for a spell."""
    with field.service.server() as server, vendor_errors():
        server.config_set("maxmemory", "1mb")
        time.sleep(fault.seconds)
        server.config_set("maxmemory", "0")
    return 1


def _short_write(field: Battlefield, _: Fault) -> int:
    """Let the server's next writes end in the middle of a record, as on a full disk: it dies of that.

    By the limit on the size of a file, which is of this life of the process alone; so there is room when it is back.
    """
    victims = field.service.processes(Part.SERVER)
    for pid in victims:
        log = max(
            (field.service.state / "server").glob("appendonlydir/*.incr.aof"), key=lambda path: path.stat().st_mtime
        )
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 1000, hard))
    assert eventually(lambda: not set(victims) & set(field.service.processes(Part.SERVER))), "the server lives on"
    return len(victims)


def _set_clock(seconds: int) -> Strike:
    """Let the time of day be another for a spell, and then the right one again."""

    def strike(field: Battlefield, fault: Fault) -> int:
        assert field.clock is not None
        with field.clock.set_by(seconds):
            time.sleep(fault.seconds)
        return 1

    return strike


_PARTS: Final = tuple(Part)
_LONG_LIVED: Final = (Part.SERVER, Part.API, Part.BATCH_WORKER, Part.INTERACTIVE_WORKER)
_STORMED: Final = tuple(part for part in _PARTS if part not in {Part.SUPERVISOR, Part.EVERYTHING})
"""What the service starts again by itself."""

_STOPPED: Final = (3.0, 20.0)

CALM: Final = (0.1, 2.0)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {f"kill {part}": Kind(group="kills", strike=_signal(part, signal.SIGKILL)) for part in _PARTS}
    | {f"terminate {part}": Kind(group="kills", strike=_terminate(part)) for part in _LONG_LIVED}
    | {"terminate supervisor": Kind(group="kills", strike=_terminate(Part.SUPERVISOR))}
    | {"kill server twice": Kind(group="kills", strike=_twice(Part.SERVER), seconds=(0.0, 3.0))}
    | {
        f"stop {part}": Kind(group="kills", strike=_pause(part, then=signal.SIGCONT), seconds=_STOPPED)
        for part in _PARTS
    }
    | {
        f"stop, then kill {part}": Kind(group="kills", strike=_pause(part, then=signal.SIGKILL), seconds=_STOPPED)
        for part in (*_LONG_LIVED, Part.BATCH_CHILD, Part.INTERACTIVE_CHILD)
    }
    | {
        "drop connections": Kind(group="network", strike=_drop),
        "half-open connections": Kind(group="network", strike=_freeze),
        "hold packets": Kind(group="network", strike=_rules(Rules(held=True)), seconds=(2.0, 25.0)),
        "refuse connections": Kind(group="network", strike=_rules(Rules(refused=True)), seconds=(1.0, 15.0)),
        "delay packets": Kind(group="network", strike=_rules(Rules(delay=0.5)), seconds=(5.0, 15.0)),
        "trickle": Kind(group="network", strike=_rules(Rules(trickles=True)), seconds=(5.0, 15.0)),
        "cut replies": Kind(group="network", strike=_rules(Rules(cut=0.03)), seconds=(5.0, 15.0)),
        "full store": Kind(group="store", strike=_fill, seconds=(2.0, 15.0)),
        "short write": Kind(group="store", strike=_short_write),
    }
    | {
        f"clock of server {hours:+d} h": Kind(group="clock", strike=_set_clock(hours * 3600), seconds=(3.0, 15.0))
        for hours in (-2, 2)
    }
    | {
        f"storm, {part} first": Kind(group="storm", strike=_kill_one_of(_STORMED[place:] + _STORMED[:place]))
        for place, part in enumerate(_STORMED)
    }
)
"""By name."""

GROUPS: Final[Mapping[Mode, frozenset[str]]] = MappingProxyType(
    {
        Mode.KILLS: frozenset({"kills"}),
        Mode.NETWORK: frozenset({"network", "store"}),
        Mode.ALL: frozenset({"kills", "network", "store", "clock"}),
        Mode.STORM: frozenset({"storm"}),
    }
)


def kinds_of(mode: Mode) -> list[str]:
    """The kinds of a mode, in the order of the table."""
    return [name for name, kind in KINDS.items() if kind.group in GROUPS[mode]]


def sequence(kinds: list[str], count: int, seed: int) -> list[Fault]:
    """So many faults: every kind equally often, but for one, in an order and with numbers that the seed gives."""
    rng = random.Random(f"{seed}/faults")
    faults: list[Fault] = []
    while len(faults) < count:
        faults += [_drawn(kind, rng) for kind in rng.sample(kinds, len(kinds))]
    return faults[:count]


def _drawn(kind: str, rng: random.Random) -> Fault:
    return Fault(
        kind=kind,
        seconds=round(rng.uniform(*KINDS[kind].seconds), 2),
        share=rng.choice([0.5, 1.0]),
        calm=round(rng.uniform(*CALM), 2),
    )
