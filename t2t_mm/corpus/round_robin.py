"""Round-robin over the members of several groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


def take_turns(groups: Mapping[str, Iterable[T]]) -> Iterator[tuple[str, T]]:
    """Yields the first member of each group, the second of each, and so on.

    So the first examples of a corpus (`--max_examples`) come from all its classes. Groups
    are read lazily, and leave the round when they end.

    Yields:
      the group's name and the member.
    """
    running = {name: iter(group) for name, group in groups.items()}
    while running:
        for name, members in list(running.items()):
            for member in members:
                yield name, member
                break
            else:
                del running[name]
