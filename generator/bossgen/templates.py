"""Answers -> the files of a template, with Copier: what it comes to, and which answers it takes.

Everything happens in memory and where temporary files go; nothing is written into a project.
"""

import keyword
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import __version__, config, locate, place, records, values
from .errors import BadName, BossgenError
from .merge import Contents


def render(
    template: str,
    answers: Mapping[str, Any],
    *,
    ask: bool = False,
    suggested: Mapping[str, str] | None = None,
) -> Contents:
    """What template/project or template/service comes to with these answers; the other questions take defaults."""
    # They cost a quarter of a second, which `bossgen --help` has no use for.
    import copier
    import plumbum

    # Copier asks git what the template is, and of each file; what is broken about a git would be in the way. There is
    # nothing that it could tell of ours, so it finds none.
    with place.staging(None) as root, plumbum.local.env(PATH=os.devnull):
        try:
            copier.run_copy(
                str(locate.template_root() / template),
                root,
                data={
                    **answers,
                    "bossgen_version": __version__,
                    "taken_names": [*keyword.kwlist, *config.RESERVED_APPS],
                },
                user_defaults=dict(suggested or {}),
                defaults=not ask,
                quiet=True,
                settings=copier.Settings(),
            )
        except KeyboardInterrupt:
            raise
        except copier.errors.InteractiveSessionError as error:  # Ctrl-D
            raise BossgenError(
                "not all questions were answered", "--defaults asks none"
            ) from error
        except copier.errors.CopierError as error:
            raise BossgenError(str(error)) from error
        except ValueError as error:
            raise BadName(str(error)) from error
        return {path: (root / path).read_bytes() for path in place.listing(root)}


def render_again(template: str, record: Path, given: Mapping[str, Any]) -> Contents:
    """What it comes to with the answers that an earlier run has written down, and those given now."""
    asked = {**records.asked(records.answers(record)), **given}
    try:
        return render(template, asked)
    except BadName as error:
        if given:
            raise
        raise BossgenError(
            f"{record} cannot be used: {error.message}",
            "restore it from version control",
        ) from error


def render_service(app: str, name: str, kind: str) -> Contents:
    """The handler of a service, its test, and the record of what was asked."""
    return render("service", {"app_name": app, "service_name": name, "kind": kind})


def read_answers(data: Mapping[str, str]) -> dict[str, Any]:
    """What --data says, for Copier."""
    given: dict[str, Any] = dict(data)
    if "deploy" in given:  # the one question with several answers
        given["deploy"] = [one for one in re.split(r"[,\s]+", given["deploy"]) if one]
    return given


def check_answers(answers: Mapping[str, Any], remedy: str) -> None:
    """Refuse a name of the app, a base URL, or an application to serve, that cannot be.

    Args:
        answers: keyed by question; what is not there is not looked at.
        remedy: how to name the app otherwise, with "{name}" where a better name goes.
    """
    if "app_name" in answers:
        name = str(answers["app_name"])
        if problem := fault(name):
            better = suggestion(name) or "myapp"
            raise BadName(
                f"the app name `{name}` {problem}", remedy.format(name=better)
            )
    _, problem = config.normalise_base_url(str(answers.get("base_url", "")))
    if problem:
        raise BadName(
            f"the base URL `{answers['base_url']}` {problem}",
            "for example: --base-url /chat",
        )
    application = str(answers.get("application", "app:app"))
    problem, help_ = values.check_text(application, "application")
    if problem:
        raise BadName(f"the application {problem}", help_)


def check_asked(given: Mapping[str, Any]) -> None:
    """Refuse an answer to a question that the template of a project does not ask.

    To be called before it is rendered: a second value for what Copier itself hands to a template is more than it bears.
    """
    text = (locate.template_root() / "project" / "copier.yml").read_text("utf-8")
    questions = {*re.findall(r"^([a-z]\w*):", text, re.MULTILINE)}
    asked = questions - {"adopted"}  # which `init` alone says
    for key in given:
        if key not in asked:
            known = ", ".join(sorted(asked))
            raise BadName(
                f"the template does not ask for `{key}`", f"it asks for {known}"
            )


def check_services(names: Sequence[str], app: str) -> None:
    """Refuse services with a name that cannot be, or with the same."""
    for index, name in enumerate(names):
        if problem := config.name_problem(name, "service"):
            bare = name.removesuffix(".py").removesuffix("_websocket")
            better = suggestion(bare.removeprefix(f"{app}_")) or "chat"
            raise BadName(
                f"the service name `{name}` {problem}", f"for example: {better}"
            )
        if name in names[:index]:
            raise BadName(f"the service `{name}` is named twice")


def suggestion(name: str) -> str:
    """A name near to this one that an application and a service may have, "" when there is none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
    near = re.sub(r"[^a-z0-9_]+", "_", words).strip("_").lstrip("0123456789_")
    near = near[: config.LONGEST_NAME].rstrip("_")
    if near and fault(near):
        near = f"my_{near}"[: config.LONGEST_NAME]
    return near if near and not fault(near) else ""


def fault(name: str) -> str:
    """Why an app cannot have this name; empty when it can."""
    return config.name_problem(name, "app")
