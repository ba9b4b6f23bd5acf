"""From the current request to an operation's arguments, whatever the body's type.

Bodies are read once, within the limits of the settings, after the caller has been let in.
"""

from __future__ import annotations

from typing import Any

from flask import request

from services84.agents import EMAIL
from services84.agents.call import Call
from services84.agents.registry import Operation
from services84.carriers.shapes import Shape
from services84.errors import InvalidMember, MalformedMessage, UnsupportedMediaType
from services84.rest.context import body_share, request_body, services
from services84.rest.members import Text, read_members
from services84.rest.negotiation import JSON_PATCH, JSON_TYPES, MERGE_PATCH, XML_TYPES
from services84.rest.patches import merge, patched
from services84.rest.places import Places, places_of, query_name
from services84.rest.trees import members_of_form, members_of_xml
from services84.rest.values import Form, plain
from services84.settings import PREFIX
from services84.wire.body import BodyLimit
from services84.wire.jsonreader import decoded, read_json
from services84.wire.xmlreader import XmlLimits, read_xml

FORM = "application/x-www-form-urlencoded"
READ_TYPES = (*JSON_TYPES[:2], *XML_TYPES, FORM, JSON_PATCH, MERGE_PATCH)


def read_arguments(operation: Operation, call: Call) -> dict[str, Any]:
    """The operation's arguments by name.

    Raises UnsupportedMediaType, MalformedMessage, LimitExceeded, ServerBusy, InvalidMember,
    PatchConflict, and of a patch what reading its account raises.
    """
    places = places_of(operation)
    limit = BodyLimit(services().settings.max_body_bytes, f"{PREFIX}MAX_BODY_BYTES")
    kind = _media_type()
    body = request_body().read(limit, body_share())
    if body.strip(b" \t\r\n"):
        given: Any = _members(places, call, kind, body)
    elif places.takes_body:
        raise MalformedMessage("the request has no body, and the operation needs one")
    else:
        given = {}
    del body
    if places.id_member is not None:
        given = _with_query(places.id_member, given)
    return read_members(places.shapes, given)


def _media_type() -> str:
    """The type of the body; JSON where none is told. Raises UnsupportedMediaType."""
    encoding = (request.headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding != "identity":
        raise UnsupportedMediaType(f"the content encoding {encoding[:40]!r} is not supported")
    kind = request.mimetype or JSON_TYPES[0]
    if kind not in READ_TYPES:
        raise UnsupportedMediaType(
            f"the content type {kind[:80]!r} is not read here; use one of {', '.join(READ_TYPES)}"
        )
    return kind


def _members(places: Places, call: Call, kind: str, body: bytes) -> Any:
    """The members as plain values, not yet of their types."""
    limits = _limits()
    charset = request.mimetype_params.get("charset")
    if kind in XML_TYPES:
        return _from_xml(places, read_xml(body, limits, charset=charset))
    if kind == FORM:
        shapes, entity = _expected(places)
        return _wrapped(entity, members_of_form(shapes, decoded(body, charset), limits))
    value = read_json(body, limits, charset=charset)
    if kind not in (MERGE_PATCH, JSON_PATCH):
        return _wrapped(places.entity, value)
    base = _base(places, call, value if kind == MERGE_PATCH else None)
    patch = merge if kind == MERGE_PATCH else patched
    return _wrapped(places.entity, _same_entity(places, base, patch(base, value)))


def _limits() -> XmlLimits:
    settings = services().settings
    return XmlLimits(settings.max_xml_depth, settings.max_xml_elements)


def _expected(places: Places) -> tuple[Any, str | None]:
    """The shapes of the members of the body, and the entity that they are members of."""
    if places.entity is None:
        return places.shapes, None
    return places.shapes[places.entity].members, places.entity  # type: ignore[union-attr]


def _from_xml(places: Places, root: Any) -> Any:
    shapes, entity = _expected(places)
    return _wrapped(entity, members_of_xml(shapes, root, entity or ""))


def _wrapped(entity: str | None, value: Any) -> Any:
    """The members of the operation, of which the entity is one."""
    return value if entity is None else {entity: value}


def _with_query(member: str, given: Any) -> Any:
    """The members with the id that the query has. Raises InvalidMember."""
    name = query_name(member)
    values = [text for key, text in request.args.items(multi=True) if key.lower() == name.lower()]
    members = {} if given is None else given
    if not values:
        if isinstance(members, dict) and members.get(member) is None:
            raise InvalidMember(member, "", f"is missing; give ?{name}= or a body that has it")
        return members
    if len(values) > 1 or (isinstance(members, dict) and member in members):
        raise InvalidMember(member, values[-1], "is given more than once")
    return {**members, member: Text(values[0])} if isinstance(members, dict) else members


def _base(places: Places, call: Call, patch: Any) -> Any:
    """What a patch is applied to: the entity as it is stored, a blank one where no id is told, or
    for other operations an empty object."""
    if places.entity is None:
        return {}
    shape = places.shapes[places.entity]
    id_member = _id_of(shape)
    entity_id = patch.get(id_member) if isinstance(patch, dict) else None
    queried = request.args.get(query_name(id_member))
    if queried is not None:
        entity_id = Text(queried)
    getter, maker = EMAIL[f"Get{shape.name}"], EMAIL[f"CreateDefault{shape.name}"]
    asked = read_members(places_of(getter).shapes, {id_member: entity_id})
    stored = getter.invoke(call, asked) if asked[id_member] else maker.invoke(call, {})
    (carrier,) = stored.values()
    return plain(shape, carrier, Form())


def _same_entity(places: Places, base: Any, changed: Any) -> Any:
    """What came of a patch. Raises InvalidMember where it would be another entity."""
    if places.entity is not None and isinstance(changed, dict):
        id_member = _id_of(places.shapes[places.entity])
        if changed.get(id_member, base[id_member]) != base[id_member]:
            path = f"{places.entity}/{id_member}"
            raise InvalidMember(path, str(changed[id_member]), "cannot be changed by a patch")
    return changed


def _id_of(entity: Shape) -> str:
    return f"{entity.name}Id"
