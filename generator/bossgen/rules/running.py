"""Rules about how callbacks run: on the event loop, where nothing may wait but with `await`."""

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from ..model import Function, Module, Scope
from .inference import of
from .rule import Finding, View, rule
from .types import is_one

_HTTPX: Final = "an `httpx.AsyncClient`"
_PROCESS: Final = "`await asyncio.create_subprocess_exec(...)`"
_SHELL: Final = "`await asyncio.create_subprocess_shell(...)`"
_STREAMS: Final = "`await asyncio.open_connection(...)`"

# What to use instead; "" stands for a thread.
_BLOCKING: Final[Mapping[str, str]] = {
    "time.sleep": "`await asyncio.sleep(...)`, or `self.send_after(...)` to be told later",
    **{
        f"{module}.{name}": _HTTPX
        for module in ("requests", "requests.api", "httpx")
        for name in (
            *("get", "post", "put", "patch", "delete", "head", "options", "request"),
            "stream",
        )
    },
    "urllib.request.urlopen": _HTTPX,
    "urllib.request.urlretrieve": _HTTPX,
    "urllib3.request": _HTTPX,
    "http.client.HTTPConnection": _HTTPX,
    "http.client.HTTPSConnection": _HTTPX,
    "xmlrpc.client.ServerProxy": "",
    **{
        f"subprocess.{name}": _PROCESS
        for name in ("run", "call", "check_call", "check_output", "Popen")
    },
    "subprocess.getoutput": _SHELL,
    "subprocess.getstatusoutput": _SHELL,
    "os.system": _SHELL,
    "os.popen": _SHELL,
    **{
        f"os.{name}": _PROCESS
        for name in ("wait", "waitpid", "spawnl", "spawnv", "spawnlp", "spawnvp")
    },
    "socket.socket": _STREAMS,
    "socket.create_connection": _STREAMS,
    **{
        f"socket.{name}": "`await asyncio.get_running_loop().getaddrinfo(...)`"
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
    },
    "socket.gethostbyaddr": "`await asyncio.get_running_loop().getnameinfo(...)`",
    "select.select": _STREAMS,
    "sqlite3.connect": "`aiosqlite.connect(...)`",
    "psycopg2.connect": "`await psycopg.AsyncConnection.connect(...)`",
    "psycopg.connect": "`await psycopg.AsyncConnection.connect(...)`",
    "pymysql.connect": "`await aiomysql.connect(...)`",
    "MySQLdb.connect": "`await aiomysql.connect(...)`",
    "mysql.connector.connect": "`await mysql.connector.aio.connect(...)`",
    "pymongo.MongoClient": "`pymongo.AsyncMongoClient`",
    "redis.Redis": "`redis.asyncio.Redis`",
    "redis.StrictRedis": "`redis.asyncio.Redis`",
    "redis.from_url": "`redis.asyncio.from_url(...)`",
    "boto3.client": "`aioboto3.Session().client(...)`",
    "boto3.resource": "`aioboto3.Session().resource(...)`",
    "smtplib.SMTP": "`aiosmtplib.SMTP`",
    "smtplib.SMTP_SSL": "`aiosmtplib.SMTP`",
    "ftplib.FTP": "",
    "imaplib.IMAP4": "",
    "imaplib.IMAP4_SSL": "",
    "poplib.POP3": "",
    "paramiko.SSHClient": "`await asyncssh.connect(...)`",
    **{
        f"shutil.{name}": ""
        for name in (
            *("copy", "copy2", "copyfile", "copytree", "rmtree", "move"),
            *("make_archive", "unpack_archive"),
        )
    },
    "builtins.input": "",
    "getpass.getpass": "",
    "concurrent.futures.wait": "`await asyncio.wait(...)`",
}
# Reading a file mostly takes no time, so this is said only of an `async def`, where there is something better.
_FILES: Final = frozenset({"builtins.open", "io.open", "os.fdopen"})
_PATHS: Final = frozenset({"pathlib.Path", "pathlib.PosixPath"})
_PATH_METHODS: Final = frozenset(
    {"read_text", "read_bytes", "write_text", "write_bytes", "open"}
)
# Objects of which some methods block, and what to use instead.
_VERBS: Final = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "request", "send"}
)
_QUERIES: Final = frozenset({"execute", "executemany", "executescript", "commit"})
_OBJECTS: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "requests.Session": (_VERBS, _HTTPX),
    "httpx.Client": (_VERBS, _HTTPX),
    "sqlite3.Connection": (_QUERIES, "`aiosqlite.connect(...)`"),
}
_METHODS: Final = _VERBS | _QUERIES
_MODULES: Final = frozenset(
    name.partition(".")[0] for name in {*_BLOCKING, *_FILES, *_PATHS}
)


