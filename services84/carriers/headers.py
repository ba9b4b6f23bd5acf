"""The types of the SOAP headers: what a caller presents and what every reply reports."""

from spyne import SelfReference

from services84.carriers.base import Int, Record, String, dictionary

SoExceptionInfoParameters = dictionary("SoExceptionInfoParameters")
SoExtraInfo = dictionary("SoExtraInfo", pair="ExtraInfoNameValuePair")


class SoExceptionInfo(Record):
    """Why a call failed; nil when it succeeded. StackTrace is never filled."""

    Message = String
    StackTrace = String
    FriendlyText = String
    ExceptionType = String
    Source = String
    InnerException = SelfReference
    Parameters = SoExceptionInfoParameters


class SoCredentials(Record):
    """The ticket of the caller."""

    Ticket = String


class SoTimeZone(Record):
    """The caller's time zone: SuperOffice's id and its location code."""

    SoTimeZoneId = Int
    SoTimeZoneLocationCode = String
