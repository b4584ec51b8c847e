"""The root command: a lazy group that names each package's commands by string.

Production installs only what it runs: a command whose extra is absent ends with the pip command that adds it.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from shim.console import USAGE, Refused

__all__ = ["main"]

COMMANDS = {
    "calls": "codemods.calls_cli:calls",
    "audit": "codemods.audit_cli:audit",
    "check": "codemods.check_cli:check",
    "flow": "codemods.flow_cli:flow",
    "migrate": "codemods.cli:migrate",
    "flags": "shim.flags_cli:flags",
    "missed": "shim.delivery.cli:missed",
    "doctor": "shim.doctor_cli:doctor",
    "rollout": "rollout.cli:rollout",
    "rollback": "rollout.rollback_cli:rollback",
    "drive": "rollout.drive.cli:drive",
    "demo": "demo.cli:demo",
}
EXTRA_OF = {
    "libcst": "codemods", "bowler": "codemods", "rich": "codemods", "fissix": "codemods",
    "yaml": "rollout", "pydantic": "rollout",
    "starlette": "server", "uvicorn": "server", "websockets": "server",
}  # fmt: skip
CHECKOUT = Path(__file__).resolve().parent.parent / "examples"


class LazyGroup(click.Group):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Name all commands, installed or not."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; a missing extra or a missing checkout ends in a message, not a traceback."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        if module.startswith("demo."):
            _need_checkout(cmd_name)
        try:
            found = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            extra = EXTRA_OF.get((error.name or "").partition(".")[0])
            if extra is None:
                raise
            raise Refused(
                f"'{cmd_name}' needs {error.name}, which is not installed; next: pip install 'failloud[{extra}]'",
                USAGE,
            ) from error
        assert isinstance(found, click.Command)  # noqa: S101  # COMMANDS is ours; a wrong entry is a bug
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands without importing those whose extra is missing."""
        rows = []
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
            except Refused as refusal:
                rows.append((name, f"not available here: {refusal.message}"))
            else:
                rows.append((name, command.get_short_help_str(80) if command else ""))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _need_checkout(name: str) -> None:
    if not CHECKOUT.is_dir():
        raise Refused(
            f"'{name}' runs the example host, which is in a source checkout only; clone it and run: make demo", USAGE
        )
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="failloud")
def cli() -> None:
    """Take a live platform from silent failure to loud failure without breaking it."""


def main() -> None:
    """Run the command line; usage errors end with 64, interrupts with 130."""
    try:
        code = cli.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(USAGE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("aborted; nothing more was done", err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
