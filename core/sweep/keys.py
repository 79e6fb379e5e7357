"""The keys of runs and problems: hashes of what decides their numbers, so that equal ones are computed once."""

import hashlib
from collections.abc import Mapping

from core.identity import NUMERICS_VERSION, canonical_json, canonical_object
from core.networks.network import Network
from core.spec.experiment_spec import Recording, Stopping


def problem_key(data_key: str, network: Network) -> str:
    """The identity of a data set with a network."""
    return f"{data_key}:{network.key}"


def common_members(stopping: Stopping, recording: Recording) -> dict[str, bytes]:
    """What enters the keys of all runs of an experiment alike, in canonical JSON."""
    parts = {"stopping": stopping, "recording": recording}
    canonical = {name: canonical_json(part.model_dump(mode="json", by_alias=True)) for name, part in parts.items()}
    return canonical | {"numerics": b'"%b"' % NUMERICS_VERSION.encode()}


def run_key(
    common: Mapping[str, bytes], *, data_key: str, model: bytes, initialization: bytes, optimizer: bytes
) -> str:
    """The key of a run: SHA-256 of the canonical JSON of its spec, of `NUMERICS_VERSION`, and of the hash of its data.

    The data enter by their hash: user data may be megabytes, and a grid has thousands of runs on them.
    """
    own = {
        "data": b'"%b"' % data_key.encode(),
        "model": model,
        "initialization": initialization,
        "optimizer": optimizer,
    }
    return hashlib.sha256(canonical_object({**common, **own})).hexdigest()
