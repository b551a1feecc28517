"""The page: one file, nothing outside it, other people's words escaped, and simulated reviews labelled."""

import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ecom_llm.evaluate.evidence import Evidence, Output, Subset
from ecom_llm.human.judgements import Careful, Judgement, Verdicts
from ecom_llm.human.study import Side
from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.promote.charts import bars
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.gate import Entrant, decide
from ecom_llm.promote.page import render_page
from ecom_llm.promote.summary import Row, flat_metrics, metric_table, rows
from ecom_llm.promote.texts import BEST, SAMPLES, WORST, merit, texts
from ecom_llm.records import UserError, write_jsonl

REPO = Path(__file__).parents[3]
ATTRIBUTES = {"en": {"category": "dress", "colour": "navy <b>blue</b>"}, "zh": {"类别": "连衣裙", "颜色": "藏青色"}}
TEXTS = {"en": "A <script>alert(1)</script> navy blue dress, cut for long days.", "zh": "这款藏青色连衣裙适合每一天。"}


def output(skill: str, locale: str, number: int) -> Output:
    nearest = "popularity" if skill == "recommend" else "nearest_neighbour"
    return Output(
        id=f"{skill}:{locale}:{number}",
        skill=skill,
        locale=locale,
        attributes=ATTRIBUTES[locale],
        reference=f"{TEXTS[locale]} (reference {number})",
        text=TEXTS[locale],
        baselines={nearest: f"{TEXTS[locale]} (neighbour {number})", "template": "template"},
        ratios={"bits_per_byte": (9.0, 10.0)},
    )


def slice_metrics(skill: str, shift: float) -> dict[str, float]:
    if skill == "recommend":
        return {"bits_per_byte": 0.9 + shift, "hit@10": 0.2 - shift, "ndcg@10": 0.1 - shift / 2}
    return {
        "bits_per_byte": 0.9 + shift,
        "bleu": 31.5 - 40 * shift,
        "attribute_coverage": 0.9 - shift,
        "unsupported_rate": 0.05,
    }


def evidence() -> Evidence:
    skills = ("describe", "advertise", "review", "answer", "recommend")
    metrics, baseline = (
        {skill: {locale: slice_metrics(skill, shift) for locale in ("en", "zh")} for skill in skills}
        for shift in (0.0, 0.1)
    )
    return Evidence(
        test_set="t" * 64,
        tokenizer="k" * 64,
        examples=60,
        signatures={"bleu": {"zh": "nrefs:1|tok:zh"}, "chrf": {"en": "same", "zh": "same"}},
        not_applicable={"advertise": {"en": {"chatglm_bleu_4": "the protocol is for Chinese texts"}}},
        intervals={"describe": {"en": {"bleu": (30.25, 32.75)}}},
        baseline_intervals={"template": {"describe": {"en": {"bleu": (3.5, 4.5)}}}},
        baseline_differences={
            "template": {"describe": {"en": {"bleu": (27.5, 25.5, 29.5), "attribute_coverage": (-0.1, -0.25, 0.05)}}}
        },
        method="as the paper has it",
        subsets=(
            Subset(
                name="category=<hat>",
                skill="describe",
                locale="en",
                examples=21,
                metrics={"bleu": 28.5, "distinct_4": 0.5},
                intervals={"bleu": (25.0, 32.0)},
            ),
        ),
        metrics={"all": {"all": {"bits_per_byte": 0.9}}, **metrics},
        baselines={
            "nearest_neighbour": {skill: baseline[skill] for skill in skills[:4]},
            "template": {"describe": {"en": {"bleu": 4.0, "attribute_coverage": 1.0}}},
            "popularity": {"recommend": {"en": {"hit@10": 0.05, "ndcg@10": 0.02}}},
        },
    )


