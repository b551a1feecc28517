"""What the recommender is worth: beside every baseline on the same test windows, with the paired interval of each difference.

Usage, after `dvc repro train` (or a run) in a workspace: python -m benchmarks.recommend WORKSPACE

Windows of one published user are one draw.
"""

import sys
from pathlib import Path

from ecom_llm.evaluate.bootstrap import Resampling
from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.matching import Matcher
from ecom_llm.evaluate.measure import PLACES
from ecom_llm.evaluate.paired import improvement
from ecom_llm.evaluate.spread import slice_intervals
from ecom_llm.evaluate.stage import compare
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import Example, Item, UserError
from ecom_llm.shards import read_records
from ecom_llm.train.recommender.files import load

METRICS = ("hit@10", "ndcg@10", "mrr@10")


def systems(layout: Layout) -> dict[str, list[Output]]:
    """Recommender and baselines -> their outputs on all test windows, by the code of the stage.

    Raises:
        UserError: the model holds no recommender.
    """
    recommender = load(layout.model)
    if recommender is None:
        raise UserError(f"{layout.model}: holds no recommender. Train one first: dvc repro train")
    test, training = (
        [one for one in read_records(layout.split(split), Example) if one.skill == "recommend"]
        for split in ("test", "train")
    )
    found = recommender.recommend(test, PLACES, explain=False)
    written = [Written(best[0].title, ranking=tuple(one.title for one in best)) for best in found]
    items = list(read_records(layout.items, Item))
    known = {("recommend", one.locale): Matcher(frozenset()) for one in test}
    ours, others = compare(test, written, training, items, known)
    return {"recommender": ours.outputs, **{name: one.outputs for name, one in others.items()}}


def main(workspace: Path) -> None:
    """Print the table."""
    layout = Layout.here(workspace)
    evaluate = load_params(layout.params).evaluate
    resampling = Resampling(evaluate.confidence, evaluate.bootstrap_samples, evaluate.seed)
    found = systems(layout)
    ours = found["recommender"]
    print(f"{len(ours)} windows of {len({one.cluster for one in ours})} users")
    for name, outputs in found.items():
        told = []
        for metric in METRICS:
            one = slice_intervals([metric], outputs, resampling)[metric]
            told.append(f"{metric} {one.estimate:.4f} [{one.low:.4f}, {one.high:.4f}]")
            if name != "recommender":
                gain = improvement(metric, ours, outputs, greater_is_better=True, resampling=resampling)
                told.append(f"recommender's gain {gain.estimate:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]")
        print(f"{name}: " + " · ".join(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
