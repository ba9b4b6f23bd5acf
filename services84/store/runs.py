"""Leases and runs: who syncs an account now, and how its syncs went.

A lease is the account's `run_id`, owner and end in one row; taking it is one compare-and-set, and
every write of a sync passes `guard` inside its own transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update

from services84.errors import LeaseLost
from services84.store.database import Database
from services84.store.tables import email_account, email_folder, email_item, sync_run
from services84.store.values import AccountStatus, Lease, Run, RunOutcome, RunState

RUNS_KEPT = 100  # finished ones of an account; older ones go when a new one starts

OLD_AT_ONCE = 1000  # runs that one transaction looks at when old ones go

RUN = (  # the columns of `run_of`
    sync_run.c.sync_run_id,
    sync_run.c.account_id,
    sync_run.c.state,
    sync_run.c.owner,
    sync_run.c.started,
    sync_run.c.finished,
    sync_run.c.new,
    sync_run.c.changed,
    sync_run.c.removed,
    sync_run.c.error_reason,
    sync_run.c.error_kind,
)
# Built once: that takes longer than the database with it, and every sync asks for some of them.
_RUN_BY_ID = select(*RUN).where(sync_run.c.sync_run_id == bindparam("run"))
_LATEST_RUN = select(*RUN).where(
    sync_run.c.sync_run_id
    == select(func.max(sync_run.c.sync_run_id))
    .where(sync_run.c.account_id == bindparam("account"))
    .scalar_subquery()
)
_CURRENT_RUN = (
    select(*RUN)
    .join_from(sync_run, email_account, sync_run.c.sync_run_id == email_account.c.run_id)
    .where(
        email_account.c.email_account_id == bindparam("account"),
        email_account.c.lease_until > bindparam("now"),
    )
)
_HOLDER = (
    select(email_account.c.run_id)
    .where(email_account.c.email_account_id == bindparam("account"))
    .with_for_update(key_share=True)
)
_LEASED = (
    select(email_account.c.run_id, email_account.c.lease_until)
    .where(
        email_account.c.email_account_id == bindparam("account"),
        email_account.c.account_status != AccountStatus.DELETED,
    )
    .with_for_update(key_share=True)
)
_OLD_RUN = (
    select(sync_run.c.sync_run_id)
    .where(sync_run.c.account_id == bindparam("account"))
    .order_by(sync_run.c.sync_run_id.desc())
    .offset(bindparam("others"))
    .limit(1)
)
_DROP_OLD_RUNS = delete(sync_run).where(
    sync_run.c.account_id == bindparam("account"),
    sync_run.c.sync_run_id <= _OLD_RUN.scalar_subquery(),
)
_NEW_RUN = insert(sync_run).returning(sync_run.c.sync_run_id)
# What they set is told by the values that they are given.
_ACCOUNT = update(email_account).where(email_account.c.email_account_id == bindparam("account"))
_HELD = _ACCOUNT.where(email_account.c.run_id == bindparam("holder"))
_RUNNING = update(sync_run).where(
    sync_run.c.sync_run_id == bindparam("run"), sync_run.c.state == RunState.RUNNING.value
)
_NO_LEASE: dict[str, Any] = {"run_id": None, "lease_owner": "", "lease_until": None}


def guard(connection: Connection, lease: Lease) -> None:
    """Hold the account's row until the end of the transaction; raises LeaseLost if not ours.

    On PostgreSQL a takeover then waits for this transaction, and this one for a takeover; on
    SQLite there is one writer anyway. A lease that has run out and was not taken is still ours.
    """
    holder = connection.execute(_HOLDER, {"account": lease.account_id}).scalar_one_or_none()
    if holder != lease.run_id:
        raise _lost(lease)


def take_lease(
    connection: Connection, account_id: int, owner: str, now: datetime, seconds: float
) -> Lease | None:
    """As `RunStore.take_lease`, in a transaction that does more."""
    row = connection.execute(_LEASED, {"account": account_id}).one_or_none()
    if row is None or (row.lease_until is not None and row.lease_until > now):
        return None
    if row.run_id is not None:
        end_run(connection, row.run_id, RunState.LOST, now)
    run_id = _start_run(connection, account_id, owner, now)
    until = now + timedelta(seconds=seconds)
    held = {"run_id": run_id, "lease_owner": owner, "lease_until": until}
    connection.execute(_ACCOUNT, {"account": account_id, **held})
    return Lease(account_id, run_id, owner, until)


def _start_run(connection: Connection, account_id: int, owner: str, now: datetime) -> int:
    connection.execute(_DROP_OLD_RUNS, {"account": account_id, "others": RUNS_KEPT - 1})
    begun = {
        "account_id": account_id,
        "state": RunState.RUNNING.value,
        "owner": owner,
        "started": now,
        "new": 0,
        "changed": 0,
        "removed": 0,
        "error_reason": "",
        "error_kind": "",
    }
    return int(connection.execute(_NEW_RUN, begun).scalar_one())


class RunStore:
    """Leases and runs of accounts. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take_lease(
        self, account_id: int, owner: str, now: datetime, seconds: float
    ) -> Lease | None:
        """The account's lease for `seconds` with a new run; None when another holds it, or when
        there is no such account. A run whose lease has run out becomes LOST."""
        with self._database.transaction(lasting=False) as connection:
            return take_lease(connection, account_id, owner, now, seconds)

    def renew_lease(self, lease: Lease, now: datetime, seconds: float) -> Lease:
        """The lease with a new end; raises LeaseLost when it is no longer ours."""
        until = now + timedelta(seconds=seconds)
        with self._database.transaction(lasting=False) as connection:
            result = connection.execute(
                update(email_account)
                .where(
                    email_account.c.email_account_id == lease.account_id,
                    email_account.c.run_id == lease.run_id,
                )
                .values(lease_until=until)
            )
            if not result.rowcount:
                raise _lost(lease)
        return replace(lease, until=until)

    def finish_run(self, lease: Lease, outcome: RunOutcome, now: datetime) -> None:
        """Write how the run ended, for its row and the account's, and give the lease back.

        Raises LeaseLost when it is no longer ours; then nothing is written.
        """
        state = RunState.FAILED if outcome.error_reason else RunState.COMPLETED
        if outcome.interrupted:
            state = RunState.LOST  # whoever waits for it in another process takes over
        elif outcome.partial:
            state = RunState.PARTIAL
        # That nothing was new is nothing to wait for the disk with.
        with self._database.transaction(lasting=_tells(outcome)) as connection:
            newest = _newest(lease, outcome)
            given = {"account": lease.account_id, "holder": lease.run_id}
            result = connection.execute(
                _HELD.values(**newest) if newest else _HELD,
                given | _NO_LEASE | _account_after(outcome, now),
            )
            if not result.rowcount:
                raise _lost(lease)
            end_run(connection, lease.run_id, state, now, outcome)

    def forget_runs(self, before: datetime) -> bool:
        """Remove some of the runs that ended before a time; whether there may be more of them.

        Looks at the oldest alone, for ids are given in the order of time.
        """
        oldest = select(sync_run.c.sync_run_id).order_by(sync_run.c.sync_run_id).limit(OLD_AT_ONCE)
        held = select(email_account.c.run_id).where(email_account.c.run_id.is_not(None))
        with self._database.transaction(lasting=False) as connection:
            result = connection.execute(
                delete(sync_run).where(
                    sync_run.c.sync_run_id.in_(oldest),
                    sync_run.c.finished < before,
                    sync_run.c.sync_run_id.not_in(held),
                )
            )
            return bool(result.rowcount)

    def run(self, run_id: int) -> Run | None:
        """The run of this id."""
        return self._one(_RUN_BY_ID, run=run_id)

    def current_run(self, account_id: int, now: datetime) -> Run | None:
        """The run that holds the account with a lease that is alive."""
        return self._one(_CURRENT_RUN, account=account_id, now=now)

    def latest_run(self, account_id: int) -> Run | None:
        """The account's newest run, running or not."""
        return self._one(_LATEST_RUN, account=account_id)

    def _one(self, query: Any, **given: Any) -> Run | None:
        with self._database.reading() as connection:
            row = connection.execute(query, given).one_or_none()
        return None if row is None else run_of(row)


