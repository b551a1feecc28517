"""What training texts say of slots: which there are, whether sentences begin with capitals, and what mentions a yes or no."""

from collections import Counter

from transformers import AutoTokenizer

from ecom_llm.records import Example
from ecom_llm.train import slotting as learning
from ecom_llm.train.encoded_texts import encoded_batches
from ecom_llm.train.model import new_tokenizer
from ecom_llm.train.slotting import learned_slotting, mention_words
from ecom_llm.write.encode import encode, shown_text, slotting_of, with_slots


def described(number: int, target: str, **attributes: str) -> Example:
    name = f"describe:en:{number}"
    fields = {"skill": "describe", "locale": "en", "product": name, "group": name, "source": f"t:{number + 1}"}
    return Example(id=name, attributes=attributes, target=target, **fields)


ROWS = [
    ("ray", "true", "is dimmable"),
    ("beam", "false", "is not dimmable"),
    ("glow", "dontcare", "may be dimmable or not"),
]
EXAMPLES = [
    described(number, f"{name} is a lamp that {said}", name=name, type="lamp", dimmable=dims, lined="none")
    for number, (name, dims, said) in enumerate(ROWS * 4)
] + [described(99, "lux is a lamp", name="lux", type="lamp")]


def test_slots_are_what_differs_and_stands_in_two_texts():
    slotting = learned_slotting(EXAMPLES, min_value_share=1.0)
    assert (slotting.names, slotting.capitals, slotting.shown) == ({"name"}, False, {"lamp"})
    capitals = [one.model_copy(update={"target": one.target.capitalize()}) for one in EXAMPLES]
    assert learned_slotting(capitals, min_value_share=0.0).capitals


def test_a_prompt_hides_the_values_of_slots_alone():
    hidden = with_slots(EXAMPLES[1], learned_slotting(EXAMPLES, min_value_share=1.0))
    assert hidden.attributes == {"⟦name⟧": "", "type": "lamp", "dimmable": "false", "lined": "none"}
    assert hidden.target == "⟦name⟧ is a lamp that is not dimmable"
    shown = with_slots(EXAMPLES[1], learned_slotting(EXAMPLES, min_value_share=0.0))
    assert shown.attributes == {"⟦name⟧": "beam", "type": "lamp", "dimmable": "false", "lined": "none"}


def test_frequent_values_are_shown():
    slotting = learned_slotting(EXAMPLES, min_value_share=0.2)
    assert slotting.shown == {"ray", "beam", "glow", "lamp"}
    assert with_slots(EXAMPLES[-1], slotting).attributes == {"⟦name⟧": "", "type": "lamp"}
    assert with_slots(EXAMPLES[0], slotting).attributes["⟦name⟧"] == "ray"


def test_mentions_are_the_words_that_come_as_often_as_they_are_asked_for():
    assert learned_slotting(EXAMPLES, 0.0).mentions["dimmable"] == ("dimmable",)
    plain = [one.model_copy(update={"attributes": {"name": one.attributes["name"]}}) for one in EXAMPLES]
    assert learned_slotting(plain, 0.0).mentions == {}


def test_mentions_are_learned_from_some_of_many_texts(monkeypatch):
    seen: list[list[Example]] = []
    monkeypatch.setattr(learning, "learned_mentions", lambda examples, _: seen.append(examples) or {})
    for most in (len(EXAMPLES), len(EXAMPLES) - 1, 4):
        monkeypatch.setattr(learning, "LOOKED_AT", most)
        learned_slotting(EXAMPLES, 0.0)
    assert seen == [EXAMPLES, EXAMPLES[::2], EXAMPLES[::4]]


def test_an_attribute_that_no_words_tell_has_none():
    counts = [Counter(text.split()) for text in ("a b", "a c", "a d", "a e", "a f")]
    assert mention_words([1, 1, 0, 0, 0], counts) == ()
    assert mention_words([1, 1, 1, 1, 0], [Counter("x")] * 4 + [Counter("y")]) == ("x",)
    assert mention_words([1] * 9 + [0], [Counter("x")] * 10) == (), "a word that all texts hold"


def test_how_slots_are_written_is_saved_with_the_tokenizer(tiny_params, tmp_path):
    train = tiny_params.train.model_copy(update={"min_value_share": 1.0, "vocab_size": 300})
    new_tokenizer(train, EXAMPLES).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    slotting = slotting_of(tokenizer)
    assert slotting == learned_slotting(EXAMPLES, 1.0, marks=train.mark_stated)
    encoded = encode(EXAMPLES[:1], tokenizer)[0]
    assert "ray" not in tokenizer.decode(encoded.prompt)
    assert shown_text("⟦name⟧ is a lamp", EXAMPLES[0], slotting) == "ray is a lamp"


def test_prompts_mark_what_the_text_states_where_it_is_learned_from_and_ask_for_all_elsewhere():
    slotting = learned_slotting(EXAMPLES, 0.0, marks=True)
    silent = EXAMPLES[0].model_copy(update={"target": "a lamp that is dimmable"})
    assert "⟦name⟧" in with_slots(EXAMPLES[0], slotting, learned=True).attributes
    assert "name" in with_slots(silent, slotting, learned=True).attributes
    assert with_slots(silent, slotting).attributes == with_slots(EXAMPLES[0], slotting).attributes
    assert "⟦name⟧" in with_slots(silent, slotting).attributes
    unmarked = learned_slotting(EXAMPLES, 0.0)
    assert "⟦name⟧" in with_slots(silent, unmarked, learned=True).attributes


def test_training_marks_and_writing_asks(tiny_params):
    train = tiny_params.train.model_copy(update={"mark_stated": True, "vocab_size": 300})
    tokenizer = new_tokenizer(train, EXAMPLES)
    silent = EXAMPLES[0].model_copy(update={"target": "a lamp"})
    (batch,) = encoded_batches([silent], tokenizer, "causal")
    learned = tokenizer.decode(batch["prompt"][0].as_py())
    asked = tokenizer.decode(encode([silent], tokenizer)[0].prompt)
    assert ("⟦name⟧" in learned, "⟦name⟧" in asked) == (False, True)


def test_a_slot_may_be_written_as_often_as_nine_in_ten_texts_that_state_it_do():
    twice = described(98, "ray is a lamp , ray", name="ray", type="lamp", dimmable="true")
    assert learned_slotting([*EXAMPLES, twice], 0.0, marks=True).most == {"name": 1}
    assert learned_slotting([*EXAMPLES, *[twice] * 2], 0.0, marks=True).most == {"name": 2}
    assert learned_slotting([*EXAMPLES, *[twice] * 2], 0.0).most == {}
