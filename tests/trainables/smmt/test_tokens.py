from __future__ import annotations

import pytest
import torch

from joulefront.trial import TrainableError
from trainables.seeding import stream
from trainables.smmt.model import initialise
from trainables.smmt.tokens import CategoricalTokeniser, ImageTokeniser, NumericTokeniser

WIDTH = 16
THERE = torch.tensor([True, False, True])


def drawn(module: torch.nn.Module) -> torch.nn.Module:
    initialise(module, stream(0, "weights"))
    return module


@pytest.mark.parametrize("patch_size", [2, 4, 8, 16])
@pytest.mark.parametrize("planes", [1, 3])
def test_each_patch_of_each_plane_is_a_token(patch_size: int, planes: int) -> None:
    tokeniser = drawn(ImageTokeniser(planes, 32, patch_size, WIDTH, None))
    found = tokeniser(torch.randn(3, planes, 32, 32), THERE, None)
    patches = planes * (32 // patch_size) ** 2
    assert found.tokens.lengths == (patches, 0, patches)
    assert found.tokens.rows.shape == (2 * patches, WIDTH)
    assert found.offered == 2 * patches


def test_no_image_at_all_gives_no_token() -> None:
    tokeniser = drawn(ImageTokeniser(1, 16, 4, WIDTH, None))
    found = tokeniser(torch.zeros(3, 1, 16, 16), torch.zeros(3, dtype=torch.bool), None)
    assert found.tokens.lengths == (0, 0, 0)
    assert found.tokens.rows.shape == (0, WIDTH)
    assert found.offered == 0


def test_a_picture_that_cannot_be_cut_is_refused() -> None:
    with pytest.raises(TrainableError, match=r"patch_size must divide data.image_size.*16 and 24"):
        ImageTokeniser(1, 24, 16, WIDTH, None)


def test_a_missing_score_is_a_token_of_its_own_whatever_stands_there() -> None:
    tokeniser = drawn(NumericTokeniser(2, WIDTH))
    missing = torch.tensor([[True, False]]).expand(3, 2)
    one = tokeniser(torch.tensor([[5.0, 1.0]]).expand(3, 2), missing, THERE)
    other = tokeniser(torch.tensor([[-7.0, 1.0]]).expand(3, 2), missing, THERE)
    assert one.lengths == (2, 0, 2)
    assert torch.equal(one.rows, other.rows)
    assert torch.equal(one.rows[0], tokeniser.missing[0])


def test_equal_values_of_two_scores_are_different_tokens() -> None:
    tokeniser = drawn(NumericTokeniser(2, WIDTH))
    rows = tokeniser(torch.ones(1, 2), torch.zeros(1, 2, dtype=torch.bool), THERE[:1]).rows
    assert not torch.allclose(rows[0], rows[1])


def test_levels_and_missing_of_all_columns_are_different_tokens() -> None:
    tokeniser = drawn(CategoricalTokeniser((2, 3), WIDTH))
    values = torch.tensor([[-1, -1], [0, 0], [1, 1], [1, 2]])
    found = tokeniser(values, torch.ones(4, dtype=torch.bool))
    assert found.lengths == (2, 2, 2, 2)
    assert len(found.rows.detach().unique(dim=0)) == 3 + 4
