"""Outputs of two made-up versions, of which the first states every fact and the second forgets some."""

import random

import pytest

from ecom_llm.evaluate.evidence import Output
from ecom_llm.human.making import make_study
from ecom_llm.human.study import Side, Study
from ecom_llm.params import Study as Settings

SETTINGS = Settings(
    seed=1,
    examples=60,
    raters=3,
    raters_per_example=3,
    repeats=4,
    known_bad=4,
    min_known_bad_told=0.75,
    min_examples=10,
)
COLOURS = {"en": ("red", "blue", "green", "black", "white"), "zh": ("红色", "蓝色", "绿色", "黑色", "白色")}
THINGS = {"en": ("dress", "lamp", "kettle", "chair"), "zh": ("连衣裙", "台灯", "水壶", "椅子")}
NAMES = {"en": ("category", "colour", "size"), "zh": ("类型", "颜色", "尺寸")}
STARS = {"en": "stars", "zh": "星级"}
FULL = {
    "en": "This {colour} {thing} in size {size} goes with everything you own & more <b>today</b>.",
    "zh": "这款{colour}{thing}，尺寸{size}，百搭又实用，质感细腻，日常出行都合适。",
}
SHORT = {"en": "A nice {thing}, number {size}.", "zh": "不错的{thing}，{size}号。"}


def outputs(version: int, count: int, skills: tuple[str, ...] = ("describe", "review"), seed: int = 0) -> list[Output]:
    """`count` outputs of each skill in English and Chinese; both versions write every tenth text alike."""
    rng = random.Random(seed)
    made = []
    for skill in skills:
        for locale in ("en", "zh"):
            for number in range(count):
                values = {
                    "thing": rng.choice(THINGS[locale]),
                    "colour": rng.choice(COLOURS[locale]),
                    "size": str(number),
                }
                asked = {STARS[locale]: "5"} if skill == "review" else {}
                full, short = (words[locale].format(**values) for words in (FULL, SHORT))
                made.append(
                    Output(
                        id=f"{skill}:{locale}:{number}",
                        skill=skill,
                        locale=locale,
                        attributes={**dict(zip(NAMES[locale], values.values(), strict=True)), **asked},
                        reference=full + "!",
                        text=full if version == 1 or number % 10 == 0 else short,
                        baselines={"template": short},
                        ratios={},
                    )
                )
    return made


def side(name: str, version: str | None = None) -> Side:
    return Side(name=name, version=version, outputs=f"sha-{name}")


def pairwise(settings: Settings = SETTINGS, count: int = 40) -> Study:
    other = {output.id: output.text for output in outputs(2, count)}
    return make_study(side("version 1", "1"), outputs(1, count), side("version 2", "2"), other, settings)


def rating(settings: Settings = SETTINGS, count: int = 40) -> Study:
    return make_study(side("version 1", "1"), outputs(1, count), None, None, settings)


@pytest.fixture(scope="session")
def study() -> Study:
    return pairwise()


@pytest.fixture(scope="session")
def ratings() -> Study:
    return rating()
