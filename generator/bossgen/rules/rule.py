"""What a rule is: one function that looks for one mistake, and a docstring that explains it.

The docstring is what `bossgen explain` prints. Its first line, up to the full stop, is the entry in the list of rules.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from ..behaviour import BASE
from ..diagnostics import Diagnostic, Severity, Span
from ..model import (
    Behaviour,
    Callback,
    Class,
    Function,
    Handler,
    Meaning,
    Module,
    Scope,
)
from ..names import ANY_NAME, lookup, resolve


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule found its mistake; see Diagnostic for the fields."""

    span: Span
    message: str
    help: str = ""
    related: tuple[tuple[Span, str], ...] = ()


Looks: TypeAlias = Literal["elsewhere", "file", "module", "handler", "ignores"]
"""At what a rule looks. Those found `elsewhere` (boss.toml, the parser) have no function to be called."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of mistake."""

    code: str  # "BG305"
    name: str  # "callback-parameters", after the function
    severity: Severity
    looks: Looks
    find: Callable[..., Iterator[Finding] | None]
    text: str  # the docstring

    @property
    def title(self) -> str:
        """The first sentence of the text."""
        return self.text.partition("\n\n")[0].replace("\n", " ").rstrip(".")

    def diagnostic(self, finding: Finding) -> Diagnostic:
        """The finding, under the code of the rule."""
        return Diagnostic(
            self.code,
            self.name,
            self.severity,
            finding.message,
            finding.span,
            finding.help,
            finding.related,
        )


def rule(
    code: str, looks: Looks = "handler", severity: Severity = "error"
) -> Callable[[Callable[..., Iterator[Finding] | None]], Rule]:
    """Make a rule of a function: its name is the name of the rule, its docstring the long form."""

    def make(find: Callable[..., Iterator[Finding] | None]) -> Rule:
        text = inspect.getdoc(find) or ""
        name = find.__name__.replace("_", "-")
        return Rule(code, name, severity, looks, find, text)

    return make


# --- places ------------------------------------------------------------------------------------------

_DEFINITION: Final = re.compile(r"(?:async\s+)?(?:def|class)\s+(\w+)")


def span(module: Module, node: ast.AST) -> Span:
    """Where a node stands. `ast` counts columns in bytes of UTF-8 from 0; here they become characters from 1."""
    line, end_line = node.lineno, node.end_lineno  # type: ignore[attr-defined]
    return Span(
        module.source.path,
        line,
        _column(module, line, node.col_offset),  # type: ignore[attr-defined]
        end_line,
        _column(module, end_line, node.end_col_offset),  # type: ignore[attr-defined]
    )


def name_span(module: Module, node: Function | ast.ClassDef) -> Span:
    """Where the name of a function or class stands in its definition."""
    line = node.lineno
    column = _column(module, line, node.col_offset)
    found = _DEFINITION.match(module.lines[line - 1], column - 1)
    if found is None:  # the name stands in a line of its own
        width = 3 if isinstance(node, ast.FunctionDef) else 5  # `def`, `async`, `class`
        return Span(module.source.path, line, column, line, column + width)
    return Span(module.source.path, line, found.start(1) + 1, line, found.end(1) + 1)


def attribute_span(module: Module, node: ast.Attribute) -> Span:
    """Where the last name of `a.b.c` stands."""
    whole = span(module, node)
    start = max(1, whole.end_column - len(node.attr))
    return Span(whole.path, whole.end_line, start, whole.end_line, whole.end_column)


def text(module: Module, node: ast.expr) -> str:
    """An expression as it is written, if it stands in one line."""
    place = span(module, node)
    if place.line != place.end_line:
        return ast.unparse(node)
    return module.lines[place.line - 1][place.column - 1 : place.end_column - 1]


def _column(module: Module, line: int, offset: int) -> int:
    text = module.lines[line - 1] if line <= len(module.lines) else ""
    if text.isascii():
        return offset + 1
    return len(text.encode()[:offset].decode(errors="replace")) + 1


# --- handlers ----------------------------------------------------------------------------------------

HANDLER: Final = f"boss.{BASE}"

# Decorators that leave a function as it is.
TRANSPARENT: Final = frozenset({"typing.override", "typing.final"})


