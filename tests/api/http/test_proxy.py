"""Behind a proxy: every link leads where it says, under whatever prefix the service is shown."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from api.app import create_app
from jobs.settings import Settings
from tests.api.service import EXPERIMENTS, assert_problem, spec
from tests.reference.memory_store import MemoryDoorbell, MemoryStore

DATA = {"X": [[1.0, 2.0, 0.5], [0.5, 1.0, 2.0]], "y": [1.0, 0.5]}
PROXY = "10.0.0.7"


def client(sender: str = PROXY, **settings: Any) -> TestClient:
    """A client of a service, as seen from an address."""
    known = Settings(**settings)
    app = create_app(known, MemoryStore(known), MemoryDoorbell(), drawing_timeout=0.0)
    return TestClient(app, client=(sender, 4000))


def links_of(node: Any) -> Iterator[str]:
    """Every address in a document."""
    if isinstance(node, dict):
        for member in node.values():
            yield from links_of(member)
    elif isinstance(node, list):
        for item in node:
            yield from links_of(item)
    elif isinstance(node, str) and "/v1/" in node:
        yield node


def assert_all_under(prefix: str, one: TestClient, *, keeps_prefix: bool, **headers: str) -> None:
    """Every link that the service gives begins with the prefix, and leads somewhere."""
    ask = {name.replace("_", "-"): value for name, value in headers.items()}

    def get(path: str) -> Any:
        assert path.startswith(prefix)
        return one.get(path if keeps_prefix else path.removeprefix(prefix), headers=ask)

    at = prefix if keeps_prefix else ""
    posted = one.post(f"{at}{EXPERIMENTS}", json=spec(), headers=ask)
    one.post(f"{at}{EXPERIMENTS}", json=spec(name="second"), headers=ask)
    uploaded = one.post(f"{at}/v1/datasets", json=DATA, headers=ask)
    pages = [get(f"{prefix}{path}") for path in (f"{EXPERIMENTS}?limit=1", "/v1/datasets", "/v1/presets")]
    place = posted.headers["location"]
    found = [place, uploaded.headers["location"], pages[0].links["next"]["url"]]
    for response in (posted, uploaded, *pages, get(f"{place}/figures"), get(f"{place}/runs")):
        assert response.is_success
        found += [link for link in links_of(response.json()) if "{" not in link]
    assert len(found) > 40
    unseen = {"cancel", "retry", "events"}
    for link in {each for each in found if each.rpartition("/")[2] not in unseen}:
        assert link.startswith(f"{prefix}/v1/")
        assert get(link).status_code in {200, 409, 503}, link


@pytest.mark.parametrize("prefix", ["", "/stepbias", "/lab/step-bias_2"])
@pytest.mark.parametrize("keeps_prefix", [True, False])
def test_every_link_holds_under_the_prefix_that_is_set(prefix: str, keeps_prefix: bool) -> None:  # noqa: FBT001
    """Whether or not the proxy passes it on."""
    assert_all_under(prefix, client(root_path=prefix), keeps_prefix=keeps_prefix)


@pytest.mark.parametrize("keeps_prefix", [True, False])
def test_every_link_holds_under_the_prefix_that_a_proxy_says(keeps_prefix: bool) -> None:  # noqa: FBT001
    """In place of the one that is set."""
    one = client(trusted_proxies="192.168.0.1, 10.0.0.0/8", root_path="/other")
    assert_all_under("/stepbias", one, keeps_prefix=keeps_prefix, X_Forwarded_Prefix="/stepbias/")


@pytest.mark.parametrize("sender", ["10.1.0.1", "127.0.0.1", "testclient"])
def test_nobody_else_is_believed(sender: str) -> None:
    """Neither prefix nor name."""
    one = client(sender, trusted_proxies="10.0.0.0/16")
    said = {"X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil.example"}
    response = one.post(EXPERIMENTS, json=spec(), headers=said)
    assert response.headers["location"].startswith("/v1/")
    assert response.status_code == 202
    assert client("127.0.0.1").get("/healthz", headers=said | {"Host": "evil.example"}).status_code == 421


def test_a_page_under_the_name_of_the_proxy_is_the_services_own() -> None:
    """The name that the sender sees is the one that counts, and is to be listed as any other."""
    said = {"X-Forwarded-Host": "lab.example", "X-Forwarded-Proto": "https", "Origin": "https://lab.example"}
    one = client(trusted_proxies=PROXY, allowed_hosts="lab.example")
    assert one.post(EXPERIMENTS, json=spec(), headers=said).status_code == 202
    assert_problem(one.post(EXPERIMENTS, json=spec(), headers=said | {"Origin": "https://evil.example"}), 403)
    assert_problem(client(trusted_proxies=PROXY).get("/healthz", headers=said), 421)


@pytest.mark.parametrize("prefix", ["javascript:alert(1)", "//evil.example", "/a b", '/a"><b', "a"])
def test_what_is_no_prefix_is_none(prefix: str) -> None:
    """No link leads elsewhere."""
    one = client(trusted_proxies=PROXY)
    response = one.post(EXPERIMENTS, json=spec(), headers={"X-Forwarded-Prefix": prefix})
    assert response.headers["location"].startswith("/v1/")


def test_the_nearest_proxy_is_believed() -> None:
    """What stands before what it says came from whoever asked it."""
    one = client(trusted_proxies=PROXY)
    response = one.post(EXPERIMENTS, json=spec(), headers={"X-Forwarded-Prefix": "/evil, /stepbias"})
    assert response.headers["location"].startswith("/stepbias/v1/")


def test_the_prefix_alone_leads_to_the_page() -> None:
    """As people type it; the links of the page are relative to its folder."""
    said = client(trusted_proxies=PROXY).get("/lab", headers={"X-Forwarded-Prefix": "/lab"}, follow_redirects=False)
    assert (said.status_code, said.headers["location"]) == (308, "/lab/")
    assert client(root_path="/stepbias").get("/stepbias").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("wrong", [{"root_path": "stepbias"}, {"root_path": "/a/"}, {"trusted_proxies": "proxy"}])
def test_a_setting_that_names_no_prefix_or_network_is_refused(wrong: dict[str, str]) -> None:
    """At the start."""
    with pytest.raises(ValidationError):
        Settings(**wrong)  # type: ignore[arg-type]  # of the setting


def test_the_openapi_document_says_where_the_service_is() -> None:
    """Generated clients ask there."""
    assert client(root_path="/stepbias").get("/openapi.json").json()["servers"] == [{"url": "/stepbias"}]
