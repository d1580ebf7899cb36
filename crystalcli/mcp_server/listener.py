"""Socket that a server listens on.

Knows: sockets. Does not know: what is served.
"""

from __future__ import annotations

import socket

from crystalcli.errors import CrystalError


def listen_on(host: str, port: int, option: str) -> socket.socket:
    """Open a socket for clients, which wait from now on until the server is up.

    Args:
        host: The address or name of this machine to listen on.
        port: The port; 0: a free one.
        option: The option that takes another port, for the message.

    Raises:
        CrystalError: The port is taken or not allowed, or the host is not this machine.
    """
    listener: socket.socket | None = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except (OSError, OverflowError, UnicodeError) as error:
        if listener is not None:
            listener.close()
        reason = getattr(error, "strerror", None) or error
        raise CrystalError(f"cannot listen on {host}:{port}: {reason}; {option} takes another one") from None
    return listener
