"""The reason why the service could not be started, as one sentence for the person who started it."""


class StartupError(Exception):
    """The service cannot be started; the message says why and, where there is one, the way out."""


class StateDirectoryInUseError(StartupError):
    """Another live instance keeps its data in the state directory."""


class PortInUseError(StartupError):
    """Something else listens at the address that was asked for."""
