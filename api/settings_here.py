"""The settings, as routes and what they read may ask for them."""

from typing import Annotated, cast

from fastapi import Depends, Request

from jobs.settings import Settings


async def _settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


SettingsHere = Annotated[Settings, Depends(_settings)]
