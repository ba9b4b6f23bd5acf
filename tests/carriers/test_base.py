"""The building blocks of carriers: dictionaries, arrays, enumerations, representations."""

from __future__ import annotations

import pytest

from services84.carriers.account import (
    ArrayOfSyncUserAccount,
    EMailAccount,
    ServiceAuth,
    SyncUserAccount,
)
from services84.carriers.base import (
    ArrayOfInt,
    ArrayOfString,
    EFieldRight,
    FieldProperty,
    FieldPropertyDictionary,
    array_of,
    from_dict,
    to_dict,
)
from services84.carriers.contact import ArrayOfArrayOfLocalizedField
from services84.carriers.headers import SoCredentials, SoExceptionInfo, SoExtraInfo
from services84.carriers.principal import EjUserStatus, UserType
from services84.namespaces import ARRAYS, SERVICES84


def test_no_secret_is_in_a_representation() -> None:
    account = EMailAccount(IncomingCredentials=ServiceAuth(Password="hunter2"))
    assert "hunter2" not in repr(account) + repr(account.IncomingCredentials)
    assert "7T:" not in repr(SoCredentials(Ticket="7T:x"))


def test_members_are_none_until_they_are_set() -> None:
    account = EMailAccount(EMailAccountId=5)
    assert (account.EMailAccountId, account.EMailAddress, account.TableRight) == (5, None, None)


def test_base_members_come_first() -> None:
    names = list(SyncUserAccount.get_flat_type_info(SyncUserAccount))
    assert names == ["TableRight", "FieldProperties", "AccountId", "AssociateName", "AssociateId"]


@pytest.mark.parametrize(
    ("kind", "mapping", "pair"),
    [
        (SoExtraInfo, {"Sync.State": "running", "Sync.New": None}, "ExtraInfoNameValuePair"),
        (FieldPropertyDictionary, {}, "FieldPropertyDictionaryKeyValuePair"),
        (
            FieldPropertyDictionary,
            {"Port": FieldProperty(FieldLength=4)},
            "FieldPropertyDictionaryKeyValuePair",
        ),
    ],
)
def test_a_dictionary_keeps_its_pairs_in_order(kind: type, mapping: dict, pair: str) -> None:
    carrier = from_dict(kind, mapping)
    assert [item.Key for item in getattr(carrier, pair)] == list(mapping)
    assert to_dict(carrier) == mapping


def test_no_dictionary_and_an_empty_one_are_empty() -> None:
    assert to_dict(None) == to_dict(SoExtraInfo()) == {}


@pytest.mark.parametrize(
    ("kind", "name", "namespace"),
    [
        (ArrayOfInt, "ArrayOfint", ARRAYS),
        (ArrayOfString, "ArrayOfstring", ARRAYS),
        (ArrayOfSyncUserAccount, "ArrayOfSyncUserAccount", SERVICES84),
        (array_of(UserType), "ArrayOfUserType", SERVICES84),
        (ArrayOfArrayOfLocalizedField, "ArrayOfArrayOfLocalizedField", SERVICES84),
    ],
)
def test_arrays_are_named_after_their_items(kind: type, name: str, namespace: str) -> None:
    assert (kind.get_type_name(), kind.get_namespace()) == (name, namespace)


def test_there_is_one_array_type_an_item_type() -> None:
    assert array_of(SyncUserAccount) is ArrayOfSyncUserAccount


def test_literals_of_an_enumeration_are_its_attributes() -> None:
    assert UserType.InternalAssociate == "InternalAssociate"
    assert UserType.Attributes.literals[0] == "Unknown"
    assert EjUserStatus.Attributes.numbers == {"StatusSystem": 127}
    assert EFieldRight.Attributes.flags
    assert not UserType.Attributes.flags


def test_an_exception_may_have_an_inner_one() -> None:
    inner = SoExceptionInfo._type_info["InnerException"]
    assert (inner.__orig__ or inner) is SoExceptionInfo
