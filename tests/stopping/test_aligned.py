from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.stopping import Curve
from joulefront.stopping.aligned import at_epochs

EPOCHS = st.lists(st.integers(1, 8), unique=True, max_size=6).map(sorted)


def curve(epochs: list[int], number: int) -> Curve:
    values = np.array([[10.0 * number + epoch, -float(epoch)] for epoch in epochs])
    return Curve(
        trial_id=f"c{number}",
        epochs=np.array(epochs, dtype=np.int64),
        objectives=values.reshape(len(epochs), 2),
        final_epoch=8,
        state="running",
    )


@settings(max_examples=60)
@given(st.lists(EPOCHS, min_size=1, max_size=4), EPOCHS.filter(len))
def test_agrees_with_looking_each_epoch_up(reported, asked):
    curves = [curve(epochs, number) for number, epochs in enumerate(reported)]
    table = at_epochs(curves, np.array(asked))
    assert table.shape == (len(curves), len(asked), 2)
    for row, epochs in zip(table, reported, strict=True):
        for values, epoch in zip(row, asked, strict=True):
            if epoch in epochs:
                assert values[1] == -epoch
            else:
                assert np.isnan(values).all()


def test_without_curves_there_are_no_objectives():
    assert at_epochs([], np.array([1, 2])).shape == (0, 2, 0)
