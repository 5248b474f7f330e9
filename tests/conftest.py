"""What holds for all tests: a property may take as long as a busy machine makes it take."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tieout", deadline=None)
settings.load_profile("tieout")
