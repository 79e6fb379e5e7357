"""Who of the deployment is let out, and who may tell ends."""

from typing import Any

import pytest
import yaml

from tests.compose.deployment import ROOT

TELLING = {"STEPBIAS_WEBHOOK_HOSTS", "STEPBIAS_WEBHOOK_SECRET"}


@pytest.fixture
def deployed() -> Any:
    """What `docker-compose.yml` says."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_settings_of_webhooks_reach_the_api_and_who_tells(deployed: Any) -> None:
    """As compose is given them, and not at all where it is not: an empty secret is none that could sign."""
    services = deployed["services"]
    told = {name for name, service in services.items() if service.get("environment", {}).keys() >= TELLING}
    assert told == {"api", "interactive"}
    assert {services[name]["environment"][each] for name in told for each in TELLING} == {None}
    assert all(each["environment"]["STEPBIAS_SECRETS_DIR"] for each in (services["api"], services["interactive"]))


def test_nobody_but_the_api_is_on_a_network_with_a_way_out(deployed: Any) -> None:
    """Until an override says so, by a network that is there."""
    inner = {name for name, network in deployed["networks"].items() if network and network.get("internal")}
    outside = {name for name, each in deployed["services"].items() if set(each.get("networks", ())) - inner}
    assert (outside, inner) == ({"api"}, {"store"})
    assert "egress" in deployed["networks"]
