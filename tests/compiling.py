"""What the tests of the compiler share: projects as texts, compiled without a disk."""

from collections.abc import Mapping

from bossgen import config
from bossgen.build import SETTINGS, Outcome, compile_project
from bossgen.diagnostics import Diagnostic
from bossgen.locate import read_template
from bossgen.model import ProjectConfig, Source, Template

TEMPLATE: Template = read_template()


def boss_toml(text: str) -> tuple[ProjectConfig | None, tuple[Diagnostic, ...]]:
    """Load a boss.toml."""
    return config.load(Source("boss.toml", text), TEMPLATE.copied[SETTINGS])


RESULTS: Mapping[str, str] = {"init": "return Ok(None)", "terminate": "pass"}


def handler(class_name: str = "ChatWebsocket", *callbacks: str) -> str:
    """The text of a handler; each callback takes whatever it is given."""
    methods = "".join(
        f"    def {name}(self, *given):\n"
        f"        {RESULTS.get(name, 'return Noreply(given[-1])')}\n\n"
        for name in callbacks
    )
    return (
        "from boss import Noreply, Ok, ServiceHandler as Base\n\n\n"
        f"class {class_name}(Base[None]):\n"
        f"{methods or '    pass'}\n"
    )


def compiled(
    handlers: Mapping[str, str], toml: str = "", app: str = "myapp"
) -> Outcome:
    """Compile handlers, keyed by service.

    Args:
        handlers: their texts.
        toml: what boss.toml has below the name of the app.
        app: the name of the app.
    """
    project, problems = boss_toml(f'app = "{app}"\n{toml}')
    assert project is not None, problems
    assert problems == ()
    sources = [
        Source(f"src/websocket/{app}_{service}_websocket.py", text)
        for service, text in handlers.items()
    ]
    return compile_project(project, TEMPLATE, sources)
