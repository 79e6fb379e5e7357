"""The broker, where it is another server than the store: whether workers can be rung for."""

from collections.abc import Iterator

from jobs.celery_doorbell import CeleryDoorbell, make_celery_app
from jobs.settings import Settings
from stepbias.launcher.checks.store_door import events_refused
from stepbias.launcher.diagnosis.finding import Finding, fine, wrong
from stepbias.launcher.diagnosis.store_address import without_password


def broker(settings: Settings) -> Iterator[Finding]:
    """What is to be said of the server at `STEPBIAS_BROKER_URL`; nothing where the store is the broker."""
    if settings.broker_url is None:
        if settings.store_url and (refusal := events_refused(settings)) is not None:
            yield wrong("broker", "work cannot be told as Celery's events", f"{refusal}.")
        return
    where = f"STEPBIAS_BROKER_URL ({without_password(settings.broker_url.get_secret_value())})"
    reason = CeleryDoorbell(make_celery_app(settings)).trouble()
    if reason is None:
        yield fine("broker", f"{where} answers")
        return
    remedy = f"{reason}. Nothing is lost: workers look for work once a second. Start it, or correct the address."
    yield wrong("broker", f"{where} does not answer", remedy)