# Decorators with which a function gets no instance.
_WITHOUT_SELF: Final = frozenset({"builtins.staticmethod", "builtins.classmethod"})


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A callback as a handler defines it."""

    callback: Callback
    owner: Class  # the handler's class, or a mixin of the file
    definition: Meaning  # a function, or what stands in its place

    @property
    def name(self) -> str:
        """The name of the callback."""
        return self.callback.name


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a rule that looks at a handler is given."""

    handler: Handler
    module: Module  # the handler's file
    behaviour: Behaviour
    services: frozenset[str]  # all services of the project, also those with problems
    methods: tuple[Method, ...]  # the callbacks that are sure to be called
    memo: dict[str, Any] = field(default_factory=dict)  # found once for all rules

    @property
    def top(self) -> Scope:
        """The scope of the module itself."""
        return self.module.scopes[self.module.tree]

    @property
    def closed(self) -> bool:
        """Whether all bases of the handler are seen."""
        return None not in self.handler.lineage

    def functions(self) -> tuple[tuple[Method, Function], ...]:
        """The callbacks that are plain functions: nothing wraps them and they are no generators."""
        found = self.memo.get("functions")
        if found is None:
            found = self.memo["functions"] = tuple(
                (method, method.definition)
                for method in self.methods
                if isinstance(method.definition, ast.FunctionDef | ast.AsyncFunctionDef)
                and self.plain(method.definition)
                and not self.module.scopes[method.definition].yields
            )
        assert isinstance(found, tuple)
        return found

    def plain(self, node: Function) -> bool:
        """Whether no decorator makes something else of the function."""
        return not node.decorator_list or all(
            self.at_top(decorator) in TRANSPARENT for decorator in node.decorator_list
        )

    def at_top(self, node: ast.expr) -> Meaning:
        """What an expression at the top level of the module, or in a class there, means."""
        return resolve(node, self.top, self.module.names)

    def resolve(self, node: ast.expr, scope: Scope) -> Meaning:
        """The one thing that an expression in a function means, or None."""
        return resolve(node, scope, self.module.names)

    def lookup(self, name: str, scope: Scope) -> tuple[Meaning, ...]:
        """What a name in a function may mean."""
        return lookup(name, scope, self.module.names)

    def member(self, name: str) -> tuple[Meaning, ...]:
        """What `self.NAME` finds in the classes of the file; None among it when a class is not seen."""
        return member(self.handler.lineage, name)

    def within(self, function: ast.AST) -> Iterator[Scope]:
        """The scope of a function, and of the functions and lambdas in it."""
        inner = self.memo.get("within")
        if inner is None:
            inner = {}
            for scope in self.module.scopes.values():
                here: Scope | None = scope
                while here is not None:
                    inner.setdefault(here.node, []).append(scope)
                    here = here.parent
            self.memo["within"] = inner
        yield from inner.get(function, ())

    def is_self(self, node: ast.expr, scope: Scope) -> bool:
        """Whether an expression is the instance on which the method around was called, or a variable for it."""
        if not isinstance(node, ast.Name):
            return False
        here: Scope | None = scope
        while here is not None:
            if node.id in here.bindings and not isinstance(here.node, ast.ClassDef):
                bound = here.bindings[node.id]
                if len(bound) != 1:
                    return False
                if bound[0] is None:
                    return node.id in self._aliases(here)
                return (
                    isinstance(here.node, Function | ast.Lambda)
                    and bound[0] in positional(here.node)[:1]
                    and self.is_method(here)
                )
            here = here.parent
        return False

    def _aliases(self, scope: Scope) -> set[str]:
        """The variables of a function to which it assigns `self`; that they get nothing else, the caller knows."""
        known = self.memo.setdefault("aliases", {})
        if scope.node not in known:
            known[scope.node] = set()  # for a variable that is assigned to itself
            known[scope.node] = {
                node.targets[0].id
                for node in scope.assignments
                if isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
                and self.is_self(node.value, scope)
            }
        found: set[str] = known[scope.node]
        return found

    def is_method(self, scope: Scope) -> bool:
        """Whether a function is called on the handler: a `def` of its classes, or a lambda that is a callback."""
        if isinstance(scope.node, ast.Lambda):
            return any(method.definition is scope.node for method in self.methods)
        return (
            isinstance(scope.node, Function)
            and scope.parent is not None
            and any(
                class_ is not None and class_.node is scope.parent.node
                for class_ in self.handler.lineage
            )
            and not any(
                self.at_top(one) in _WITHOUT_SELF for one in scope.node.decorator_list
            )
        )

    def target(self, call: ast.Call, scope: Scope) -> Meaning:
        """The function of the file, or the dotted name, that a call leads to."""
        function = call.func
        if isinstance(function, ast.Attribute):
            if self.is_self(function.value, scope):
                found = self.member(function.attr)
                return found[0] if len(found) == 1 else None
            if _is_super(function.value):
                return self._super(function.attr, scope)
        return self.resolve(function, scope)

    def _super(self, name: str, scope: Scope) -> Meaning:
        here: Scope | None = scope
        while here is not None and not isinstance(here.node, ast.ClassDef):
            here = here.parent
        lineage = self.handler.lineage
        for place, class_ in enumerate(lineage):
            if class_ is not None and here is not None and class_.node is here.node:
                found = member(lineage[place + 1 :], name)
                if found:
                    return found[0] if len(found) == 1 else None
                callback = next(
                    (c for c in self.behaviour.callbacks if c.name == name), None
                )
                if callback is not None and callback.results:
                    return f"boss.{callback.results[0]}"
        return None

    def text(self, node: ast.expr) -> str:
        """An expression as the user wrote it; one of several lines in a line of its own."""
        return text(self.module, node)

    def at(self, node: ast.AST) -> Span:
        """Where a node stands."""
        return span(self.module, node)


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "super"
    )


def member(lineage: tuple[Class | None, ...], name: str) -> tuple[Meaning, ...]:
    """What an attribute means in the first of the classes that binds it; (None,) when it may come from elsewhere."""
    for class_ in lineage:
        if class_ is None:
            return (None,)
        if name in class_.members:
            return class_.members[name]
        if ANY_NAME in class_.members:
            return (None,)
    return ()


def positional(node: Function | ast.Lambda) -> list[ast.arg]:
    """The parameters that a positional call fills, `self` included."""
    return [*node.args.posonlyargs, *node.args.args]


def name_of(argument: str, callback: Callback, node: Function | ast.Lambda) -> str:
    """What a callback as it is defined calls one of its arguments, `state`; "" when it has no parameter for it."""
    given = dict(zip(("self", *callback.parameters), positional(node), strict=False))
    return given[argument].arg if argument in given else ""
