"""`studio`: a trained model in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from latune.cli.shell import app, say


@app.command
def studio(
    run: Path | None = None,
    *,
    port: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=65535))] = None,
    browser: bool = True,
) -> None:
    """Open a run in the browser: turn its sliders, see and hear, bring your own, teach it, walk, look at its space.

    Everything stays on this machine: the studio listens on 127.0.0.1 only, and its pages fetch nothing from elsewhere.

    Example: `latune studio runs/digits`.

    Parameters
    ----------
    run
        A run folder; the demo model unless given, which is trained first, in a minute or two, if it is not there.
    port
        Where it listens; 8765, or the next that is free, unless given; 0 for any that is free.
    browser
        Whether to open a browser.
    """
    from latune.studio import serve

    serve(run, port, browser, say)
