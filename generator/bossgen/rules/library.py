"""What is known of the standard library, and of a few others: what its functions give, which do not come back."""

import ast
import math
import re
from typing import Final

COLLECTIONS: Final = frozenset(
    {
        *(f"builtins.{name}" for name in ("set", "frozenset", "list", "tuple", "dict")),
        *(
            f"{module}.{name}"
            for module in ("typing", "collections.abc")
            for name in (
                *("Iterable", "Iterator", "Collection", "Sequence", "MutableSequence"),
                *("AbstractSet", "Set", "MutableSet", "Mapping", "MutableMapping"),
                *("KeysView", "ValuesView"),
            )
        ),
        *(f"collections.{name}" for name in ("deque", "OrderedDict", "defaultdict")),
        *("typing.Deque", "typing.DefaultDict"),
    }
)
MAPPINGS: Final = frozenset(
    {
        *("builtins.dict", "collections.defaultdict", "collections.OrderedDict"),
        *("collections.abc.Mapping", "collections.abc.MutableMapping"),
        *("typing.Mapping", "typing.MutableMapping", "typing.DefaultDict"),
    }
)

# What some functions give, whatever they are given; of a class itself.
CALLS: Final = {
    **{
        f"builtins.{name}": f"builtins.{kind}"
        for names, kind in (
            (("len", "int", "hash", "id", "ord"), "int"),
            (("float",), "float"),
            (("bool", "isinstance", "callable", "all", "any", "hasattr"), "bool"),
            (("str", "repr", "chr", "ascii", "hex", "oct", "bin", "format"), "str"),
            (("bytes",), "bytes"),
            (("bytearray",), "bytearray"),
            (("memoryview",), "memoryview"),
            (("complex",), "complex"),
            (("list", "sorted"), "list"),
            (("tuple",), "tuple"),
            (("dict",), "dict"),
            (("set",), "set"),
            (("frozenset",), "frozenset"),
            (("print",), "None"),
        )
        for name in names
    },
    "json.dumps": "builtins.str",
    "json.loads": "typing.Any",
    "dataclasses.asdict": "builtins.dict",
    **{
        f"time.{name}": "builtins.float"
        for name in ("time", "monotonic", "perf_counter")
    },
    "random.random": "builtins.float",
    "random.randint": "builtins.int",
    **{
        f"datetime.datetime{method}": "datetime.datetime"
        for method in ("", ".now", ".utcnow", ".fromtimestamp", ".fromisoformat")
    },
    "datetime.date": "datetime.date",
    "datetime.date.today": "datetime.date",
    "datetime.timedelta": "datetime.timedelta",
    "decimal.Decimal": "decimal.Decimal",
    **{f"uuid.{name}": "uuid.UUID" for name in ("UUID", "uuid1", "uuid4")},
    **{
        f"boss.{name}": f"boss.{name}"
        for name in ("Group", "Ok", "Noreply", "Stop", "Normal", "Error", "Remote")
    },
    "requests.Session": "requests.Session",
    "requests.session": "requests.Session",
    "httpx.Client": "httpx.Client",
    "sqlite3.connect": "sqlite3.Connection",
}
# Those whose `__enter__` gives the thing itself.
CONTEXTS: Final = frozenset({"requests.Session", "httpx.Client", "sqlite3.Connection"})

# Methods that put something into a collection.
ADDS: Final = frozenset(
    {"add", "append", "appendleft", "extend", "insert", "setdefault", "update"}
)

# What the methods of texts and bytes give.
TEXTS: Final = frozenset(
    {
        *("join", "format", "strip", "lstrip", "rstrip", "upper", "lower", "title"),
        *("capitalize", "casefold", "replace", "removeprefix", "removesuffix"),
        *("center", "ljust", "rjust", "zfill", "expandtabs", "translate", "swapcase"),
    }
)
METHODS: Final = {
    **{name: "list" for name in ("split", "rsplit", "splitlines")},
    **{name: "tuple" for name in ("partition", "rpartition")},
    **{name: "int" for name in ("count", "find", "rfind", "index", "rindex")},
    **{
        name: "bool"
        for name in (
            *("startswith", "endswith", "isdigit", "isalpha", "isalnum", "isspace"),
            *("isupper", "islower", "istitle", "isnumeric", "isdecimal", "isascii"),
        )
    },
    "encode": "bytes",
    "decode": "str",
    "hex": "str",
}
# What these methods give may be anything, as what they are called on may be.
ANYTHING: Final = frozenset({*TEXTS, *METHODS, "get", "pop", "group", "setdefault"})


def lengths(node: ast.expr) -> tuple[float, float]:
    """How many parts a text is taken apart into at least, and at most."""
    match node:
        case ast.Call(
            func=ast.Attribute(attr="split" | "rsplit"), args=[separator, *rest]
        ) if not isinstance(separator, ast.Constant) or separator.value is not None:
            rest += [one.value for one in node.keywords if one.arg == "maxsplit"]
            match rest:
                case [ast.Constant(value=int() as most)]:
                    return 1, most + 1
            return 1, math.inf
    return 0, math.inf


# These give as many as they are given, of the same kind.
SAME: Final = frozenset(
    f"builtins.{name}"
    for name in ("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter")
)
# What these give is of the type of their first argument.
COPIES: Final = frozenset({"dataclasses.replace", "copy.copy", "copy.deepcopy"})

# Functions that do not come back.
NEVER: Final = frozenset(
    {
        *("sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"),
        *("typing.assert_never",),
    }
)
# Functions of other modules whose names say that they may not come back.
MAY_NOT_RETURN: Final = re.compile(
    r"_*(?:(?:fail|abort|die|panic|bail|exit|quit|throw|raise|unreachable|never|assert_never)(?:_.*)?|.*_or_(?:fail|raise|die|exit))"
)
ENDLESS: Final = frozenset({"itertools.count", "itertools.cycle"})
