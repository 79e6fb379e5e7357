"""What runs the service on this machine; needs the extra `service`."""

from stepbias.launcher.application import make_importable

# Before any module of this package imports `core`, `jobs`, `worker` or `api`.
make_importable()
