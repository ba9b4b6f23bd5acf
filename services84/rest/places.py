"""Where the members of an operation stand in a request, told from its declaration. Pure.

As in the vendor's web API: an operation that saves an entity takes the entity itself as its body;
one that gets or deletes an entity takes its id in the query; all others take a body whose members
are the operation's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from services84.agents.registry import Operation
from services84.carriers.shapes import Composite, Listing, Shape, Simple, shape_of


@dataclass(frozen=True)
class Places:
    """`shapes` are the members; `entity` names the one that is the whole body, `id_member` the one
    that stands in the query. `returns` is None for void."""

    shapes: Mapping[str, Shape]
    entity: str | None
    id_member: str | None
    returns: Shape | None

    @property
    def takes_body(self) -> bool:
        """Whether a request has something to say in its body, and nowhere else."""
        return bool(self.shapes) and self.id_member is None

    @property
    def gives_bytes(self) -> bool:
        """Whether the answer is bytes, for which JSON is only one form."""
        return isinstance(self.returns, Simple) and self.returns.kind == "binary"

    @property
    def gives_carriers(self) -> bool:
        """Whether members of the answer can be selected."""
        shape = self.returns
        while isinstance(shape, Listing):
            shape = shape.item
        return isinstance(shape, Composite)


@cache
def _places(name: str, parameters: tuple[tuple[str, object], ...], returns: object) -> Places:
    shapes = {member: shape_of(kind) for member, kind in parameters}
    entity = id_member = None
    if len(shapes) == 1:
        ((member, shape),) = shapes.items()
        if isinstance(shape, Composite) and name == f"Save{shape.name}":
            entity = member
        if name in (f"Get{member.removesuffix('Id')}", f"Delete{member.removesuffix('Id')}"):
            id_member = member
    return Places(shapes, entity, id_member, None if returns is None else shape_of(returns))


def places_of(operation: Operation) -> Places:
    """The places of an operation with at most one member in its reply."""
    returns = next(iter(operation.returns.values()), None)
    return _places(operation.name, tuple(operation.parameters.items()), returns)


def query_name(member: str) -> str:
    """A member's name in a query, as the vendor spells it: `eMailAccountId`."""
    return member[:1].lower() + member[1:]