@rule("BG501", severity="warning")
def blocking_call(view: View) -> Iterator[Finding]:
    """A call that waits stops all services.

    Callbacks run on the event loop, also those that are a plain `def`: while one of them waits for a file, a process
    or a server, no service gets a message and no client an answer. Use what can be awaited, or let a thread do it with
    `asyncio.to_thread`. Functions of the file that a callback calls are looked at as well. Opening a file is reported in
    an `async def` only.

    Example:

        def handle_incoming(self, service_url, websocket, message, state):
            time.sleep(1)
            ...

    Instead:

        async def handle_incoming(self, service_url, websocket, message, state):
            await asyncio.sleep(1)
            ...
    """
    if not _may_block(view.module):
        return
    for scope in _on_the_loop(view):
        for call in scope.calls:
            meaning = view.resolve(call.func, scope)
            is_async = isinstance(scope.node, ast.AsyncFunctionDef)
            if isinstance(meaning, str) and meaning in _BLOCKING:
                instead = _BLOCKING[meaning]
            elif (found := _method_that_blocks(view, call, scope)) is not None:
                instead = found
            elif is_async and (meaning in _FILES or _is_path(view, call, scope)):
                instead = ""
            else:
                continue
            called = view.text(call.func)
            yield Finding(
                view.at(call),
                f"`{called}` stops all services while it waits",
                f"use {instead or '`' + _in_thread(view, call) + '`'}",
            )


def _method_that_blocks(view: View, call: ast.Call, scope: Scope) -> str | None:
    """What to use in place of a method of a session or a connection; None for any other call."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _METHODS:
        return None
    types = of(view, function.value, scope)
    for kind, (methods, instead) in _OBJECTS.items():
        if is_one(types, kind) and function.attr in methods:
            return instead
    return None


def _may_block(module: Module) -> bool:
    """A quick look at what is imported: most handlers import nothing that blocks."""
    text = module.source.text
    return (
        "open(" in text
        or "input(" in text
        or any(
            isinstance(meaning, str) and meaning.partition(".")[0] in _MODULES
            for scope in module.scopes.values()
            for meanings in scope.bindings.values()
            for meaning in meanings
        )
    )


def _in_thread(view: View, call: ast.Call) -> str:
    parts = [
        view.text(call.func),
        *(view.text(one) for one in call.args),
        *(f"{one.arg}={view.text(one.value)}" for one in call.keywords if one.arg),
    ]
    text = f"await asyncio.to_thread({', '.join(parts)})"
    return text if len(text) <= 70 else f"await asyncio.to_thread({parts[0]}, ...)"


def _is_path(view: View, call: ast.Call, scope: Scope) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _PATH_METHODS
        and isinstance(function.value, ast.Call)
        and view.resolve(function.value.func, scope) in _PATHS
    )


def _on_the_loop(view: View) -> list[Scope]:
    """The functions that run on the event loop: callbacks, every `async def`, and what these call directly."""
    scopes = view.module.scopes
    waiting: list[ast.AST] = [
        node for node in scopes if isinstance(node, ast.AsyncFunctionDef)
    ]
    waiting += [
        method.definition
        for method in view.methods
        if isinstance(method.definition, Function | ast.Lambda)
    ]
    waiting += [
        meaning for meaning in view.member("__init__") if isinstance(meaning, Function)
    ]
    found: dict[ast.AST, Scope] = {}
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        scope = found[node] = scopes[node]
        for call in scope.calls:
            if isinstance(call.func, ast.Name | ast.Attribute):
                target = view.target(call, scope)
                if isinstance(target, Function) and target in scopes:
                    waiting.append(target)
    return list(found.values())
