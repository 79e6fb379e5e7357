"""What a user would otherwise write, with other libraries; runs in an environment of its own, without stepbias.

Every baseline takes the same steps as `core.descent` and keeps nothing else: no certificate, no records, no checks.
"""