@pytest.fixture(scope="module")
def params() -> Params:
    return load_params(REPO / "params.yaml")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    root = tmp_path_factory.mktemp("page")
    made = Layout(root, root / "state")
    outputs = [
        output(skill, locale, n) for skill in evidence().metrics if skill != "all" for locale in TEXTS for n in range(9)
    ]
    write_jsonl(made.outputs, outputs)
    made.metrics.write_text(evidence().model_dump_json())
    curve = [
        f"{step},{6 * 0.97 ** (step / 10) + 0.8:.3f},{'1.5' if step % 250 == 0 else ''},0.001,{step * 900}"
        for step in range(50, 1501, 50)
    ]
    made.curve.write_text("\n".join(["step,loss,eval_loss,learning_rate,tokens", *curve]) + "\n")
    made.lock.write_text("schema: '2.0'\n")
    return made


@pytest.fixture(scope="module")
def decision(params: Params) -> GateDecision:
    return decide(Entrant("shop", "7", evidence(), []), None, params.promote, 1)


@pytest.fixture(scope="module")
def page(layout: Layout, params: Params, decision: GateDecision) -> str:
    return render_page(layout, params, decision, "0123456789abcdef", {}, [])


class Outside(HTMLParser):
    """Collects what a browser would fetch, and the elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.elements: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def test_page_is_one_file_without_scripts_or_outside_resources(page: str) -> None:
    found = Outside()
    found.feed(page)
    assert found.elements.isdisjoint({"script", "link", "iframe", "object"})
    assert [value for value in found.fetched if not value.startswith(("data:image/svg+xml;base64,", "#"))] == []
    assert len([value for value in found.fetched if value.startswith("data:")]) == 7, "a curve and six metrics"
    assert "url(" not in page and "@import" not in page


def test_texts_are_escaped(page: str) -> None:
    assert "alert(1)" in page
    assert "<script" not in page and "<b>blue" not in page
    assert "navy &lt;b&gt;blue&lt;/b&gt;" in page


def test_every_skill_and_locale_shows_several_samples(page: str) -> None:
    for skill in ("describe", "advertise", "review", "answer", "recommend"):
        for locale in ("en", "zh"):
            assert f"<summary>{skill}, {locale}</summary>" in page
    assert len(re.findall(r'<tr lang="zh">', page)) == 5 * SAMPLES
    assert "(neighbour 0)" in page and "(reference 0)" in page
    assert "<th>popularity</th>" in page


def test_generated_reviews_are_labelled_and_human_ones_are_not(page: str) -> None:
    assert page.count("[Simulated review]") == SAMPLES
    assert page.count("【模拟评论】") == SAMPLES


def test_page_tells_the_decision_as_it_was_made(page: str, decision: GateDecision) -> None:
    assert decision.verdict in page
    assert all(check.reason in page for check in decision.checks)
    assert "no champion yet" in page


def test_page_names_what_it_is_about(page: str, layout: Layout, params: Params) -> None:
    from hashlib import sha256

    assert sha256(layout.lock.read_bytes()).hexdigest() in page
    assert "0123456789abcdef" in page and "nrefs:1|tok:zh" in page
    assert f"<dt>learning_rate</dt><dd><code>{params.train.learning_rate}</code></dd>" in page


def test_page_tells_how_numbers_were_measured_and_why_some_are_missing(page: str) -> None:
    assert "<td>bleu</td><td>zh</td><td>nrefs:1|tok:zh</td>" in page
    assert "<td>chrf</td><td>en, zh</td><td>same</td>" in page
    assert "<td>advertise/en</td><td>chatglm_bleu_4</td><td>the protocol is for Chinese texts</td>" in page


def test_same_run_gives_the_same_bytes(page: str, layout: Layout, params: Params, decision: GateDecision) -> None:
    assert render_page(layout, params, decision, "0123456789abcdef", {}, []) == page


def test_missing_report_is_named(tmp_path: Path, params: Params, decision: GateDecision) -> None:
    with pytest.raises(UserError, match=r"metrics.json: cannot be read"):
        render_page(Layout(tmp_path, tmp_path), params, decision, "0", {}, [])


def test_metric_table_leaves_what_was_not_measured_empty() -> None:
    table = metric_table(evidence()).splitlines()
    assert table[0] == "| skill/locale | metric | model | nearest neighbour | template | popularity |"
    assert "| describe/en | bleu | 31.5 (30.25 to 32.75) | 27.5 | 4 |  |" in table
    assert "| describe/zh | bleu | 31.5 | 27.5 |  |  |" in table


def test_metric_names_are_those_mlflow_takes() -> None:
    named = flat_metrics(evidence())
    assert named["recommend.zh.hit_at_10"] == 0.2
    assert named["popularity.recommend.en.hit_at_10"] == 0.05
    assert (named["describe.en.bleu_low"], named["describe.en.bleu_high"]) == (30.25, 32.75)
    assert "template.describe.en.bleu_low" not in named and "describe.zh.bleu_low" not in named
    assert all(re.fullmatch(r"[\w./ -]+", name) for name in named)


def test_page_shows_intervals_their_method_and_the_subsets(page: str) -> None:
    assert "31.5 (30.25 to 32.75)" in page and "Intervals: as the paper has it" in page
    assert "category=&lt;hat&gt;" in page and "25 to 32" in page
    assert "1 categories and sources" in page


def test_page_shows_what_lies_between_model_and_baselines(page: str, layout: Layout, params: Params) -> None:
    assert "Model minus each baseline: 2 differences" in page
    assert re.search(r'<td>bleu</td>\s*<td></td><td class="number own">\+27.5 \(\+25.5 to \+29.5\)</td><td></td>', page)
    assert '<td class="number">-0.1 (-0.25 to +0.05)</td>' in page, "an interval with 0 in it is not bold"


def test_bars_have_a_line_where_the_interval_is_known() -> None:
    """Matplotlib draws each error bar as a collection of its own."""
    shown = [row for row in rows(evidence()) if row.metric == "bleu" and row.skill == "describe"]
    bare = [replace(row, intervals={}) for row in shown]

    assert drawn(bars(shown)).count("LineCollection") == 2, "of the model and of the template"
    assert drawn(bars(bare)).count("LineCollection") == 0


def drawn(image: str) -> str:
    return b64decode(image.split(",")[1]).decode()


def test_the_names_of_many_baselines_stay_within_the_chart() -> None:
    others = dict.fromkeys(("bm25", "constant", "nearest_neighbour", "reference", "template"), 0.5)
    svg = drawn(bars([Row("answer", "en", "groundedness", 0.9, others, {})]))
    width = float(re.search(r'viewBox="0 0 ([\d.]+) ', svg)[1])
    legend = svg[svg.index('id="legend_1"') :]
    starts = [float(x) for x, y in re.findall(r"translate\(([\d.]+) ([\d.]+)\)", legend) if float(y)]
    assert len(starts) == 6
    assert max(starts) < 0.75 * width, "a name is up to a quarter of the chart long"


def test_page_tells_what_the_test_set_could_tell(page: str, layout: Layout, params: Params) -> None:
    assert "What this test set could tell" not in page, "without outputs nothing is known"
    written = [output("describe", "en", n) for n in range(12)]
    uneven = [
        one.model_copy(update={"ratios": {"bits_per_byte": (8.0 + n % 3, 10.0)}}) for n, one in enumerate(written)
    ]
    first, second = (Entrant("shop", name, evidence(), found) for name, found in (("1", written), ("2", uneven)))
    alone, beside = decide(second, None, params.promote, 1), decide(second, first, params.promote, 1)
    assert "What this test set could tell" in render_page(layout, params, alone, "0", {}, [])
    shown = render_page(layout, params, beside, "0", {}, [])
    assert "Every slice against the champion" in shown
    assert f"{beside.comparisons[0].adjusted:.3f}" in shown


def judged(number: int, stated: int, wrong: int) -> Output:
    """A description that states `stated` of four values, and `wrong` that are not the product's."""
    ratios = {"attribute_coverage": (stated, 4.0), "unsupported_rate": (wrong, max(1.0, stated + wrong))}
    return output("describe", "en", number).model_copy(update={"ratios": ratios, "text": f"text {number}"})


