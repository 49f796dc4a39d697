# Copied by bossgen. Do not edit: "bossgen build" writes this file anew; change the handlers instead.
"""The runtime of a bossgen project: services, their clients, and the way between them.

In the order in which it is best read, since no module knows one that comes after it:

    results, reasons, errors           what callbacks return, why connections end, what senders are told
    websocket, handler                 the address of a client, and the callbacks of a service
    address, settings                  the name of a service, and everything that was compiled
    mailbox, clock, counters, calling  what waits for a service, and how what users wrote is called
    frames, outbound, batch, turn      what is sent: as bytes, while it waits, to many, in one turn of the event loop
    intake, client, group              one client: what it sends, all else; and many
    loop, worker                       one service: message by message, life by life
    restarts, supervisor               all services
    stock, plain_client                a client on plain ASGI: the plain path
    fast_client, handshake, upgrade    a client on uvicorn's protocol class, the fast path; who may connect
    opening, reading, protocol         that class: its handshake, what it reads, how it ends
    gateway, routing                   from a handshake to a service
    configuration, metrics, node       the whole of it in one server process
"""
