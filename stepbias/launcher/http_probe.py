"""The readiness of something that answers HTTP on this machine."""

import httpx2

from stepbias.launcher.managed_process import Probe


def answers(url: str) -> Probe:
    """The probe that asks for 200 at an address of this machine."""

    def missing() -> str | None:
        try:
            # No proxy from the environment: this address is on this machine.
            response = httpx2.get(url, timeout=2.0, trust_env=False)
        except httpx2.HTTPError as error:
            return f"GET {url} gets no answer ({type(error).__name__})"
        if response.status_code != httpx2.codes.OK:
            return f"GET {url} answers {response.status_code}: {response.text[:500]}"
        return None

    return missing
