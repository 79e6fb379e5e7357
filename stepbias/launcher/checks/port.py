"""TCP ports of this machine: is one free, and which one is."""

import random
import socket

from stepbias.launcher.startup_error import PortInUseError

# Below 32768 and 49152, where Linux and macOS take the source ports of outgoing connections: a client that keeps
# dialling a port from that range while its server is down can be given that very port as its source, connects to
# itself, and then keeps the server from binding it ever again.
_QUIET_PORTS = range(20_000, 32_768)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen at the address now.

    Raises:
        PortInUseError: the host is no address of this machine, so that no port of it can be listened at.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise PortInUseError(f"cannot listen on {host}: {error.strerror}") from error
    with socket.socket(family, kind, protocol) as candidate:
        # As the servers do it: connections of a previous server that linger in TIME_WAIT are no obstacle.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(address)
            candidate.listen(1)
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """A port at which a server could listen now, outside the ranges used for outgoing connections.

    Raises:
        PortInUseError: none of a hundred ports tried was free.
    """
    # SystemRandom: two instances that start at once, perhaps with equally seeded generators, should not agree.
    for port in random.SystemRandom().sample(_QUIET_PORTS, 100):
        if is_free(host, port):
            return port
    raise PortInUseError(f"no free port found on {host} between {_QUIET_PORTS.start} and {_QUIET_PORTS.stop - 1}")
