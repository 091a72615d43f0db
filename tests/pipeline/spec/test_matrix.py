"""The matrix against GitHub's own example and a naive implementation."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.matrix import expand_matrix, max_combinations

AXES = {"a": ["a0", "a1", "a2"], "b": ["b0", "b1"], "c": ["c0", "c1"]}
EXTRA = {"d": ["d0", "d1"], "e": ["e0", "e1"]}


def test_githubs_example() -> None:
    """From GitHub's documentation of `include`."""
    combinations = expand_matrix(
        {"fruit": ["apple", "pear"], "animal": ["cat", "dog"]},
        include=[
            {"color": "green"},
            {"color": "pink", "animal": "cat"},
            {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ],
    )
    assert combinations == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


def entries(axes):
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in axes.items()})


def slow(axes, exclude, include):
    points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    originals = [p for p in points if not any(all(p[k] == v for k, v in e.items()) for e in exclude)]
    results = [dict(p) for p in originals]
    new = []
    for entry in include:
        fitting = [i for i, p in enumerate(originals) if all(p.get(k, v) == v for k, v in entry.items())]
        for i in fitting:
            results[i].update(entry)
        if not fitting:
            new.append(dict(entry))
    return results + new


@given(
    st.sets(st.sampled_from(sorted(AXES))),
    st.lists(entries(AXES).filter(bool), max_size=4),
    st.lists(entries(AXES | EXTRA), max_size=5),
)
def test_like_a_naive_expansion(names, exclude, include) -> None:
    axes = {name: AXES[name] for name in sorted(names)}
    exclude = [{k: v for k, v in entry.items() if k in axes} for entry in exclude]
    exclude = [entry for entry in exclude if entry]
    combinations = expand_matrix(axes, exclude, include)
    assert combinations == slow(axes, exclude, include)
    assert len(combinations) <= max_combinations(axes, include)


def test_combinations_share_nothing_with_the_entries_of_include() -> None:
    include = [{"b": "x"}, {"a": "2"}]
    combinations = expand_matrix({"a": ["1", "3"]}, include=include)
    assert combinations == [{"a": "1", "b": "x"}, {"a": "3", "b": "x"}, {"a": "2"}]
    for combination in combinations:
        combination["b"] = "y"
        assert include == [{"b": "x"}, {"a": "2"}]
