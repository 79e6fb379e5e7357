"""`stepbias report`: every inequality of the paper, checked on an experiment of a service."""

from stepbias.cli.options import Service
from stepbias.cli.output import tell, tell_json
from stepbias.cli.submit import connected


def report(experiment_id: str, *, service: Service, as_json: bool) -> int:
    """Print the report on stdout, as a page of text or as JSON, as the service sends it."""
    with connected(service) as client:
        handle = client.experiment(experiment_id)
        if as_json:
            tell_json(handle.report())
        else:
            tell(handle.read("report.txt").decode().rstrip("\n"))
    return 0