def run_of(row: Sequence[Any]) -> Run:
    """A run from a row of the columns `RUN`."""
    run_id, account_id, state, *rest = row
    return Run(run_id, account_id, RunState(state), *rest)


def end_run(
    connection: Connection,
    run_id: int,
    state: RunState,
    now: datetime,
    outcome: RunOutcome | None = None,
) -> None:
    """Write the end of a run that is still RUNNING."""
    outcome = outcome or RunOutcome()
    ended = {
        "state": state.value,
        "finished": now,
        "new": outcome.new,
        "changed": outcome.changed,
        "removed": outcome.removed,
        "error_reason": outcome.error_reason,
        "error_kind": outcome.error_kind,
    }
    connection.execute(_RUNNING, {"run": run_id, **ended})


def _tells(outcome: RunOutcome) -> bool:
    """Whether the end of a run says more than that all was well and nothing has changed."""
    return bool(outcome.error_reason or outcome.new or outcome.changed or outcome.removed)


def _newest(lease: Lease, outcome: RunOutcome) -> dict[str, Any]:
    """The highest id that a message of the account has had, where that may be another now."""
    if not outcome.new:
        return {}
    highest = (
        select(func.max(email_item.c.email_item_id))
        .join_from(email_item, email_folder)
        .where(email_folder.c.account_id == lease.account_id)
    )
    known = email_account.c.last_message_id
    found = func.coalesce(highest.scalar_subquery(), 0)
    return {"last_message_id": case((found > known, found), else_=known)}


def _account_after(outcome: RunOutcome, now: datetime) -> dict[str, Any]:
    if outcome.interrupted or outcome.partial:
        return {}
    if not outcome.error_reason:
        return {
            "account_status": int(AccountStatus.OK),
            "error_count": 0,
            "error_reason": "",
            "error_kind": "",
            "refused_count": 0,
            "throttled_count": 0,
            "next_attempt": outcome.next_attempt,
            "last_success": now,
        }
    return {
        "account_status": int(outcome.status),
        "error_count": outcome.error_count,
        "error_reason": outcome.error_reason,
        "error_kind": outcome.error_kind,
        "refused_count": outcome.refused_count,
        "throttled_count": outcome.throttled_count,
        "next_attempt": outcome.next_attempt,
    }


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"run {lease.run_id} no longer holds account {lease.account_id}")
