"""Put the commands together, and turn errors into one line and an exit code.

Exit codes: 0 done, 2 the user's mistake, 130 interrupted and resumable, 1 anything else.
"""

from __future__ import annotations

import sys

import typer

from joulefront.cli.bench import bench
from joulefront.cli.check import check
from joulefront.cli.doctor import doctor
from joulefront.cli.energy import energy
from joulefront.cli.export import export
from joulefront.cli.front import front
from joulefront.cli.launch import launch
from joulefront.cli.logs import logs
from joulefront.cli.meter import meter
from joulefront.cli.model import model
from joulefront.cli.reproduce import reproduce
from joulefront.cli.resume import resume
from joulefront.cli.status import status
from joulefront.cli.stop import stop
from joulefront.cli.submit import submit
from joulefront.cli.try_ import try_
from joulefront.errors import JoulefrontError
from joulefront.spec.printable import printable

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
app.command("resume")(resume)
app.command("submit")(submit)
app.command("stop")(stop)
app.command("try")(try_)
app.command("status")(status)
app.command("front")(front)
app.command("energy")(energy)
app.command("logs")(logs)
app.command("model")(model)
app.command("doctor")(doctor)
app.command("export")(export)
app.command("reproduce")(reproduce)
app.command("meter")(meter)
app.command("bench")(bench)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except KeyboardInterrupt:  # before a command has begun, which typer looks after
        sys.exit(130)
    except JoulefrontError as error:
        print(f"study: {printable(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
