"""Settings of a deployment, read from the environment (`STEPBIAS_…`) or from files of secrets."""

import os
from typing import Any, Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS_DIR: Final = "STEPBIAS_SECRETS_DIR"
"""The environment variable that names a directory of secrets."""


class Settings(BaseSettings):
    """What a deployment may set; every field is the environment variable of its upper-case name after `STEPBIAS_`.

    A variable that is not set may be a file of the same name, in lower case, in the directory `STEPBIAS_SECRETS_DIR`:
    what is in the environment can be read by everybody who may inspect a container, or its processes.
    """

    model_config = SettingsConfigDict(env_prefix="STEPBIAS_", frozen=True)

    redis_url: SecretStr | None = Field(
        default=None, description="Where Redis or Valkey is. Unset: an embedded server."
    )
    lease_seconds: float = Field(default=10.0, gt=0, description="How long a silent worker keeps its job.")
    heartbeat_seconds: float = Field(
        default=2.0, gt=0, description="How often a worker reports; cancels are seen then."
    )
    checkpoint_seconds: float = Field(
        default=5.0, gt=0, description="Shortest time between two checkpoints of a batch."
    )
    kernel: str = Field(
        default="auto", description="Which kernel trains: the best there is, or one that `stepbias doctor` lists."
    )
    max_attempts: int = Field(default=3, ge=1, description="Attempts at a job before it is dead.")
    janitor_seconds: float = Field(default=1.0, gt=0, description="How often lost work is looked for.")
    store_patience_seconds: float = Field(default=60.0, ge=0, description="How long a worker waits for a silent store.")
    retention_days: float | None = Field(
        default=None, gt=0, description="A finished experiment is deleted after so many days. Unset: never."
    )
    stall_seconds: float = Field(
        default=180.0,
        gt=0,
        description="A job without a sign of life for so long is ended; planning has ten times as long.",
    )
    max_runs: int = Field(default=200_000, ge=1, description="Most runs of one experiment.")
    max_data_entries: int = Field(
        default=1_000_000, ge=1, description="Most entries samples × dimension of a data set."
    )
    max_body_bytes: int = Field(default=10_000_000, ge=1, description="Largest request body.")

    def __init__(self, **values: Any) -> None:
        super().__init__(_secrets_dir=os.environ.get(SECRETS_DIR), **values)
