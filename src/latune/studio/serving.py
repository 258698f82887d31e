"""The server: NiceGUI's app with our routes, bound to this machine alone."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.websockets import WebSocket

from latune.errors import LatuneError
from latune.studio.downloads import FORMS, content_of
from latune.studio.guards import Guards
from latune.studio.playing import listen
from latune.studio.stream import Stream
from latune.studio.studio import Studio, in_background, opened
from latune.studio.uploads import fit_of, read_upload

HOST, PORT = "127.0.0.1", 8765
TRIED = 20  # ports after the usual one, where it is taken and none was asked for
STATIC = Path(__file__).parent / "static"
UNKNOWN = 4404  # what a stream is closed with whose session is not known


def serve(
    run: Path | None, port: int | None, browser: bool, say: Callable[[str], None], default: Path = Path("demo")
) -> None:
    """Open a run in the browser and serve it until it is stopped.

    Args:
        run: a run folder; None for the demo model.
        port: None takes the first that is free.
        browser: whether to open one.
        say: prints a line.
        default: where the demo model is.

    Raises:
        LatuneError: without NiceGUI, for a port that is taken, or a folder that is no run.
    """
    try:
        from nicegui import app, ui
    except ImportError:
        raise LatuneError('The studio needs NiceGUI, which is not installed: pip install "latune[studio]".') from None
    free = free_port(port)
    studio = opened(run, default)
    listen()
    logging.getLogger("uvicorn.error").addFilter(is_worth_telling)
    routes(app, studio)
    app.add_middleware(Guards, port=free)
    from latune.studio.pages import page

    page.register(studio)
    kept: set[Any] = set()
    app.on_startup(lambda: in_background(studio.make(), kept))
    app.on_startup(lambda: in_background(announce(free, say), kept))
    app.on_shutdown(studio.close)
    ui.run(
        host=HOST, port=free, title="Latune studio", reload=False, show=browser, dark=None, tailwind=False,
        show_welcome_message=False, favicon=str(STATIC / "icon.svg"), ws_per_message_deflate=False,
        ws_max_size=2**20, reconnect_timeout=60.0, message_history_length=200, access_log=False,
    )  # fmt: skip


def is_worth_telling(record: logging.LogRecord) -> bool:
    """Whether something in the server's log is news: a browser that goes away while it is answered is none.

    Starlette's middleware raises then, https://github.com/Kludex/starlette/issues/2516.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and str(error) == "No response returned.")


async def announce(port: int, say: Callable[[str], None]) -> None:
    """Say where the studio is, once it answers there."""
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        say(f"studio: http://{HOST}:{port}  (Ctrl+C closes it)")
        return


def free_port(port: int | None) -> int:
    """The port that was asked for, or the first of ours that nobody uses.

    Raises:
        LatuneError: where it is taken.
    """
    for candidate in [port] if port is not None else range(PORT, PORT + TRIED):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, candidate))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
                continue
            return trial.getsockname()[1]
    asked = f"The port {port} is" if port is not None else f"The ports {PORT} to {PORT + TRIED - 1} are"
    raise LatuneError(f"{asked} taken, or not yours to take. Give another: --port {PORT + TRIED}.")


def routes(app: Any, studio: Studio) -> None:
    """Everything that is no page: the stream, what is brought and taken, the report."""
    app.add_static_files("/studio", STATIC, max_cache_age=0)

    @app.websocket("/stream/{token}")
    async def stream(socket: WebSocket, token: str) -> None:
        await socket.accept()
        session = studio.sessions.get(token)
        if session is None:
            await socket.close(UNKNOWN)
            return
        await Stream(socket, session, studio.work).run()

    @app.post("/bring/{token}")
    async def bring(request: Request, token: str) -> Response:
        session = studio.sessions.get(token)
        if session is None:
            return PlainTextResponse("This page is not known any more. Load it again.", 404)
        try:
            content = await request.body()
        except ClientDisconnect:
            return PlainTextResponse("It is too large.", 413)
        name, space = request.query_params.get("name", ""), session.space
        try:
            if not space.encodes:
                raise LatuneError("This model has no encoder: it cannot take in what you bring.")
            brought = await studio.work.in_turn(token, read_upload, name, content, space.medium)
            fit = await studio.work.soon(fit_of, space, brought.x)
            await studio.work.soon(session.bring, brought, fit)
        except LatuneError as error:
            return PlainTextResponse(str(error), 422)
        session.tell()
        return PlainTextResponse("")

    @app.get("/take/{token}/{form}")
    async def take(token: str, form: str) -> Response:
        session = studio.sessions.get(token)
        if session is None or form not in FORMS:
            return PlainTextResponse("There is nothing of that name.", 404)
        try:
            content = await studio.work.soon(content_of, session, form)
        except LatuneError as error:
            return PlainTextResponse(str(error), 422)
        headers = {"content-disposition": f'attachment; filename="latune{FORMS[form].ending}"'}
        return Response(content, media_type=FORMS[form].kind, headers=headers)

    @app.get("/report")
    async def report() -> Response:
        if not studio.report.is_file():
            return PlainTextResponse("This run was not measured yet.", 404)
        return FileResponse(studio.report, media_type="text/html")
