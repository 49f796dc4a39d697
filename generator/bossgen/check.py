"""Plan -> diagnostics, by running the rules."""

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from .diagnostics import Diagnostic, sort_key
from .model import Behaviour, Handler, Module, Plan
from .names import ANY_NAME
from .rules import RULES
from .rules.asking import unknown_attribute
from .rules.files import service_of
from .rules.ignores import ignores, silenced, unused_ignore
from .rules.python import awaited_in_def, refusals
from .rules.rule import Method, View, attribute_span, span
from .rules.sending import awaited_send

_HANDLER_RULES: Final = tuple(rule for rule in RULES if rule.looks == "handler")
_SEVERITIES: Final = {
    word: rule.severity for rule in RULES for word in (rule.code.lower(), rule.name)
}


def check(
    plan: Plan, behaviour: Behaviour, unreadable: Sequence[Diagnostic] = ()
) -> tuple[Diagnostic, ...]:
    """Run all rules over all handlers.

    Args:
        plan: the services.
        behaviour: the callbacks a handler may define.
        unreadable: what kept other files from being handlers; the services they would define are no unknown ones.

    Returns:
        What is wrong or suspicious, sorted by path, line, code, without what a comment silences.
    """
    services = {service.name for service in plan.services}
    for problem in unreadable:
        name = service_of(problem.span.path, plan.app)
        services.update([name] if name else ())
    known = frozenset(services)
    problems: list[Diagnostic] = []
    for planned in plan.services:
        handler = planned.handler
        methods = _methods(handler, behaviour)
        view = View(handler, handler.parsed, behaviour, known, methods)
        problems += _find(view)
    return tuple(sorted(problems, key=sort_key))


def _find(view: View) -> list[Diagnostic]:
    """What the rules find in one handler."""
    found: list[Diagnostic] = []
    for rule in _HANDLER_RULES:
        try:
            findings = tuple(rule.find(view) or ())
        except RecursionError:
            continue  # nested too deeply to be followed: taken as right
        found += [rule.diagnostic(finding) for finding in findings]
    if view.module.refused:
        found += _refusals(view.module, found)
    comments = ignores(view.module)
    if comments:
        found, used = silenced(found, comments)
        for comment in comments:
            if comment not in used:
                for finding in unused_ignore.find(comment, _SEVERITIES) or ():
                    found.append(unused_ignore.diagnostic(finding))
    return found


def _refusals(module: Module, found: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """What Python does not compile, where the rules have not said that an `await` is to be left out.

    Of what there is not, nothing but a warning says so: that the `await` has to go is an error still.
    """
    said = {
        (problem.code, problem.span.line, problem.span.column): problem.help
        for problem in found
        if problem.code in {awaited_send.code, unknown_attribute.code}
    }
    superfluous: list[ast.Await] = []
    for scope in module.scopes.values() if said else ():
        for node in scope.awaits:
            place = span(module, node)
            if (awaited_send.code, place.line, place.column) in said:
                superfluous.append(node)
                continue
            match node.value:
                case ast.Call(func=ast.Attribute() as function) if isinstance(
                    scope.node, ast.FunctionDef
                ):
                    asked = attribute_span(module, function)
                    key = (unknown_attribute.code, asked.line, asked.column)
                    if said.get(key):
                        superfluous.append(node)
                        yield awaited_in_def(place, said[key])
    yield from refusals(module, superfluous)


def _methods(handler: Handler, behaviour: Behaviour) -> tuple[Method, ...]:
    """The callbacks as the handler is sure to define them; behind a base that is not seen nothing is sure."""
    methods: list[Method] = []
    for callback in behaviour.callbacks:
        for class_ in handler.overriding:
            if class_ is None or ANY_NAME in class_.members:
                break
            if callback.name in class_.members:
                methods += [
                    Method(callback, class_, meaning)
                    for meaning in class_.members[callback.name]
                    if meaning is not None
                ]
                break
    return tuple(methods)
