"""What the model can do: five e-commerce tasks, one file each."""

from ecom_llm.records import UserError
from ecom_llm.skills import advertise, answer, describe, recommend, review
from ecom_llm.skills.skill import Skill

SKILLS: dict[str, Skill] = {
    module.SKILL.name: module.SKILL for module in (describe, advertise, review, answer, recommend)
}


def skill_named(name: str) -> Skill:
    """The skill of that name, or a UserError that lists the names there are."""
    if name not in SKILLS:
        raise UserError(f"no skill is called {name!r}. There are: {', '.join(SKILLS)}.")
    return SKILLS[name]