def test_the_worst_and_the_best_are_told_by_what_judges_a_single_text() -> None:
    found = [judged(n, 4 - n // 4, n % 2) for n in range(12)]
    (shown,) = texts(found, {})
    worst, best = ([sample.text for sample in part] for part in (shown.worst, shown.best))
    assert (len(worst), len(best)) == (WORST, BEST)
    assert worst == ["text 11", "text 9", "text 10"], "half of the values and a wrong one, then half of the values"
    assert best == ["text 2", "text 0"]
    assert shown.worst[0].scores == {"attribute_coverage": 0.5, "unsupported_rate": pytest.approx(1 / 3)}
    assert merit(found[11]) < merit(found[8]) < merit(found[0])
    (few,) = texts(found[:9], {})
    assert (few.worst, few.best) == ((), ()), "of nine texts everyone would be the worst or the best"
    (unjudged,) = texts([one.model_copy(update={"ratios": {"bits_per_byte": (9.0, 10.0)}}) for one in found], {})
    assert unjudged.worst == ()


def test_likeness_to_the_reference_decides_between_equals() -> None:
    def like(number: int, shared: int) -> Output:
        return judged(number, 4, 0).model_copy(update={"statistics": {"chrf": (20, 20, shared) * 6}})

    found = [like(n, 20 - n) for n in range(10)]
    (shown,) = texts(found, {})
    assert [sample.text for sample in (*shown.worst, *shown.best)] == ["text 9", "text 8", "text 7", "text 0", "text 1"]
    assert shown.best[0].scores["chrf"] == 100


def test_what_people_said_stands_beside_what_was_measured(
    layout: Layout, params: Params, decision: GateDecision
) -> None:
    def said(number: int, rater: int, score: float) -> Judgement:
        example, locale = f"describe:{number}", "en" if number % 2 else "zh"
        return Judgement(
            rater=rater,
            example=example,
            skill="describe",
            locale=locale,
            weight=1.0,
            first="candidate",
            scores={"win": score},
        )

    study = Verdicts(
        study="s1",
        kind="pairwise",
        candidate=Side(name="version 7", version="7", outputs="c"),
        other=Side(name="version 6", version="6", outputs="o"),
        drawn=(),
        judgements=tuple(said(n, rater, float(n % 4 > 0)) for n in range(32) for rater in (1, 2)),
        raters=(Careful(rater=1, name="Ann Lee", judged=32, missing=0, known_bad=0, told=0, repeats=0, agreed=0),),
        left_out=(),
        missing_raters=(),
    )
    page = render_page(layout, params, decision, "0", {}, [study])
    assert "Study s1, against version 6" in page and 'href="#people"' in page
    assert re.search(r"<td>all/all</td><td>human_win_rate</td><td>0.75 \(0\.\d+ to 0\.\d+\)</td><td>64 of 32 ex", page)
    assert "<td>describe/zh</td><td>human_win_rate</td>" in page and "Krippendorff" in page
    assert re.search(r"<td>describe/zh</td><td>human_win_rate: agreement of raters", page)
    assert "Ann Lee" not in page
    assert "What people say" not in render_page(layout, params, decision, "0", {}, [])


def test_the_champions_texts_stand_beside(layout: Layout, params: Params, decision: GateDecision) -> None:
    beside = decision.model_copy(update={"compared_with": "6"})
    theirs = {"review:en:0": "The champion's <i>own</i> words."}
    shown = render_page(layout, params, beside, "0", theirs, [])
    assert "<th>champion, version 6</th>" in shown
    assert "[Simulated review] The champion&#39;s &lt;i&gt;own&lt;/i&gt; words." in shown.replace("\n", " ")
    assert "<th>champion" not in render_page(layout, params, decision, "0", {}, [])
