"""The building blocks of all carriers: simple types, enumerations, dictionaries, arrays, Carrier.

Value types (Int, Short, Boolean, Double, DateTime, enumerations) cannot be nil; an absent one is
None, as is every other member that is absent or nil. None members are left out of a reply, which
every client reads as nil or as the type's zero.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from spyne import Array, ComplexModel
from spyne import Boolean as SpyneBoolean
from spyne import ByteArray as SpyneByteArray
from spyne import DateTime as SpyneDateTime
from spyne import Double as SpyneDouble
from spyne import Integer16 as SpyneInteger16
from spyne import Integer32 as SpyneInteger32
from spyne import Unicode as SpyneUnicode

from services84.namespaces import ARRAYS, SERVICES84

Int = SpyneInteger32.customize(nillable=False)
Short = SpyneInteger16.customize(nillable=False)
Boolean = SpyneBoolean.customize(nillable=False)
Double = SpyneDouble.customize(nillable=False)
DateTime = SpyneDateTime.customize(nillable=False)


class UtcDateTime(DateTime):
    """A stamp of when something was made or changed: in UTC, whatever the caller's time zone."""

    __type_name__ = "dateTime"
    __namespace__ = DateTime.get_namespace()


String = SpyneUnicode
Binary = SpyneByteArray


class Enumeration(SpyneUnicode):
    """A closed list of literals; a value is the literal, or a tuple of them for flags.

    `literals` are in the contract's order, `numbers` holds those whose number the contract
    states, `actual_type` the xs type beneath where it is not int.
    """

    class Attributes(SpyneUnicode.Attributes):
        nillable = False
        literals = ()
        numbers = {}  # noqa: RUF012 - Spyne reads attributes of the class
        flags = False
        actual_type = None


def enumeration(
    name: str,
    *literals: str,
    flags: bool = False,
    actual_type: str | None = None,
    numbers: Mapping[str, int] | None = None,
) -> Any:
    """The Enumeration type `name`; each literal is also an attribute of it.

    With `flags` a value is any number of the literals, written as an xs:list.
    """
    attributes = {
        "literals": literals,
        "flags": flags,
        "actual_type": actual_type,
        "numbers": dict(numbers or {}),
    }
    members = {literal: literal for literal in literals}
    members["Attributes"] = type("Attributes", (Enumeration.Attributes,), attributes)
    return type(
        name, (Enumeration,), {"__namespace__": SERVICES84, "__type_name__": name} | members
    )


class Record(ComplexModel):
    """A named type of the contract; the root of all of them.

    Its representation names the type only: members hold passwords and tickets. Raises TypeError
    for a member that the type does not have.
    """

    __namespace__ = SERVICES84

    class Attributes(ComplexModel.Attributes):
        dictionary = False
        anonymous = False
        value_type = False

    def __init__(self, **members: Any) -> None:
        # Spyne's own looks up every member's attributes, and takes longer than to write them all.
        blank = _blank(type(self))
        if not members.keys() <= blank.keys():
            strange = min(members.keys() - blank.keys())
            raise TypeError(f"{self.get_type_name()} has no member {strange}")
        self.__dict__.update(blank)
        self.__dict__.update(members)

    def __repr__(self):
        return f"<{self.get_type_name()}>"


@cache
def _blank(kind: Any) -> dict[str, Any]:
    """The members of a new record: their defaults, or None."""
    return {
        name: member.Attributes.default for name, member in kind.get_flat_type_info(kind).items()
    }


def dictionary(name: str, value: Any = String, *, pair: str | None = None) -> Any:
    """The dictionary type `name`, a sequence of `pair` elements with Key and Value."""
    pair_name = pair or f"{name}KeyValuePair"
    pair_type = type(
        pair_name,
        (Record,),
        {
            "Attributes": type("Attributes", (Record.Attributes,), {"anonymous": True}),
            "Key": String.customize(min_occurs=1),
            "Value": value.customize(min_occurs=1),
        },
    )
    return type(
        name,
        (Record,),
        {
            "Attributes": type("Attributes", (Record.Attributes,), {"dictionary": True}),
            pair_name: pair_type.customize(max_occurs="unbounded", nillable=False),
        },
    )


def _pair_of(dictionary_type: Any) -> tuple[str, Any]:
    ((name, pair_type),) = dictionary_type.get_flat_type_info(dictionary_type).items()
    return name, pair_type.__orig__ or pair_type


def to_dict(carrier: Any) -> dict[str, Any]:
    """The mapping that a dictionary carrier holds; None is empty. Of equal keys the last counts."""
    if carrier is None:
        return {}
    name, _ = _pair_of(type(carrier))
    return {pair.Key: pair.Value for pair in getattr(carrier, name) or () if pair is not None}


def from_dict(dictionary_type: Any, mapping: Mapping[str, Any]) -> Any:
    """A dictionary carrier of `dictionary_type` that holds `mapping`, in its order."""
    name, pair_type = _pair_of(dictionary_type)
    pairs = [pair_type(Key=key, Value=value) for key, value in mapping.items()]
    return dictionary_type(**{name: pairs})


@cache
def array_of(item: Any) -> Any:
    """ArrayOf`item`, whose value is a list; simple items live in Microsoft's Arrays namespace."""
    name = item.get_type_name()
    array = Array(item, member_name=name, type_name=f"ArrayOf{name}")
    ours = issubclass(item, (Record, Enumeration, Array))
    array.__namespace__ = SERVICES84 if ours else ARRAYS
    return array


ArrayOfInt = array_of(Int)
ArrayOfString = array_of(String)
StringDictionary = dictionary("StringDictionary", pair="StringKeyValuePair")

ETableRight = enumeration(
    "ETableRight",
    "Select",
    "Update",
    "Insert",
    "Delete",
    "Filtering",
    "RestrictedUpdate",
    flags=True,
)
EFieldRight = enumeration(
    "EFieldRight",
    "Read",
    "Write",
    "Unused1",
    "Unused2",
    "Unused3",
    "Unused4",
    "UIHintMandatory",
    "UIHintReadOnly",
    "UndefinedValue256",
    flags=True,
)


class TableRight(Record):
    """What the caller may do with the row behind a carrier."""

    Mask = ETableRight
    Reason = String


class FieldRight(Record):
    """What the caller may do with one member of a carrier."""

    Mask = EFieldRight
    Reason = String


class FieldProperty(Record):
    """Rights, type and length of one member of a carrier."""

    FieldRight = FieldRight
    FieldType = String
    FieldLength = Int


FieldPropertyDictionary = dictionary("FieldPropertyDictionary", FieldProperty)


class Carrier(Record):
    """The base of most carriers; its members come first on the wire."""

    TableRight = TableRight
    FieldProperties = FieldPropertyDictionary
