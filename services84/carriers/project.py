"""Carriers of projects and sales, which documents and messages are filed under."""

from services84.carriers.base import (
    Boolean,
    Carrier,
    DateTime,
    Double,
    Int,
    Short,
    String,
    UtcDateTime,
    enumeration,
)

ActivityStatus = enumeration("ActivityStatus", "Unknown", "NotStarted", "Started", "Completed")
SaleStatus = enumeration(
    "SaleStatus",
    "Unknown",
    "Open",
    "Sold",
    "Lost",
    "Stalled",
    "SaintAll",
    actual_type="short",
    numbers={"SaintAll": 1000},
)


class Project(Carrier):
    """A project, in short."""

    ProjectId = Int
    Name = String
    Description = String
    URL = String
    Type = String
    AssociateId = Int
    AssociateFullName = String
    TypeId = Int
    Updated = UtcDateTime
    StatusId = Int
    Status = String
    TextId = Int
    PublishTo = DateTime
    PublishFrom = DateTime
    IsPublished = Boolean
    URLName = String
    ProjectNumber = String
    ActiveErpLinks = Int


class Sale(Carrier):
    """A sale, in short."""

    ContactName = String
    SaleDate = DateTime
    SaleId = Int
    Probability = Short
    Title = String
    Amount = Double
    Currency = String
    ProjectName = String
    AssociateFullName = String
    Description = String
    Status = SaleStatus
    WeightedAmount = Double
    ProjectId = Int
    EarningPercent = Double
    Earning = Double
    ContactId = Int
    AssociateId = Int
    PersonId = Int
    SaleTypeId = Int
    SaleTypeName = String
    PersonFullName = String
    Completed = ActivityStatus
    ActiveErpLinks = Int
    NextDueDate = DateTime
