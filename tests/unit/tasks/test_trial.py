"""A trial's objective: the validation loss of the model that training made, not of another step's."""

from pathlib import Path

import pytest

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from tasks.trial import validation_loss

TRAIN = load_params(Path(__file__).parents[3] / "params.yaml").train
CURVE = (
    "step,loss,eval_loss,learning_rate,tokens\n5,2.5,,0.1,9\n10,2.1,2.25,0.1,18\n15,1.9,2.2,0.1,27\n20,1.5,2.4,0,36\n"
)


@pytest.mark.parametrize(("best", "found"), [(True, (2.2, 15)), (False, (2.4, 20))])
def test_the_loss_is_that_of_the_model_that_is_kept(tmp_path, best, found):
    layout = Layout(tmp_path, tmp_path)
    layout.curve.parent.mkdir()
    layout.curve.write_text(CURVE)
    assert validation_loss(layout, TRAIN.model_copy(update={"load_best_model_at_end": best})) == found
