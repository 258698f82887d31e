"""Tests and doctests keep what they cache in a folder of their own."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("LATUNE_CACHE", tempfile.mkdtemp(prefix="latune-cache-"))
