from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from joulefront.stopping import STOPPING_RULES, Curve, load_rule

curves = st.builds(
    Curve,
    trial_id=st.text(),
    values=st.lists(st.tuples(st.floats(), st.floats())).map(tuple),
    finished=st.booleans(),
)


@given(curves, st.lists(curves))
def test_no_curve_is_ended(curve, others):
    assert load_rule("never")(curve, others) is False


def test_registry_names_what_can_be_loaded():
    assert all(callable(load_rule(name)) for name in STOPPING_RULES)
