"""`stepbias presets`: the specs of the paper's figures."""

from stepbias.cli.options import Service
from stepbias.cli.output import tell, tell_json
from stepbias.cli.submit import connected


def presets(name: str | None, *, size: str | None, seeds: int, service: Service, as_json: bool) -> int:
    """Print what presets there are, or the spec of one, ready to be changed and submitted."""
    with connected(service) as client:
        if name is not None:
            tell_json(client.preset(name, size, seeds=seeds))
            return 0
        known = client.presets()
    if as_json:
        tell_json(known)
    else:
        for each in known:
            tell(f"{each['name']:<18} {each['title']} ({', '.join(each['sizes'])})")
    return 0
