"""All kinds of error, by their codes: the one place in which an error gets its HTTP status.

The pages, the OpenAPI document and docs/errors.md are made of it.
"""

from app.problems.callers import OF_CALLERS
from app.problems.faults import OF_FAULTS
from app.problems.form import OF_FORM
from app.problems.kinds import Problem
from app.problems.states import OF_STATES

_ALL = OF_FORM | OF_CALLERS | OF_STATES | OF_FAULTS

PROBLEMS: dict[str, Problem] = dict(sorted(_ALL.items(), key=lambda entry: entry[1].status))
