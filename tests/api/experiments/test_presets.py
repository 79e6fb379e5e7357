"""Presets, listed and ready to post."""

from tests.api.service import Service, assert_problem, service


def test_every_size_of_every_preset_can_be_posted_as_it_is() -> None:
    """And has as many runs as the list says."""
    one = service()
    with one.client:
        presets = one.get("/v1/presets").json()["presets"]
        assert presets
        for preset in presets:
            for size in preset["sizes"].values():
                response = one.post(one.get(size["spec"]).json())
                assert response.status_code == 202, response.text
                assert response.json()["counts"]["runs"]["total"] == size["runs"]


def test_a_preset_comes_in_its_smallest_size_unless_another_is_asked_for(api: Service) -> None:
    """So that nobody starts a day's work by accident."""
    assert api.get("/v1/presets/figure-1").json() == api.get("/v1/presets/figure-1?size=demo").json()


def test_a_preset_or_size_that_is_not_there_is_a_problem(api: Service) -> None:
    """404 for the name, 422 for the query."""
    assert "figure-1" in assert_problem(api.get("/v1/presets/figure-9"), 404)["detail"]
    document = assert_problem(api.get("/v1/presets/figure-1?size=enormous"), 422)
    assert [error["parameter"] for error in document["errors"]] == ["size"]
