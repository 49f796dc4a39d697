"""The `websockets` library as a server of its own, with `websockets.broadcast`."""

import sys
from contextlib import suppress

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

members: set[ServerConnection] = set()


async def serve_one(connection: ServerConnection) -> None:
    """Serve one client of /echo or of /room until it leaves."""
    request = connection.request
    with suppress(ConnectionClosed):
        if request is not None and request.path == "/echo":
            async for message in connection:
                await connection.send(message)
            return
        members.add(connection)
        try:
            async for message in connection:
                broadcast(members, message)
        finally:
            members.discard(connection)


async def main(port: int) -> None:
    async with serve(serve_one, "127.0.0.1", port, compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
