"""Put the commands together, and turn errors into one line and an exit code.

Exit codes: 0 done, 2 the user's mistake, 130 interrupted and resumable, 1 anything else.
"""

from __future__ import annotations

import os
import sys

import typer
from click.exceptions import Abort, ClickException, Exit

from joulefront.cli.bench import bench
from joulefront.cli.check import check
from joulefront.cli.export import export
from joulefront.cli.front import front
from joulefront.cli.launch import launch
from joulefront.cli.logs import logs
from joulefront.cli.model import model
from joulefront.cli.status import status
from joulefront.cli.try_ import try_
from joulefront.errors import JoulefrontError

INTERRUPTED = 130

app = typer.Typer(
    name="study",
    help="Hyperparameter studies in which energy is an objective.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("check")(check)
app.command("launch")(launch)
app.command("try")(try_)
app.command("status")(status)
app.command("front")(front)
app.command("logs")(logs)
app.command("model")(model)
app.command("export")(export)
app.command("bench")(bench)


def main() -> None:
    """Run the command line."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    sys.exit(_run())


def _run() -> int:
    try:
        result = app(standalone_mode=False)
    except JoulefrontError as error:
        print(f"study: {error}", file=sys.stderr)
        return error.exit_code
    except Exit as exit_request:
        return int(exit_request.exit_code)
    except ClickException as error:
        error.show()
        return error.exit_code
    except (Abort, KeyboardInterrupt):
        print("study: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return 0
    return int(result or 0)


def _discard_output() -> None:
    """Let Python end in peace when the reader of a pipe (`| head`) has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
