"""Who of the deployment is let out, and who may tell ends."""

from typing import Any

TELLING = {"STEPBIAS_WEBHOOK_HOSTS", "STEPBIAS_WEBHOOK_SECRET"}


def test_settings_of_webhooks_reach_the_api_and_who_tells(deployed: Any) -> None:
    """As compose is given them, and not at all where it is not: an empty secret is none that could sign."""
    services = deployed["services"]
    told = {name for name, service in services.items() if service.get("environment", {}).keys() >= TELLING}
    assert told == {"api", "interactive"}
    assert {services[name]["environment"][each] for name in told for each in TELLING} == {None}
    assert all(each["environment"]["STEPBIAS_SECRETS_DIR"] for each in (services["api"], services["interactive"]))


def test_nobody_but_who_is_shown_is_on_a_network_with_a_way_out(deployed: Any) -> None:
    """Until an override says so, by a network that is there; the dashboard has one of its own."""
    inner = {name for name, network in deployed["networks"].items() if network and network.get("internal")}
    outside = {name for name, each in deployed["services"].items() if set(each.get("networks", ())) - inner}
    assert (outside, inner) == ({"api", "grafana"}, {"store", "monitoring"})
    assert "egress" in deployed["networks"]
    assert {name for name, each in deployed["services"].items() if "dashboard" in each.get("networks", ())} == {
        "grafana"
    }


def test_who_watches_does_not_reach_the_store(deployed: Any) -> None:
    """Prometheus asks the API, with a key that reads numbers; it has no other secret."""
    for name in ("prometheus", "grafana"):
        service = deployed["services"][name]
        assert "store" not in service["networks"]
        assert not any("credentials" in volume for volume in service["volumes"])
