"""instants: one format for a whole column, told by all of its cells."""

from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecom_llm.collect.forms.instants import DATES, TIMES, reader_for

MOMENTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2049, 12, 31)).map(
    lambda found: found.replace(second=0, microsecond=0)
)


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.sampled_from(DATES), st.sampled_from(TIMES[:3]))
def test_a_column_is_ordered_as_its_dates_are(moments, date, time):
    """A day above 12 settles which number is the day; without a time, only the days count."""
    moments = [*moments, datetime(2001, 3, 25)]
    if not time:
        moments = [moment.replace(hour=0, minute=0) for moment in moments]
    cells = [moment.strftime(date + time) for moment in moments]
    read = reader_for(cells)
    values = [read(cell) for cell in cells]
    assert sorted(range(len(cells)), key=values.__getitem__) == sorted(range(len(cells)), key=moments.__getitem__)


@given(st.lists(st.one_of(st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9)), min_size=1))
def test_numbers_are_taken_as_they_are(numbers):
    read = reader_for([str(number) for number in numbers])
    assert [read(str(number)) for number in numbers] == [float(number) for number in numbers]


@given(MOMENTS, MOMENTS)
def test_iso_times_with_zones_are_one_moment(first, second):
    assume(first != second)
    cells = [first.isoformat() + "Z", (second + timedelta(hours=8)).isoformat() + "+08:00"]
    values = [reader_for(cells)(cell) for cell in cells]
    assert (values[0] < values[1]) == (first < second)


def test_what_orders_nothing_is_refused():
    with pytest.raises(ValueError, match="no cell is a number or a date: found 'red'"):
        reader_for(["red", "nan", "inf"])
    with pytest.raises(ValueError, match="day and month cannot be told apart"):
        reader_for(["01/02/2020", "03/01/2020"])


def test_a_few_wrong_cells_do_not_change_the_format():
    read = reader_for(["24/06/2014", "03/04/2015", "soon"])
    assert read("soon") is None
    assert read("03/04/2015") == datetime(2015, 4, 3).timestamp() - datetime(1970, 1, 1).timestamp()
