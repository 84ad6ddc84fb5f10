"""The errors that a user can cause, and nothing else: a bug keeps its traceback.

    JoulefrontError
    ├── SpecError              the study file, or a value given with --set
    ├── TrainableError         the trainable cannot be found, or is not one
    ├── DataError              a cohort's folder, table or images
    ├── SplitError             a subject on two sides, or a side that cannot be scored
    ├── StudyError             the study directory: absent, already there, of another study
    │   └── LeaseLost          another driver has taken the study over (exit code 1)
    ├── StoreReadError         what is stored is damaged beyond what can be dropped
    ├── StoreWriteError        the disk is full, read-only or gone (exit code 1)
    └── ObjectiveError         a trial ended without a finite value of an objective

Each message says what must hold, what was given, and what to do, in one line. The command line
prints it and ends with the class's `exit_code`.
"""

from __future__ import annotations


class JoulefrontError(Exception):
    """Base of all errors that a user can cause.

    Args:
        must: What must hold, as a sentence without a full stop.
        given: What was found instead.
        remedy: What to do about it.
    """

    exit_code = 2

    def __init__(self, must: str, *, given: str = "", remedy: str = "") -> None:
        self.must = must
        self.given = given
        self.remedy = remedy
        message = must
        if given:
            message += f"; given: {given}"
        if remedy:
            message += f"; {remedy}"
        super().__init__(" ".join(message.split()))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way from a worker process: Ray pickles what a trial raises."""
        return (_rebuild, (type(self), self.must, self.given, self.remedy))


def _rebuild(
    error_type: type[JoulefrontError], must: str, given: str, remedy: str
) -> JoulefrontError:
    error = error_type.__new__(error_type)
    JoulefrontError.__init__(error, must, given=given, remedy=remedy)
    return error


class SpecError(JoulefrontError):
    """The study file, or a value given with --set, says something that cannot be.

    Args:
        must: What must hold.
        file: The study file, or "--set" for a value given on the command line.
        line: 1-based line in that file, 0 where there is none.
        path: Dotted path of the value, such as "space.clusters.int".
        given: What was found.
        remedy: What to do, for example the nearest valid name.
    """

    def __init__(
        self, must: str, *, file: str, line: int, path: str, given: str = "", remedy: str = ""
    ) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {path or '(top)'}: {must}", given=given, remedy=remedy)
        self.file, self.line, self.path = file, line, path


class TrainableError(JoulefrontError):
    """The trainable named by the study cannot be found, or is not a trainable."""


class DataError(JoulefrontError):
    """A cohort's folder, table or images cannot be used."""


class SplitError(JoulefrontError):
    """A subject stands on two sides of a split, or a side cannot be scored."""


class StudyError(JoulefrontError):
    """The study directory is absent, is already there, or belongs to another study."""


class LeaseLost(StudyError):
    """Another driver has taken the study over: this one must write nothing more."""

    exit_code = 1


class StoreReadError(JoulefrontError):
    """What is stored is damaged beyond what a reader may drop."""


class StoreWriteError(JoulefrontError):
    """The store cannot be written: the disk is full, read-only or gone."""

    exit_code = 1


class ObjectiveError(JoulefrontError):
    """A trial ended without a finite value of one of the study's objectives."""
