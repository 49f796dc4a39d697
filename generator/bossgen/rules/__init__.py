"""The rules, a few to a file, grouped by theme. This tuple is the one list of them."""

from typing import Final

from .callbacks import callback_kind, callback_parameters, callback_unknown
from .configuration import (
    config_syntax,
    config_unknown_key,
    config_unknown_service,
    config_value,
)
from .definitions import handler_ambiguous, handler_missing, handler_syntax
from .files import handler_file_name, service_name, stray_file
from .rule import Rule

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
)
