"""The server: tools over the Model Context Protocol, by standard input and output or by HTTP.

The protocol, in the versions of 2025 and of 2026-07-28, is that of the SDK. The handshake is
answered before the crystal is opened: the SDK and the ledger are all that it needs. When the tools
have been listed, the crystal and its models are opened in the background.

Knows: the SDK. Does not know: what tools do.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli import __version__
from crystalcli.errors import CrystalError
from crystalcli.mcp_server.crystal_thread import CrystalThread
from crystalcli.mcp_server.instructions import server_instructions
from crystalcli.mcp_server.listener import listen_on
from crystalcli.mcp_server.toolbox import Toolbox

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from starlette.applications import Starlette

HOST = "127.0.0.1"
HTTP_PATH = "/mcp"


def serve_stdio(path: Path, *, write: bool = False) -> None:
    """Serve one client by standard input and output, until it closes them.

    Args:
        path: The crystal.
        write: Whether tools may change it.

    Raises:
        CrystalError: The SDK is not installed.
    """
    server = _make_server(path, write=write)
    import anyio
    from mcp.server.stdio import stdio_server

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    try:
        anyio.run(serve)
    except* (BrokenPipeError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # the client has gone without a word


def serve_http(path: Path, port: int, *, on_ready: Callable[[str], None], write: bool = False) -> None:
    """Serve clients of this machine by streamable HTTP, until Ctrl-C.

    Requests with a foreign Host or Origin are refused, so that no web page can ask.

    Args:
        path: The crystal.
        port: The port; 0: a free one.
        on_ready: Called with the address when it can be reached.
        write: Whether tools may change the crystal.

    Raises:
        CrystalError: The SDK is not installed, or the port is taken.
    """
    server = _make_server(path, write=write)
    import uvicorn

    listener = listen_on(HOST, port, "--http PORT")
    address = f"http://{HOST}:{listener.getsockname()[1]}{HTTP_PATH}"
    app = server.streamable_http_app(streamable_http_path=HTTP_PATH, host=HOST)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    on_ready(address)
    uvicorn.Server(config).run(sockets=[listener])


def make_http_app(path: Path, host: str) -> Starlette:
    """Make the application that speaks the protocol at `/mcp`, for a server that has other pages.

    Its lifespan has to be entered.

    Args:
        path: The crystal, which is only read.
        host: The address that the server listens on; with one of this machine alone the SDK looks
            at Host and Origin too.

    Raises:
        CrystalError: The SDK is not installed.
    """
    server = _make_server(path, write=False)
    app: Starlette = server.streamable_http_app(streamable_http_path=HTTP_PATH, host=host)
    return app


def _make_server(path: Path, *, write: bool) -> Server[CrystalThread]:
    """Make the protocol's server of a crystal."""
    server_class, types = _load_sdk()
    toolbox = Toolbox(write=write)
    listed = types.ListToolsResult(
        tools=[
            types.Tool(
                name=tool.name,
                description=tool.description,
                input_schema=tool.input_schema,
                annotations=types.ToolAnnotations(
                    read_only_hint=not tool.writes,
                    destructive_hint=False if tool.writes else None,
                    open_world_hint=False,
                ),
            )
            for tool in toolbox.tools.values()
        ]
    )

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[CrystalThread]:
        thread = CrystalThread(path, write=write)
        try:
            yield thread
        finally:
            thread.close()

    async def list_tools(context: Any, _: Any) -> Any:
        context.lifespan_context.warm_up()
        server.instructions = server_instructions(path)  # for the next client, of what it holds now
        return listed

    async def call_tool(context: Any, call: Any) -> Any:
        try:
            toolbox.find(call.name).check(call.arguments)  # before the crystal is waited for
            text = await context.lifespan_context.run(lambda crystal: toolbox.call(crystal, call.name, call.arguments))
        except CrystalError as error:
            return _result(types, str(error), is_error=True)
        except Exception as error:
            logging.getLogger(__name__).exception("call of %s", call.name)
            return _result(types, f"unexpected {type(error).__name__}: {error}", is_error=True)
        return _result(types, text)

    server: Server[CrystalThread] = server_class(
        "crystal",
        version=__version__,
        instructions=server_instructions(path),
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    return server


def _result(types: Any, text: str, *, is_error: bool = False) -> Any:
    """Make the result of a call: text alone, without lone surrogates, which JSON cannot carry."""
    clean = text.encode("utf-8", "replace").decode()
    return types.CallToolResult(content=[types.TextContent(type="text", text=clean)], is_error=is_error)


def _load_sdk() -> tuple[Any, Any]:
    """Import the SDK, in three quarters of the usual time.

    It makes some hundred models of pydantic, for which the garbage collector is called again and
    again, and looks for pydantic's plugins in every package that is installed.

    Raises:
        CrystalError: It is not installed.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import mcp_types
        from mcp.server.lowlevel import Server
    except ModuleNotFoundError as error:
        raise CrystalError(f"{error.name} is not installed: pip install 'crystalcli[serve]'") from None
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()
    return Server, mcp_types
