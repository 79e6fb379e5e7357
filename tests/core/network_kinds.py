"""The networks that tests go through."""

from core.networks.network import UV, Diagonal, Network

NETWORKS: list[Network] = [Diagonal(2), Diagonal(3), Diagonal(4), Diagonal(7), UV()]


def depth_by_hand(network: Network) -> int | None:
    """What `tests.reference.network_by_hand` calls it."""
    return network.depth if isinstance(network, Diagonal) else None
