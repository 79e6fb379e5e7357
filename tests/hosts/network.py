"""Hosts that are network namespaces of this machine, on one bridge: made with `ip`, which takes root."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_NETWORK: Final = "10.77.55"
CLIENT: Final = f"{_NETWORK}.1"
"""Where this process is."""

_CLIENT_PORT: Final = "stepbias-client"


class Cut(StrEnum):
    """How a host is cut off from all others."""

    BOTH = "packets of both directions are dropped"
    TO_IT = "packets to it are dropped: it is heard, and hears nothing"
    FROM_IT = "packets from it are dropped: it hears, and is not heard"
    LINK = "its link is down"


class NetworkError(Exception):
    """A command for the network failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Namespace:
    """A host.

    Attributes:
        name: a letter.
        address: its own.
        switch: the host to which it has a cable, which is the first of all.
    """

    name: str
    address: str
    switch: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before a command."""
        return ("ip", "netns", "exec", self.space)

    @property
    def space(self) -> str:
        """What the system calls it, and its end of the cable where the others are."""
        return f"stepbias-{self.name}"

    @contextmanager
    def cut_off(self, how: Cut) -> Iterator[None]:
        """Nothing passes in this way, and nobody is told, until the block ends."""
        begin, end = self._words(how, "down", "--append"), self._words(how, "up", "--delete")
        for each in begin:
            _run(*each)
        try:
            yield
        finally:
            for each in end:
                _run(*each)

    def _words(self, how: Cut, link: str, rule: str) -> list[tuple[str, ...]]:
        """The commands that set the link, or add or take away the rules."""
        if how is Cut.LINK:
            return [("ip", "-n", self.switch, "link", "set", self.space, link)]
        rules = {Cut.TO_IT: ("INPUT", "-i", "eth0"), Cut.FROM_IT: ("OUTPUT", "-o", "eth0")}
        chosen = [each for it, each in rules.items() if how in {it, Cut.BOTH}]
        return [(*self.prefix, "iptables", rule, *each, "-j", "DROP") for each in chosen]

    def remove(self) -> None:
        """Remove it, with its link."""
        with suppress(NetworkError):
            _run("ip", "netns", "delete", self.space)


@contextmanager
def network(*names: str) -> Iterator[list[Namespace]]:
    """Hosts of these names on a bridge, which this process is on as well.

    Raises:
        NetworkError: it cannot be made, as without root.
    """
    first = f"stepbias-{names[0]}"
    hosts = [Namespace(name=name, address=f"{_NETWORK}.{number}", switch=first) for number, name in enumerate(names, 2)]
    with ExitStack() as stack:
        _remove(hosts)
        stack.callback(_remove, hosts)
        for host in hosts:
            _run("ip", "netns", "add", host.space)
            _run("ip", "-n", host.space, "link", "set", "lo", "up")
        # The switch is within the first host: what the machine filters on its own bridges is not in the way.
        _run("ip", "-n", first, "link", "add", "eth0", "type", "bridge")
        _give_address(("-n", first), "eth0", hosts[0].address)
        for host in hosts[1:]:
            _plug(first, host.space, "eth0", "netns", host.space)
            _give_address(("-n", host.space), "eth0", host.address)
        _plug(first, "client", _CLIENT_PORT)
        _give_address((), _CLIENT_PORT, CLIENT)
        yield hosts


def _plug(switch: str, port: str, *other_end: str) -> None:
    _run("ip", "link", "add", "name", port, "netns", switch, "type", "veth", "peer", "name", *other_end)
    _run("ip", "-n", switch, "link", "set", port, "master", "eth0", "up")


def _give_address(where: tuple[str, ...], device: str, address: str) -> None:
    _run("ip", *where, "address", "add", f"{address}/24", "dev", device)
    _run("ip", *where, "link", "set", device, "up")


def _remove(hosts: list[Namespace]) -> None:
    with suppress(NetworkError):
        _run("ip", "link", "delete", _CLIENT_PORT)
    for host in hosts:
        host.remove()


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except OSError as error:
        raise NetworkError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise NetworkError(f"{' '.join(command)}: {done.stderr.strip()}")
