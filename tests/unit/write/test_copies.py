"""What training holds, kept with the model: a text that copies too many words in a row is told, in any script, after loading too."""

import pytest

from ecom_llm.records import UserError
from ecom_llm.write.copies import FILE, learned_copies, load, save, stretches

KNOWN = ["This dress runs small, so I ordered a size up.", "这条裙子偏小所以我买大一号。"]


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("I think this dress RUNS small... so, I returned it", True),
        ("this dress runs small so it went back", False),
        ("dress runs small this so I ordered", False),
        ("", False),
        ("朋友说这条裙子偏大", False),
        ("朋友说这条裙子偏小", True),
    ],
)
def test_more_than_five_words_in_a_row_are_a_copy(text, copied):
    assert learned_copies(KNOWN, 5).holds(text) == copied


def test_nothing_is_a_copy_of_nothing():
    assert not learned_copies([], 3).holds("a b c d e")
    assert stretches("a b", 3) == set()


def test_it_is_the_same_after_loading_and_damage_is_told(tmp_path):
    assert load(tmp_path) is None
    copies = learned_copies(KNOWN, 5)
    save(copies, tmp_path)
    first = (tmp_path / FILE).read_bytes()
    found = load(tmp_path)
    assert (found.longest, found.known.tolist()) == (5, copies.known.tolist())
    save(learned_copies(KNOWN[::-1], 5), tmp_path)
    assert (tmp_path / FILE).read_bytes() == first
    (tmp_path / FILE).write_bytes(first[:-9])
    with pytest.raises(UserError, match=r"copies\.safetensors: cannot be read"):
        load(tmp_path)
