"""The key that a client sends: to its service, and to nobody else."""

import pickle
from http import HTTPStatus

import httpx2
import pytest

from stepbias import AuthenticationError, Client, NotAllowed, ProblemError
from tests.stepbias.client.stub import ADDRESS, ok, problem


def _client(requests: list[httpx2.Request], answer: httpx2.Response, **options: str | None) -> Client:
    def answered(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return answer

    return Client(ADDRESS, patience=0.0, transport=httpx2.MockTransport(answered), **options)  # type: ignore[arg-type]  # a key


@pytest.mark.parametrize(
    ("given", "environment", "sent"),
    [
        ("sb_a", None, "Bearer sb_a"),
        (None, "sb_b\n", "Bearer sb_b"),
        ("sb_a", "sb_b", "Bearer sb_a"),
        (None, None, None),
        ("", "sb_b", None),
    ],
)
def test_the_key_is_that_of_the_argument_or_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, given: str | None, environment: str | None, sent: str | None
) -> None:
    """An empty one is none, whatever the environment has."""
    if environment is None:
        monkeypatch.delenv("STEPBIAS_API_KEY", raising=False)
    else:
        monkeypatch.setenv("STEPBIAS_API_KEY", environment)
    requests: list[httpx2.Request] = []
    _client(requests, ok({}), api_key=given).version()
    assert requests[0].headers.get("authorization") == sent


@pytest.mark.parametrize("elsewhere", ["http://other.test/v1/version", f"{ADDRESS}:81/x", "https://stepbias.test/x"])
def test_an_address_of_another_service_gets_no_key(elsewhere: str) -> None:
    """Though an answer may lead there."""
    requests: list[httpx2.Request] = []
    _client(requests, ok({}), api_key="sb_a")._connection.get(elsewhere)
    assert "authorization" not in requests[0].headers


@pytest.mark.parametrize(
    ("status", "kind"), [(HTTPStatus.UNAUTHORIZED, AuthenticationError), (HTTPStatus.FORBIDDEN, NotAllowed)]
)
def test_refusals_have_types_and_do_not_tell_the_key(status: int, kind: type[ProblemError]) -> None:
    """They are problems as others are, also in another process."""
    with pytest.raises(kind) as caught:
        _client([], problem(status, "No", type="urn:stepbias:problem:x"), api_key="sb_secret").version()
    revived = pickle.loads(pickle.dumps(caught.value))
    assert (type(revived), revived.status, str(revived)) == (kind, status, str(caught.value))
    assert "sb_secret" not in f"{caught.value!r} {caught.value} {caught.value.__dict__}"
