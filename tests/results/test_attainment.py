from __future__ import annotations

import pytest

from joulefront.errors import StudyError
from joulefront.results import Study, plot_attainment


def test_every_study_attains_the_surface_of_equal_ones(sweep: Study) -> None:
    figure = plot_attainment([sweep, sweep], [50, 100])
    for trace, percentile in zip(figure.data, (50, 100), strict=True):
        assert list(trace.x) == pytest.approx([0.1, 0.2])
        assert list(trace.y) == pytest.approx([0.7, 0.9])
        assert trace.name == f"attained by {percentile} % of 2"
    assert figure.layout.xaxis.title.text == "energy (Wh), minimise"


def test_studies_of_other_objectives_are_refused(make_study, sweep: Study) -> None:
    with pytest.raises(StudyError, match="the same two objectives; given: no study"):
        plot_attainment([])


def test_studies_without_members_are_refused(make_study) -> None:
    with pytest.raises(StudyError, match="must have a member"):
        plot_attainment([make_study([])])
