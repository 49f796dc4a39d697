"""Where a value comes from: whether it may be anything, or has perhaps no more values than are asked for.

What a client sends may be anything, and so may what is made of it by texts, dicts and JSON. What a function of the
project or of another package gives, what a table holds, and what is calculated has the values that somebody has thought
of, and who asks for them may know that there are no others.
"""

import ast
from typing import Final

from ..model import Class, Scope
from ..names import binding_scope
from .bindings import assignments
from .library import ANYTHING, SAME
from .rule import View

# Of what they are given these make something that may be as much.
_MADE_OF: Final = SAME | {
    f"builtins.{name}"
    for name in ("int", "float", "str", "bytes", "len", "dict", "next", "enumerate")
}

# Functions that give whatever a message says, of `json` and of those that take its place.
_DATA: Final = (".loads", ".unpackb")


def is_one_of_few(view: View, node: ast.expr, scope: Scope) -> bool:
    """Whether a value may be one of few, as far as is seen where it comes from."""
    match node:
        case ast.Name(id=name):
            return _is_few(view, name, scope)
        case ast.Await(value=inner) | ast.Starred(value=inner):
            return is_one_of_few(view, inner, scope)
        case ast.Attribute(value=inner) | ast.Subscript(value=inner):
            return is_one_of_few(view, inner, scope)
        case ast.NamedExpr(value=inner):
            return is_one_of_few(view, inner, scope)
        case ast.BoolOp(values=parts):
            return all(is_one_of_few(view, part, scope) for part in parts)
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
            return is_one_of_few(view, one, scope) and is_one_of_few(view, other, scope)
        case ast.Call():
            return _gives_few(view, node, scope)
    return True


def _gives_few(view: View, call: ast.Call, scope: Scope) -> bool:
    target = view.target(call, scope)
    if target is None and isinstance(call.func, ast.Attribute):
        return call.func.attr not in ANYTHING or is_one_of_few(
            view, call.func.value, scope
        )
    if target in _MADE_OF:
        return all(is_one_of_few(view, one, scope) for one in call.args)
    return not (isinstance(target, Class) or str(target).endswith(_DATA))


def sides_of_few(view: View, test: ast.expr, scope: Scope) -> list[str]:
    """Of what a condition asks one side, where another side may be there only if this one is not.

    `found[1]` of what a function gave, `error` of `value, error = parse(...)`, `is_open(state)` beside `is_closed`.
    """
    found: list[str] = []
    call = test.value if isinstance(test, ast.Await) else test
    if (
        isinstance(call, ast.Call)
        and not str(view.target(call, scope)).startswith("builtins.")
        and _gives_few(view, call, scope)
    ):
        found.append("()")
    for node in ast.walk(test):
        match node:
            case ast.Name(id=name):
                home = binding_scope(name, scope)
                for one in assignments(view, home).get(name, ()) if home else ():
                    match one:
                        case ast.Assign(targets=[ast.Tuple() as target]):
                            if _is_few(view, name, scope):
                                found.append(ast.unparse(target))
            case (
                ast.Attribute(value=ast.Name(id=name))
                | ast.Subscript(value=ast.Name(id=name))
            ):
                if binding_scope(name, scope) and _is_few(view, name, scope):
                    found.append(f"{name}.")
    return found


def _is_few(view: View, name: str, scope: Scope) -> bool:
    home = binding_scope(name, scope)
    if home is None:
        return True  # of the module, or of another one
    if any(isinstance(bound, ast.arg) for bound in home.bindings[name]):
        return False
    known = view.memo.setdefault("few", {})
    key = (home.node, name)
    if key not in known:
        known[key] = True  # for a variable that is made of itself
        made = [
            value
            for one in assignments(view, home).get(name, ())
            for value in _values(one)
        ]
        known[key] = bool(made) and all(
            is_one_of_few(view, value, home) for value in made
        )
    few: bool = known[key]
    return few


def _values(node: ast.AST) -> list[ast.expr]:
    """What a statement gives to the variables that it binds, or what it takes that from."""
    match node:
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return [item.context_expr for item in items]
        case ast.For(iter=value) | ast.AsyncFor(iter=value):
            return [value]
        case ast.comprehension(iter=value):
            return [value]
        case ast.Assign(value=value) | ast.NamedExpr(value=value):
            return [value]
        case ast.AnnAssign(value=ast.expr() as value):
            return [value]
    return []
