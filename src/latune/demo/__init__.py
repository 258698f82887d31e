"""The demonstrations: what `make demo` and `latune demo --music` run."""

from latune.demo.digits import run_demo
from latune.demo.melodies import run_music_demo

__all__ = ["run_demo", "run_music_demo"]
