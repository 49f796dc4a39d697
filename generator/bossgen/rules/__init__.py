"""The rules, a few to a file, grouped by theme. The tuple below is the one list of them.

In the order in which it is best read, since no module knows one that comes after it. What rules are made of:

    rule, variables, library       what a rule is and is given; what expressions name; what Python's own modules do
    patterns, conditions           what is asked for, by `match` and by `if`
    bindings, enums, types         what gives variables their values; which types there are
    inference, addresses, making   of which type an expression is; what sends; what makes a result
    failing                        what may fail, and what catches it
    ways, facts, loops, doubts     following a function: what is known on a way, and where it is not sure that it exists
    origins, closed                where a value comes from, and which closed set of types it has
    unseen, narrowing              what is left of a value after it was tested
    calls, evaluation, walk, flow  what a call gives, an expression, a statement, a function

And the rules:

    configuration, files           boss.toml, and the names of the files
    definitions, python            the file as a whole
    misnamed, callbacks, instance  the callbacks, and `self`
    results, timeouts              what callbacks return
    sending, services, asking      what goes to clients and services
    awaiting, running              coroutines, and what blocks
    keeping, habits, ignores       what is legal, and mostly a mistake
"""

from typing import Final

from .asking import unknown_attribute
from .awaiting import missing_await
from .callbacks import callback_kind, callback_parameters
from .configuration import (
    config_syntax,
    config_unknown_key,
    config_unknown_service,
    config_value,
)
from .definitions import handler_ambiguous, handler_missing, handler_syntax
from .files import handler_file_name, service_name, stray_file
from .habits import endless_message, hidden_callback, pattern_captures
from .ignores import unused_ignore
from .instance import lost_state, request_unavailable
from .keeping import client_kept, shared_attribute
from .misnamed import callback_unknown
from .results import result_missing, result_shape
from .rule import Rule
from .running import blocking_call
from .sending import awaited_send, payload_type
from .services import unknown_service
from .timeouts import timeout_value

RULES: Final[tuple[Rule, ...]] = (
    config_syntax,
    config_unknown_key,
    config_value,
    config_unknown_service,
    handler_file_name,
    service_name,
    stray_file,
    handler_syntax,
    handler_missing,
    handler_ambiguous,
    callback_unknown,
    callback_parameters,
    callback_kind,
    result_missing,
    result_shape,
    request_unavailable,
    timeout_value,
    awaited_send,
    unknown_service,
    payload_type,
    missing_await,
    blocking_call,
    lost_state,
    unused_ignore,
    endless_message,
    client_kept,
    pattern_captures,
    shared_attribute,
    hidden_callback,
    unknown_attribute,
)
