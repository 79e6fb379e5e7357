"""The extra `service`: what an installation needs beyond the client to run the service itself."""

from importlib.metadata import PackageNotFoundError, version

from click.exceptions import Exit

from stepbias.cli.output import remark

SERVICE = "stepbias-service"
MISSING = "this command runs the service: pip install 'stepbias[service]'"


def require_service_extra() -> None:
    """Return if the service is installed, in the version of this client; else end the command with a sentence."""
    if wrong := _wrong():
        remark(f"stepbias: {wrong}")
        raise Exit(2)


def _wrong() -> str:
    """Nothing, or why the service cannot be run here. What it depends on is its installer's business."""
    client = version("stepbias")
    try:
        service = version(SERVICE)
    except PackageNotFoundError:
        return MISSING
    if service == client:
        return ""
    return f"client {client} cannot run service {service}: pip install 'stepbias[service]=={client}'"
